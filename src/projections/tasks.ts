import type { Happened, NewEvent } from '../domain/event.ts';
import type { Position } from '../domain/event-store.ts';
import { shownReport } from '../domain/policy/shapes.ts';
import type { TaskEvent } from '../domain/task/events.ts';
import { evolve } from '../domain/task/evolve.ts';
import { taskKind } from '../domain/task/index.ts';
import { absent, allowedTree, isOver, type PresentTask } from '../domain/task/state.ts';
import { textOf } from '../domain/text.ts';
import type { Parking, Projection, Row, Seen } from './projection.ts';
import type { ApprovalGiven, TaskSummary, TaskView, Transition } from './task-view.ts';
import { parkedSentence, policySummary, taskSentence, taskStage, taskWaitsFor } from './task-words.ts';
import { workRow, workTable } from './work.ts';

/** The state that decisions are made on, and what only readers want to know. */
export interface FoldedTask {
  readonly task: PresentTask;
  readonly channel: string;
  readonly transitions: readonly Transition[];
  readonly approvals: readonly ApprovalGiven[];
  readonly lastChangeAt: string;
  readonly position: Position;
  /** Folded no further: what is shown is how it stood before that event. */
  readonly parked?: Parking;
}

const transitions = (
  before: readonly Transition[],
  task: PresentTask,
  { at, actor: by }: Pick<Happened, 'at' | 'actor'>,
): readonly Transition[] => {
  const { status, attempt } = task;
  const stage = taskStage(task);
  const last = before.at(-1);
  if (last?.status === status && last.stage === stage && last.attempt === attempt) return before;
  return [...before, { attempt, status, stage, at, by }];
};

const approvals = (before: readonly ApprovalGiven[], event: TaskEvent & Happened): readonly ApprovalGiven[] => {
  if (event.type !== 'TaskApproved' && event.type !== 'PatchApproved') return before;
  const { attempt, approvalDigest: digest, byRequester } = event.data;
  const gate = event.type === 'TaskApproved' ? 'intent' : 'patch';
  return [...before, { attempt, gate, by: event.actor, at: event.at, digest, byRequester }];
};

const fold = (before: FoldedTask | undefined, seen: Seen): FoldedTask | undefined => {
  const event = seen as TaskEvent & Seen; // Parsed by the schema of its type (upcasters.ts).
  const task = evolve(before?.task ?? absent, event);
  if (task.status === 'absent') return undefined;
  return {
    task,
    channel: before?.channel ?? event.channel,
    transitions: transitions(before?.transitions ?? [], task, event),
    approvals: approvals(before?.approvals ?? [], event),
    lastChangeAt: event.at,
    position: event.position,
  };
};

/** The task that these events, decided this moment, begin; `undefined` when it had begun before. `position` is the last one's. */
export const foldTask = (stream: string, events: readonly NewEvent[], position: Position): FoldedTask | undefined => {
  if (events[0]?.type !== 'TaskCreated') return undefined;
  return events.reduce<FoldedTask | undefined>((folded, { type, data, metadata }, revision) => {
    const { actor = '', at = '', channel = '' } = metadata;
    return fold(folded, { type, data, actor, at, channel, stream, revision, position });
  }, undefined);
};

const summary = ({ task, channel, lastChangeAt, parked }: FoldedTask): TaskSummary => ({
  taskId: task.taskId,
  source: { im: channel },
  triggerUser: task.requestedBy,
  repo: task.repo,
  branch: task.branch,
  baseBranch: task.base,
  intent: textOf(task.intent),
  agent: task.agent,
  status: task.status,
  stage: taskStage(task),
  attempt: task.attempt,
  createdAt: task.createdAt,
  lastChangeAt,
  approvedBy: task.evidence.approval?.by ?? null,
  deliveryStrategy: 'rolling',
  sentence: parked ? parkedSentence(parked) : taskSentence(task),
  waitsFor: parked ? null : taskWaitsFor(task),
  errorCode: task.status === 'FAILED' ? task.errorCode : null,
  pullRequest: pullRequest(task),
});

const pullRequest = ({ pullRequest: current }: PresentTask): TaskView['pullRequest'] => {
  if (!current) return null;
  const { number, url, branch, head, baseMovedBy } = current;
  return { number, url, branch, head, draft: true, baseMovedBy };
};

const approval = ({ task, parked }: FoldedTask): TaskView['approval'] => {
  if (parked) return null;
  if (task.status !== 'WAIT_APPROVE_WRITE' && task.status !== 'WAIT_APPROVE_PATCH') return null;
  const { approvalId, approvalDigest: digest, askedAt, expiresAt } = task.open;
  return { gate: task.status === 'WAIT_APPROVE_WRITE' ? 'intent' : 'patch', approvalId, digest, askedAt, expiresAt };
};

const prepared = ({ evidence }: PresentTask): TaskView['prepared'] => {
  if (!evidence.prepared) return null;
  const { remote, baseCommit, startTree, startFrom, agent, testCommand, installCommand, path, image } = evidence.prepared;
  const { policy, policyDigest, limits } = evidence.prepared;
  return {
    remote,
    baseCommit,
    startTree,
    startFrom,
    agent,
    testCommand,
    installCommand,
    path: path ?? null,
    image,
    policyDigest,
    patchGate: policy.patchGate,
    policySummary: policySummary(policy),
    limits,
  };
};

const trees = ({ evidence }: PresentTask): TaskView['trees'] => ({
  start: evidence.prepared?.startTree ?? null,
  result: evidence.collected?.tree ?? null,
  tested: evidence.tested?.tree ?? null,
  allowed: allowedTree(evidence) ?? null,
  delivered: evidence.delivered?.tree ?? null,
});

const runResult = ({ evidence }: PresentTask): TaskView['runResult'] => {
  const { collected, tested, delivered } = evidence;
  if (!collected) return null;
  return {
    hasDiff: !collected.empty,
    diffHash: collected.patch?.digest ?? null,
    filesChanged: collected.files,
    insertions: collected.insertions,
    deletions: collected.deletions,
    ignoredFiles: collected.ignoredFiles,
    testsResult: tested ? (tested.passed ? 'PASS' : 'FAIL') : null,
    testExitCode: tested?.exitCode ?? null,
    agentMeta: Object.fromEntries(collected.agentMeta.map(({ name, value }) => [textOf(name), textOf(value)])),
    agentDurationMs: collected.durationMs,
    testDurationMs: tested?.durationMs ?? null,
    prLink: delivered?.url ?? null,
    artifacts: { patch: collected.patch, changes: collected.changes, agentLog: collected.log, testLog: tested?.log ?? null },
  };
};

/** What a task shows beside its summary. */
const detail = (folded: FoldedTask): Omit<TaskView, keyof TaskSummary> => {
  const { task } = folded;
  return {
    onBehalfOf: task.onBehalfOf && textOf(task.onBehalfOf),
    testCommand: task.testCommand && textOf(task.testCommand),
    clarifyReason: task.status === 'WAIT_CLARIFY' ? task.reason : null,
    errorLog: task.status === 'FAILED' ? task.log : null,
    approval: approval(folded),
    approvals: [...folded.approvals],
    clarifications: task.clarifications.map(textOf),
    feedback: task.feedback && textOf(task.feedback),
    prepared: prepared(task),
    trees: trees(task),
    policy: task.evidence.judged ? shownReport(task.evidence.judged.report) : null,
    runResult: runResult(task),
    transitions: [...folded.transitions],
    position: folded.position,
  };
};

/** The whole task as everyone sees it. */
export const taskView = (folded: FoldedTask): TaskView => ({ ...summary(folded), ...detail(folded) });

/**
 * The JSON text of a whole task: its summary, which stands in the list alone, and its document, the rest. While a
 * view of version 5 answers, its documents have the summary, too: the same values twice.
 */
export const taskText = (summaryText: string, document: string): string => `${summaryText.slice(0, -1)},${document.slice(1)}`;

/** Every task with its detail, the list of tasks, and the pending work. Newest first is the order of the streams' numbers, downwards. */
export const tasksProjection: Projection<FoldedTask> = {
  name: 'tasks',
  version: 7,
  kind: taskKind,
  tables: {
    task_list: {
      columns: {
        status: 'TEXT NOT NULL',
        repo: 'TEXT NOT NULL',
        requested_by: 'TEXT NOT NULL',
        channel: 'TEXT NOT NULL',
        summary: 'TEXT NOT NULL',
      },
      rowsPerStream: 'one',
      indexes: ['status', 'repo', 'repo, status', 'requested_by', 'requested_by, status', 'requested_by, channel'],
    },
    work: workTable,
  },
  fold,
  isOver: ({ task }) => isOver(task),
  park: (folded, parked) => ({ ...folded, parked }),
  show: (folded) => {
    const { task, channel, parked } = folded;
    const listed: Row = {
      status: task.status,
      repo: task.repo,
      requested_by: task.requestedBy,
      channel,
      summary: JSON.stringify(summary(folded)),
    };
    const work = parked ? undefined : workRow(task);
    return {
      document: JSON.stringify(detail(folded)),
      rows: { task_list: [listed], work: work ? [work] : [] },
    };
  },
};
