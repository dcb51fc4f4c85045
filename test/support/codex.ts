import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentProfileConfig } from '../../src/infra/agent/configuration.ts';
import type { ScriptedModel } from './scripted-model.ts';

/** The real CLI, which `bin/test` installs. */
export const CODEX_COMMAND = join(import.meta.dirname, '..', 'agents', 'node_modules', '.bin', 'codex');
/** The newest model that codex still gives function tools, which is what a scripted model can call. */
export const CODEX_MODEL = 'gpt-5.5';
export const CODEX_KEY_VARIABLE = 'SCRIPTED_MODEL_KEY';

/**
 * A codex profile that talks to the scripted model. Give the service `environment[CODEX_KEY_VARIABLE]` and list `codexEgress(model)` as
 * the operator's egress.
 */
export const codexProfileFor = (model: ScriptedModel, changes: Partial<AgentProfileConfig> = {}): AgentProfileConfig => {
  // The scripted model checks no key, so a session's login need not hold one.
  const key = changes.authMode === 'session' ? '' : `env_key="${CODEX_KEY_VARIABLE}",`;
  const provider = `{name="scripted",base_url="${model.url}/v1",${key}wire_api="responses",request_max_retries=1,stream_max_retries=1}`;
  return {
    name: 'codex',
    kind: 'codex',
    command: CODEX_COMMAND,
    model: CODEX_MODEL,
    extraArguments: ['-c', 'model_provider="scripted"', '-c', `model_providers.scripted=${provider}`],
    loginPaths: [],
    allowedHosts: [],
    authMode: 'api',
    apiKeyVars: [CODEX_KEY_VARIABLE],
    ...changes,
  };
};

/** The `config.toml` with which a codex talks to the scripted model, for a service whose operator named it. */
const codexConfiguration = (model: ScriptedModel): string => `model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "${model.url}/v1"
env_key = "${CODEX_KEY_VARIABLE}"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
`;

/** What makes a service drive this codex with the scripted model; its configuration file is written into `folder`. */
export const codexEnvironment = async (
  model: ScriptedModel,
  folder: string,
  key: string,
): Promise<Readonly<Record<string, string>>> => {
  const configFile = join(folder, 'config.toml');
  await writeFile(configFile, codexConfiguration(model));
  return {
    AGENT_CLI_TEMPLATE: '',
    AGENT_MODEL: CODEX_MODEL,
    AGENT_CONFIG_FILE: configFile,
    AGENT_AUTH_MODE: 'api',
    AGENT_API_KEY_VARS: CODEX_KEY_VARIABLE,
    AGENT_EGRESS: codexEgress(model).join(','),
    [CODEX_KEY_VARIABLE]: key,
  };
};

export const codexEgress = (model: ScriptedModel): readonly string[] => [`127.0.0.1:${model.port}`];
