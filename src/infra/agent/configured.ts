import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import type { AgentProfileConfig, AgentsConfig } from './configuration.ts';
import { CODEX_HOSTS } from './profiles/codex.ts';

/** Where the codex CLI keeps its login. */
const CODEX_LOGIN = join(homedir(), '.codex', 'auth.json');

const profileOf = ({ agent }: Configuration): AgentProfileConfig => {
  const common = {
    name: agent.provider,
    authMode: agent.authMode,
    apiKeyVars: agent.apiKeyVars,
    ...(agent.sessionCheckCommand !== null && { sessionCheckCommand: agent.sessionCheckCommand }),
  };
  return agent.template === null
    ? {
        ...common,
        kind: 'codex',
        command: 'codex',
        model: agent.model,
        ...(agent.configFile !== null && { configFile: agent.configFile }),
        loginPaths: agent.loginPaths.length > 0 ? agent.loginPaths : [CODEX_LOGIN],
        allowedHosts: CODEX_HOSTS,
      }
    : {
        ...common,
        kind: 'template',
        command: agent.template,
        model: agent.model,
        loginPaths: agent.loginPaths,
        allowedHosts: [],
      };
};

/** The agents that the operator configured: one, named after its provider. */
export const configuredAgents = (configuration: Configuration, redact: (text: string) => string): AgentsConfig => {
  const { agent, dataFolder } = configuration;
  return {
    dataFolder,
    profiles: [profileOf(configuration)],
    isolation: agent.isolation,
    envPass: agent.envPass,
    egressHosts: agent.egress,
    // Where programs are found is no secret; everything else is picked by the operator.
    environment: { ...agent.environment, PATH: process.env.PATH, HOME: process.env.HOME },
    redact,
  };
};
