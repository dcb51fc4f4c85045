import type { AgentRequest, AgentResult, Agents } from '../../commands/ports/agent.ts';
import { digestOf } from '../../domain/canonical.ts';
import { type Agent, agentOf } from './agent.ts';
import type { AgentsConfig } from './configuration.ts';
import { DISK_CROWDED, watchDisk } from './disk-watch.ts';
import { startEgressProxy } from './egress-proxy.ts';
import type { Enclosed } from './enclosure.ts';
import { agentFaults } from './faults.ts';
import { type AgentCheck, checkAgent } from './preflight.ts';
import { assignmentOf, runAgent, unfit } from './run.ts';
import { reapRuns, runId } from './run-folder.ts';
import { prepareSurroundings } from './surroundings.ts';

export type AgentRunner = Agents & {
  /** Asks an agent for real: isolation, program and version, login. For preflight and health; a few seconds at most. */
  probeAgent(name: string): Promise<readonly AgentCheck[]>;
};

const programMissing = ({ config }: Agent): string =>
  `The program of agent ${config.name} is not on this machine. Install it where the PATH of the service finds it.`;

const loginMissing = ({ config }: Agent): string =>
  `The login of agent ${config.name} is not on this machine. Sign in with its CLI as the user of the service, or set AGENT_AUTH_MODE=api.`;

/** Ends a launcher whether it was given its order or not. */
const dismiss = async (launcher: Enclosed): Promise<void> => {
  launcher.kill();
  launcher.stdout.resume();
  launcher.stderr.resume();
  await launcher.ended;
};

/** Agents by their command line, each run in folders, network and process space of its own. Throws every fault of the configuration at once. */
export const createAgents = (config: AgentsConfig): AgentRunner => {
  const faults = agentFaults(config);
  if (faults.length > 0) throw new Error(faults.join('\n'));

  const { redact } = config;
  const agents = new Map(config.profiles.map((profile) => [profile.name, agentOf(profile, config)]));
  const running = new Set<string>();

  const named = (name: string): Agent => {
    const agent = agents.get(name);
    if (agent === undefined) throw new Error('The agent that was asked for is not configured here.');
    return agent;
  };

  const failed = (sentence: string): AgentResult => ({
    outcome: 'failed',
    exitCode: null,
    sentence: redact(sentence),
    log: Buffer.from(`[countersign] ${redact(sentence)}\n`),
    durationMs: 0,
    meta: {},
    egress: [],
  });

  const runUnder = async (id: string, agent: Agent, request: AgentRequest): Promise<AgentResult> => {
    await using ends = new AsyncDisposableStack();
    const surroundings = await prepareSurroundings(agent, config, { ...request, id });
    request.afterwards(surroundings.remove);
    if (agent.profile.required && !surroundings.installed) return failed(programMissing(agent));
    if (surroundings.missingLogins.length > 0) return failed(loginMissing(agent));

    const proxy = await startEgressProxy({ socketPath: surroundings.run.egressSocket, rules: agent.rules });
    ends.defer(proxy.close);
    // First, for it takes longer to get ready than the tree to be written.
    const launcher = await surroundings.startLauncher();
    ends.defer(() => dismiss(launcher));
    await request.fill();
    return await runAgent(agent, request, surroundings, launcher, proxy, redact);
  };

  const run = async (request: AgentRequest): Promise<AgentResult> => {
    const agent = named(request.agent);
    request.signal.throwIfAborted();
    const complaint = unfit(assignmentOf(request));
    if (complaint !== undefined) return failed(complaint);

    const id = runId(config.dataFolder, request.key);
    const disk = watchDisk(request.workFolder);
    running.add(id);
    request.afterwards(async () => void running.delete(id));
    try {
      return await runUnder(id, agent, { ...request, signal: AbortSignal.any([request.signal, disk.signal]) });
    } catch (error) {
      if (error === DISK_CROWDED) return failed(DISK_CROWDED.message);
      throw error;
    } finally {
      disk.stop();
    }
  };

  return {
    list: () =>
      config.profiles.map((profile) => ({
        name: profile.name,
        model: profile.model,
        isolation: config.isolation,
        profile: digestOf({ ...profile, envPass: config.envPass, egressHosts: config.egressHosts }),
      })),
    run,
    reap: () => reapRuns(config.dataFolder, running),
    probeAgent: (name) => checkAgent(named(name), config),
  };
};
