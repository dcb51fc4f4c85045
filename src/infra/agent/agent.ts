import { basename, relative } from 'node:path';
import { isBelow } from './bubblewrap.ts';
import type { AgentProfileConfig, AgentsConfig } from './configuration.ts';
import { type EgressRule, parseEgressRule } from './egress-rules.ts';
import { codexProfile } from './profiles/codex.ts';
import type { LoginFile, Profile } from './profiles/profile.ts';
import { templateProfile } from './profiles/template.ts';

/** A configured agent, ready to run. */
export interface Agent {
  readonly config: AgentProfileConfig;
  readonly profile: Profile;
  readonly rules: readonly EgressRule[];
}

/** Stands where it stood below the home of the service's user; from elsewhere by its own name. */
const loginBelow = (home: string | undefined, path: string): LoginFile => ({
  from: path,
  to: home !== undefined && path !== home && isBelow(path, home) ? relative(home, path) : basename(path),
});

const profileOf = (config: AgentProfileConfig, home: string | undefined): Profile => {
  const loginPaths = config.authMode === 'session' ? config.loginPaths : [];
  if (config.kind === 'codex') return codexProfile({ ...config, loginPaths, extraArguments: config.extraArguments ?? [] });
  return templateProfile(
    config.command,
    loginPaths.map((path) => loginBelow(home, path)),
  );
};

export const agentOf = (config: AgentProfileConfig, { environment, egressHosts }: AgentsConfig): Agent => ({
  config,
  profile: profileOf(config, environment.HOME),
  rules: [
    ...config.allowedHosts.map((line) => parseEgressRule(line, 'profile')),
    ...egressHosts.map((line) => parseEgressRule(line, 'operator')),
  ],
});

const picked = (
  names: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** What an agent gets of the service's environment: what the operator lists and, signing in by key, its keys. */
export const handedOn = ({ config }: Agent, { environment, envPass }: AgentsConfig): Readonly<Record<string, string>> =>
  picked([...envPass, ...(config.authMode === 'api' ? config.apiKeyVars : [])], environment);
