import { describe, expect, it } from 'vitest';
import { createAgents } from '../../src/infra/agent/agents.ts';
import type { AgentProfileConfig, AgentsConfig } from '../../src/infra/agent/configuration.ts';
import { agentFaults } from '../../src/infra/agent/faults.ts';

const PROFILE: AgentProfileConfig = {
  name: 'codex',
  kind: 'codex',
  command: 'codex',
  model: '',
  loginPaths: ['/home/service/.codex'],
  allowedHosts: ['api.openai.com'],
  authMode: 'session',
  apiKeyVars: [],
};
const config = (changes: Partial<AgentsConfig> = {}, profile: Partial<AgentProfileConfig> = {}): AgentsConfig => ({
  dataFolder: '/srv/data',
  profiles: [{ ...PROFILE, ...profile }],
  isolation: 'bubblewrap',
  envPass: ['LC_ALL'],
  egressHosts: ['*.example.com'],
  environment: {},
  redact: (text) => text,
  ...changes,
});

describe('The configuration of agents', () => {
  it('has no fault when all is well', () => {
    expect(agentFaults(config())).toEqual([]);
  });

  it.each<readonly [string, AgentsConfig, RegExp]>([
    ['two of a name', config({ profiles: [PROFILE, PROFILE] }), /Two agents are named codex/],
    ['a name that is none', config({}, { name: '../x' }), /is no name for an agent/],
    ['a template that cannot be quoted', config({}, { kind: 'template', command: 'x "{{intent}}"' }), /Write it bare/],
    ['no command', config({}, { command: ' ' }), /has no command/],
    ['a host that is none', config({}, { allowedHosts: ['https://x'] }), /Write a host/],
    ["an operator's host that is none", config({ egressHosts: ['*'] }), /Write a host/],
    ['a configuration file that is not here', config({}, { configFile: '/no/config.toml' }), /AGENT_CONFIG_FILE names a file/],
    ['a key to sign in with that has no name', config({}, { authMode: 'api' }), /AGENT_API_KEY_VARS names none/],
    ['a variable that is none', config({ envPass: ['A=B'] }), /no name of a variable/],
    ['a variable of ours', config({ envPass: ['https_proxy'] }), /sets itself/],
    ['a login that holds the data folder', config({}, { loginPaths: ['/srv'] }), /would show the data folder/],
    ['a login somewhere', config({}, { loginPaths: ['~/.codex'] }), /must be an absolute path/],
    [
      'a mount that holds the data folder',
      config({}, { mounts: [{ from: '/srv/data', to: '/opt/x' }] }),
      /would show the data folder/,
    ],
    [
      'a mount over the work folder',
      config({}, { mounts: [{ from: '/srv/tools', to: '/work' }] }),
      /must be a path below \/opt\//,
    ],
    ['a mount over ours', config({}, { mounts: [{ from: '/srv/tools', to: '/opt/countersign/bin' }] }), /and not below/],
    ['a mount that climbs', config({}, { mounts: [{ from: '/srv/tools', to: '/opt/../etc' }] }), /must be a path below/],
  ])('is refused with %s', (_, faulty, sentence) => {
    expect(agentFaults(faulty)).toEqual([expect.stringMatching(sentence)]);
    expect(() => createAgents(faulty)).toThrow(sentence);
  });

  it('is refused with all its faults at once', () => {
    expect(agentFaults(config({ egressHosts: ['*', '!'], envPass: ['PATH'] }, { command: '' }))).toHaveLength(4);
  });
});
