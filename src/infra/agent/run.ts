import type { AgentRequest, AgentResult } from '../../commands/ports/agent.ts';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import type { Agent } from './agent.ts';
import type { EgressProxy } from './egress-proxy.ts';
import type { Enclosed } from './enclosure.ts';
import { readAgentMeta } from './meta.ts';
import { createOutput } from './output.ts';
import type { Assignment } from './profiles/profile.ts';
import { createProgress } from './progress.ts';
import { supervise } from './supervision.ts';
import type { Surroundings } from './surroundings.ts';

/** One variable of an environment; Linux takes 128 KiB. */
const VARIABLE_BYTES_MAX = 120 * 1024;
const EGRESS_HOST_LENGTH_MAX = 300;
/** Exit code of a program that SIGKILL ended. */
const KILLED = 137;

const BUBBLEWRAP_FAILED =
  'bubblewrap could not set up the agent. It needs the packages bubblewrap (0.8 or newer) and util-linux, and user namespaces.';

type Redact = (text: string) => string;

export const assignmentOf = (request: AgentRequest): Assignment => ({
  taskId: request.taskId,
  repository: request.repository,
  branch: request.branch,
  triggerUser: request.triggerUser,
  intent: request.intent,
  feedback: request.feedback ?? '',
});

const taskEnvironment = (assignment: Assignment, { places }: Surroundings): Readonly<Record<string, string>> => ({
  OKD_TASK_ID: assignment.taskId,
  OKD_REPO: assignment.repository,
  OKD_BRANCH: assignment.branch,
  OKD_TRIGGER_USER: assignment.triggerUser,
  OKD_INTENT: assignment.intent,
  OKD_FEEDBACK: assignment.feedback,
  OKD_WORKDIR: places.work,
  OKD_OUTDIR: places.out,
});

/** Why these texts cannot be handed to a program at all. */
export const unfit = (assignment: Assignment): string | undefined => {
  for (const text of Object.values(assignment)) {
    if (text.includes('\0')) return 'The request holds a NUL character, which no program can be given. Ask again without it.';
    if (Buffer.byteLength(text) > VARIABLE_BYTES_MAX)
      return 'The request is too long to be given to the agent. Ask again with less text.';
  }
  return undefined;
};

const duration = (ms: number): string => (ms < 60_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`);

const timeoutSentence = (limitMs: number): string =>
  `The agent was still at work after ${duration(limitMs)} and was ended. Rerun the task with a smaller request, or raise the limit.`;

/**
 * Runs the agent to its end under a launcher that waits in prepared surroundings. The time limit covers the history that is made first. Rejects
 * with the signal's reason; throws `OutsideFailure` when nothing can be started here.
 */
export const runAgent = async (
  agent: Agent,
  request: AgentRequest,
  surroundings: Surroundings,
  launcher: Enclosed,
  proxy: EgressProxy,
  redact: Redact,
): Promise<AgentResult> => {
  const assignment = assignmentOf(request);
  const { agentOutputBytes, agentTimeoutMs } = request.limits;
  const output = createOutput({ bytesMax: agentOutputBytes, redact });
  const progress = createProgress(request.onProgress, redact);
  const reader = agent.profile.reader();
  const startedAt = performance.now();

  const invocation = agent.profile.invocation(assignment, surroundings.program, surroundings.places);
  surroundings.order(launcher, invocation, taskEnvironment(assignment, surroundings), 'history');
  output.follow(launcher.stdout, (line) => {
    const doing = reader.read(line);
    if (doing !== undefined) progress.say(doing);
  });
  output.follow(launcher.stderr, () => {});
  const { ending, timedOut } = await supervise(launcher, agentTimeoutMs, request.signal).finally(progress.stop);
  const durationMs = Math.round(performance.now() - startedAt);
  if (!timedOut && !ending.ran) throw new OutsideFailure(BUBBLEWRAP_FAILED, { cause: output.log().toString() });

  const refused = proxy.asked().filter(({ allowed }) => !allowed);
  if (refused.length > 0) output.note(`Hosts it asked for and may not reach: ${refused.map(({ host }) => host).join(' ')}`);
  const { meta, note } = await readAgentMeta(request.outFolder, redact);
  if (note !== undefined) output.note(note);
  const sentence = timedOut ? timeoutSentence(agentTimeoutMs) : reader.complaint(ending.exitCode ?? KILLED);
  if (sentence !== undefined) output.note(sentence);
  return {
    outcome: timedOut ? 'timed_out' : sentence === undefined ? 'finished' : 'failed',
    exitCode: timedOut ? null : ending.exitCode,
    ...(sentence !== undefined && { sentence: redact(sentence) }),
    log: output.log(),
    durationMs,
    meta: { ...meta, ...Object.fromEntries(Object.entries(reader.meta()).map(([key, value]) => [key, redact(value)])) },
    egress: proxy.asked().map(({ host, allowed }) => ({ host: redact(host).slice(0, EGRESS_HOST_LENGTH_MAX), allowed })),
  };
};
