import { join } from 'node:path';
import { digestOf } from '../../domain/canonical.ts';
import { judge } from '../../domain/policy/judge.ts';
import { storedReport } from '../../domain/policy/shapes.ts';
import type { TaskCommandData } from '../../domain/task/commands.ts';
import type { LastChange, PresentTask, Task } from '../../domain/task/state.ts';
import { type Text, textOf } from '../../domain/text.ts';
import { type Effect, type Execution, type Order, StageFailure } from '../effect.ts';
import type { AgentResult } from '../ports/agent.ts';
import { ArtifactMissing, type Artifacts } from '../ports/artifacts.ts';
import type { Collected } from '../ports/repositories.ts';
import { changeList } from './change-list.ts';
import { fenceOf, taskClaim } from './claim.ts';
import type { TaskPorts } from './deps.ts';

type AtAgent = Extract<Task, { status: 'RUNNING'; stage: 'agent' }>;

/** What the agent is told: the intent, and every clarification under its number. */
export const wholeIntent = ({ intent, clarifications }: Pick<PresentTask, 'intent' | 'clarifications'>): string =>
  [textOf(intent), ...clarifications.map((text, index) => `Clarification ${index + 1}: ${textOf(text)}`)].join('\n\n');

/** Names the refs that keep a task's last collected tree out of the garbage collection; the next attempt's take their place. */
export const keepOf = ({ taskId }: Pick<PresentTask, 'taskId'>): string => taskId;

const lastChangeGone = (): StageFailure =>
  new StageFailure('SNAPSHOT_MISSING', 'The last attempt’s change is not here any more. Rerun the task without feedback.');

const lastPatch = (artifacts: Artifacts, { patch }: LastChange): Promise<Buffer> =>
  artifacts.get(patch).catch((error: unknown) => {
    throw error instanceof ArtifactMissing ? lastChangeGone() : error;
  });

/** The tree the agent starts from, on whichever machine this runs: it follows from the base and the last change. */
const ensureStart = async ({ repositories, artifacts }: TaskPorts, task: AtAgent, signal: AbortSignal): Promise<void> => {
  const { prepared } = task.evidence;
  const { lastChange } = task;
  // Also brings the base commit to this machine.
  const base = await repositories.treeOf(prepared.repo, prepared.baseCommit, signal);
  if (prepared.startFrom !== 'last_attempt') {
    if (base !== prepared.startTree)
      throw new StageFailure('SNAPSHOT_MISSING', 'The approved starting tree is not here any more. Rerun the task.');
    return;
  }
  if (!lastChange) throw lastChangeGone();
  const { repo } = prepared;
  const { tree, baseCommit } = lastChange;
  await repositories.ensureTree(repo, tree, baseCommit, () => lastPatch(artifacts, lastChange), signal);
  const merged = await repositories.mergeOnto(prepared.repo, lastChange.tree, lastChange.baseCommit, prepared.baseCommit);
  if (merged !== prepared.startTree)
    throw new StageFailure('SNAPSHOT_MISSING', 'The approved starting tree cannot be made again. Rerun the task.');
};

/** The operator may have changed what stands behind the name; then nobody has approved it. */
const sameAgent = ({ agents }: TaskPorts, { evidence: { prepared } }: AtAgent): boolean =>
  agents.list().some((agent) => digestOf(agent) === digestOf(prepared.agent));

const runAgent = async (
  ports: TaskPorts,
  task: AtAgent,
  folder: string,
  { key, signal, progress, afterwards }: Execution,
): Promise<AgentResult> => {
  const { prepared } = task.evidence;
  const workFolder = await ports.workspaces.furnish(folder, 'work', {});
  const conflicted = prepared.startFrom === 'base_after_conflict' ? task.lastChange : undefined;
  const left = conflicted ? { 'previous.patch': await lastPatch(ports.artifacts, conflicted) } : {};
  const outFolder = await ports.workspaces.furnish(folder, 'out', left);
  return ports.agents.run({
    key,
    agent: prepared.agent.name,
    workFolder,
    fill: () => ports.repositories.writeOut(prepared.repo, prepared.startTree, workFolder, signal),
    outFolder,
    taskId: task.taskId,
    repository: prepared.repo,
    branch: task.branch,
    triggerUser: task.requestedBy,
    intent: wholeIntent(task),
    ...(task.feedback && { feedback: textOf(task.feedback) }),
    limits: prepared.limits,
    signal,
    onProgress: progress,
    afterwards,
  });
};

const collectOrder = async (ports: TaskPorts, task: AtAgent, result: AgentResult, collected: Collected): Promise<Order> => {
  const { artifacts, clock } = ports;
  const { change } = collected;
  const report = judge(change, task.evidence.prepared.policy);
  const said = (text: string): Text => ({ text, salt: clock.uuid() });
  const [patch, changes, log] = await Promise.all([
    collected.patch && artifacts.put(collected.patch),
    artifacts.put(changeList(change.entries)),
    artifacts.put(result.log),
  ]);
  const data: TaskCommandData<'CollectChange'> = {
    ...fenceOf(task),
    change: {
      tree: collected.tree,
      empty: collected.empty,
      patch,
      changes,
      log,
      files: report.files,
      insertions: report.insertions,
      deletions: report.deletions,
      ignoredFiles: collected.ignored.count,
      agentMeta: Object.entries(result.meta).map(([name, value]) => ({ name: said(name), value: said(value) })),
      egress: result.egress.map(({ host, allowed }) => ({ host: said(host), allowed })),
      durationMs: Math.round(result.durationMs),
    },
    report: storedReport(report, said),
  };
  return { type: 'CollectChange', data };
};

const ENDED = {
  failed: { code: 'AGENT_FAILED', sentence: 'The agent ended without success. Read its log, then rerun the task.' },
  timed_out: {
    code: 'AGENT_TIMEOUT',
    sentence: 'The agent took longer than it may. Ask for less at once, or have the limit raised, then rerun the task.',
  },
} as const;

/** Runs the agent on the approved starting tree, reads back what it left, and has policy judge it. */
export const agentEffect = (ports: TaskPorts): Effect<Task> => ({
  weight: 'begins',
  claim: taskClaim(ports.artifacts),
  run: async (task, _, execution) => {
    if (task.status !== 'RUNNING' || task.stage !== 'agent') return undefined;
    if (!sameAgent(ports, task)) {
      throw new StageFailure(
        'RUNTIME_CONFIG_MISSING',
        'The approved agent is no longer configured here as it was shown. Rerun the task.',
      );
    }
    await ensureStart(ports, task, execution.signal);
    execution.afterwards(() => ports.workspaces.remove(execution.key));
    const folder = await ports.workspaces.make(execution.key);
    const result = await runAgent(ports, task, folder, execution);
    if (result.outcome !== 'finished') {
      const { code, sentence } = ENDED[result.outcome];
      throw new StageFailure(code, result.sentence ?? sentence, result.log);
    }
    const { repo, baseCommit, startTree, policy } = task.evidence.prepared;
    const collected = await ports.repositories.collect({
      repository: repo,
      folder: join(folder, 'work'),
      baseCommit,
      startTree,
      keep: keepOf(task),
      patchBytesMax: policy.patchBytesMax,
      signal: execution.signal,
    });
    return collectOrder(ports, task, result, collected);
  },
});
