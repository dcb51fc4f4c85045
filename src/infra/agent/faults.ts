import { existsSync } from 'node:fs';
import { isAbsolute, normalize } from 'node:path';
import { isBelow } from './bubblewrap.ts';
import type { AgentProfileConfig, AgentsConfig } from './configuration.ts';
import { parseEgressRule } from './egress-rules.ts';
import { OURS_INSIDE } from './places.ts';
import { parseTemplate } from './profiles/template.ts';

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Set by us for every agent; a value of the operator's would be lost or would lead around the proxy. */
const OURS = /^(OKD_.*|PATH|HOME|TMPDIR|CODEX_HOME|COUNTERSIGN_RUN|(HTTPS?|ALL|NO)_PROXY|NODE_USE_ENV_PROXY)$/i;

const complaintOf = (check: () => unknown): readonly string[] => {
  try {
    check();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
};

const variableFaults = (names: readonly string[], setting: string): readonly string[] =>
  names.flatMap((name) => {
    if (!VARIABLE.test(name)) return [`${setting} names "${name}", which is no name of a variable.`];
    return OURS.test(name) ? [`${setting} names ${name}, which the service sets itself. Take it out.`] : [];
  });

const pathFaults = (path: string, dataFolder: string, what: string): readonly string[] => {
  if (!isAbsolute(path)) return [`${what} "${path}" must be an absolute path.`];
  return isBelow(normalize(dataFolder), normalize(path)) ? [`${what} "${path}" would show the data folder to the agent.`] : [];
};

/** Without the file the agent would quietly talk to another provider than the operator chose. */
const configFileFaults = ({ configFile }: AgentProfileConfig, { dataFolder }: AgentsConfig): readonly string[] => {
  if (configFile === undefined) return [];
  return [
    ...pathFaults(configFile, dataFolder, 'AGENT_CONFIG_FILE:'),
    ...(existsSync(configFile) ? [] : ['AGENT_CONFIG_FILE names a file that is not here.']),
  ];
};

const profileFaults = (profile: AgentProfileConfig, config: AgentsConfig): readonly string[] => [
  ...(/^[A-Za-z0-9_.-]{1,50}$/.test(profile.name)
    ? []
    : [`"${profile.name}" is no name for an agent: use letters, digits, "-", "_" and ".".`]),
  ...(profile.kind === 'template' ? complaintOf(() => parseTemplate(profile.command)) : []),
  ...(profile.kind === 'codex' && profile.command.trim() === ''
    ? [`Agent ${profile.name} has no command. Write codex or its path.`]
    : []),
  ...profile.allowedHosts.flatMap((line) => complaintOf(() => parseEgressRule(line, 'profile'))),
  ...variableFaults(profile.apiKeyVars, 'AGENT_API_KEY_VARS'),
  ...(profile.authMode === 'api' && profile.apiKeyVars.length === 0
    ? [`Agent ${profile.name} signs in by API key, but AGENT_API_KEY_VARS names none. Name the variable that holds the key.`]
    : []),
  ...configFileFaults(profile, config),
  ...profile.loginPaths.flatMap((path) => pathFaults(path, config.dataFolder, 'AGENT_LOGIN_PATHS:')),
  ...(profile.mounts ?? []).flatMap(({ from, to }) => [
    ...pathFaults(from, config.dataFolder, `Agent ${profile.name}: the mounted path`),
    ...(normalize(to) === to && to.startsWith('/opt/') && !isBelow(to, OURS_INSIDE)
      ? []
      : [`Agent ${profile.name}: "${to}" must be a path below /opt/, and not below ${OURS_INSIDE}.`]),
  ]),
];

/** Everything that is wrong with the configuration, one sentence each; empty when agents can be made from it. */
export const agentFaults = (config: AgentsConfig): readonly string[] => {
  const names = config.profiles.map(({ name }) => name);
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [
    ...[...twice].map((name) => `Two agents are named ${name}. Rename one.`),
    ...config.profiles.flatMap((profile) => profileFaults(profile, config)),
    ...config.egressHosts.flatMap((line) => complaintOf(() => parseEgressRule(line, 'operator'))),
    ...variableFaults(config.envPass, 'AGENT_ENV_PASS'),
  ];
};
