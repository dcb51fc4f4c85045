import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Agent } from './agent.ts';
import type { AgentsConfig } from './configuration.ts';
import { startEgressProxy } from './egress-proxy.ts';
import { createOutput } from './output.ts';
import type { Invocation } from './profiles/profile.ts';
import { runId } from './run-folder.ts';
import { supervise } from './supervision.ts';
import { prepareSurroundings, type Surroundings } from './surroundings.ts';

const CHECK_TIMEOUT_MS = 20_000;
const CHECK_OUTPUT_BYTES_MAX = 4 * 1024;
const VERSION_LENGTH_MAX = 100;

export interface AgentCheck {
  readonly name: 'isolation' | 'program' | 'login';
  readonly verdict: 'pass' | 'warn' | 'fail';
  /** For a person: what was found, or what to do. */
  readonly sentence: string;
}

const NO_ISOLATION =
  'Agents run without isolation and can read what the user of the service can read. Set AGENT_ISOLATION=bubblewrap.';
const ISOLATION_FAILED =
  'bubblewrap does not work here. Install the packages bubblewrap (0.8 or newer), git and util-linux, and allow user namespaces.';

const programCheck = (agent: Agent, program: string, exitCode: number | null, output: string): AgentCheck => {
  const version = output.split('\n', 1)[0]?.trim().slice(0, VERSION_LENGTH_MAX) ?? '';
  return exitCode === 0
    ? { name: 'program', verdict: 'pass', sentence: `Agent ${agent.config.name}: ${version === '' ? program : version}.` }
    : {
        name: 'program',
        verdict: 'fail',
        sentence: `Agent ${agent.config.name}: ${program} does not answer; install it where PATH finds it.`,
      };
};

const keyCheck = ({ config }: Agent, environment: AgentsConfig['environment']): AgentCheck => {
  const missing = config.apiKeyVars.filter((name) => (environment[name] ?? '') === '');
  return missing.length === 0
    ? { name: 'login', verdict: 'pass', sentence: `Agent ${config.name} signs in with ${config.apiKeyVars.join(', ')}.` }
    : {
        name: 'login',
        verdict: 'fail',
        sentence: `Agent ${config.name} has no ${missing.join(', ')}. Set it in the environment or .env.`,
      };
};

const sessionCheck = ({ config }: Agent, missing: number, checkExitCode: number | null | undefined): AgentCheck => {
  if (missing > 0) {
    return {
      name: 'login',
      verdict: 'fail',
      sentence: `Agent ${config.name} has no login here. Sign in with its CLI as the user of the service.`,
    };
  }
  if (checkExitCode !== undefined && checkExitCode !== 0) {
    return {
      name: 'login',
      verdict: 'fail',
      sentence: `Agent ${config.name}: AGENT_SESSION_CHECK_CMD says the login does not work. Sign in again.`,
    };
  }
  return config.loginPaths.length === 0
    ? {
        name: 'login',
        verdict: 'warn',
        sentence: `Agent ${config.name} gets no login. Name its folders in AGENT_LOGIN_PATHS if it needs one.`,
      }
    : { name: 'login', verdict: 'pass', sentence: `Agent ${config.name} has its login.` };
};

/** Asks one agent in the surroundings it will have: does the isolation work, does the program answer, is the login there. */
export const checkAgent = async (agent: Agent, config: AgentsConfig): Promise<readonly AgentCheck[]> => {
  await using afterwards = new AsyncDisposableStack();
  const scratch = join(config.dataFolder, 'run');
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(scratch, 'probe-'));
  afterwards.defer(() => rm(folder, { recursive: true, force: true }));
  const [workFolder, outFolder] = [join(folder, 'work'), join(folder, 'out')];
  await mkdir(workFolder);
  await mkdir(outFolder);
  const surroundings = await prepareSurroundings(agent, config, { id: runId(config.dataFolder, folder), workFolder, outFolder });
  afterwards.defer(surroundings.remove);
  const proxy = await startEgressProxy({ socketPath: surroundings.run.egressSocket, rules: agent.rules });
  afterwards.defer(proxy.close);
  return await checksIn(surroundings, agent, config);
};

const checksIn = async (surroundings: Surroundings, agent: Agent, config: AgentsConfig): Promise<readonly AgentCheck[]> => {
  const ask = async (argv: readonly string[]) => {
    const invocation: Invocation = { argv, input: '', environment: {} };
    const program = await surroundings.startLauncher();
    surroundings.order(program, invocation, {}, 'no_history');
    const output = createOutput({ bytesMax: CHECK_OUTPUT_BYTES_MAX, redact: config.redact });
    output.follow(program.stdout, () => {});
    output.follow(program.stderr, () => {});
    const { ending } = await supervise(program, CHECK_TIMEOUT_MS, new AbortController().signal);
    return { ...ending, text: output.log().toString() };
  };

  const { program, missingLogins } = surroundings;
  const login = async (): Promise<AgentCheck> => {
    if (agent.config.authMode === 'api') return keyCheck(agent, config.environment);
    const { sessionCheckCommand } = agent.config;
    const asked = sessionCheckCommand === undefined ? undefined : await ask(['/bin/sh', '-c', sessionCheckCommand]);
    return sessionCheck(agent, missingLogins.length, asked?.exitCode);
  };

  const answered = await ask(agent.profile.probe(program));
  if (!answered.ran) return [{ name: 'isolation', verdict: 'fail', sentence: ISOLATION_FAILED }];
  return [
    config.isolation === 'none'
      ? { name: 'isolation', verdict: 'warn', sentence: NO_ISOLATION }
      : { name: 'isolation', verdict: 'pass', sentence: 'Agents run inside bubblewrap, behind the egress proxy.' },
    programCheck(agent, agent.profile.program ?? 'its command', answered.exitCode, answered.text),
    await login(),
  ];
};
