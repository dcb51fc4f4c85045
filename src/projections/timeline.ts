import type { RecordedEvent } from '../domain/event-store.ts';
import type { TaskEvent, TaskEventData } from '../domain/task/events.ts';
import { taskKind } from '../domain/task/index.ts';
import type { Stage } from '../domain/task/shapes.ts';
import { textOf } from '../domain/text.ts';
import { happened, UnreadableEvent } from '../domain/upcasters.ts';

/** One event of a task in words. */
export interface TimelineLine {
  readonly at: string;
  /** A person id, or `system:<worker>`. */
  readonly actor: string;
  readonly channel: string;
  readonly type: string;
  readonly sentence: string;
  /** What else is worth showing, by name. */
  readonly data: Shown;
  readonly revision: number;
  readonly position: string;
}

type Shown = Readonly<Record<string, string | number | boolean>>;

interface Words {
  readonly sentence: string;
  readonly data?: Shown;
}

const short = (id: string): string => id.slice(0, 12);

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

const STAGES: Readonly<Record<Stage, string>> = {
  agent: 'the agent',
  sandbox: 'the tests',
  delivery: 'the delivery',
  bookkeeping: 'the bookkeeping',
};

const GATES = { intent: 'the request', patch: 'the patch' } as const;

const again = (execution: number): string => (execution === 1 ? '' : ` (execution ${execution})`);

const byRequester = (same: boolean): string => (same ? ', by the person who asked for it' : '');

const pullRequest = (done: string, { number, url, head, tree, baseMovedBy }: TaskEventData<'PullRequestOpened'>): Words => ({
  sentence: `Draft pull request #${number} was ${done}${
    baseMovedBy === 0 ? '' : `; the base had moved on by ${counted(baseMovedBy, 'commit')}`
  }.`,
  data: { number, url, head, tree },
});

const WORDS: { readonly [Name in TaskEvent['type']]: (data: TaskEventData<Name>) => Words } = {
  TaskCreated: ({ repo, base, intent, agent, branch }) => ({
    sentence: `A change of ${repo} was asked for.`,
    data: { intent: textOf(intent), base, agent, branch },
  }),
  RequestPrepared: ({ prepared, approvalDigest, expiresAt }) => ({
    sentence: `The request was prepared on ${prepared.base} at ${short(prepared.baseCommit)}; a person is asked to allow it.`,
    data: {
      remote: prepared.remote,
      baseCommit: prepared.baseCommit,
      startTree: prepared.startTree,
      agent: prepared.agent.name,
      model: prepared.agent.model,
      isolation: prepared.agent.isolation,
      testCommand: prepared.testCommand,
      image: prepared.image.reference,
      imageId: prepared.image.id,
      policyDigest: prepared.policyDigest,
      approvalDigest,
      expiresAt,
    },
  }),
  ClarificationRequested: ({ reason, sentence }) => ({
    sentence: `${reason === 'QUESTION' ? 'A person asked back' : 'Something is missing'}: ${textOf(sentence)}`,
    data: { reason },
  }),
  RequestClarified: ({ repo, base, agent, testCommand, text }) => ({
    sentence: 'The request was amended, and is prepared again.',
    data: {
      ...(repo !== undefined && { repo }),
      ...(base !== undefined && { base }),
      ...(agent !== undefined && { agent }),
      ...(testCommand !== undefined && { testCommand: textOf(testCommand) }),
      ...(text !== undefined && { text: textOf(text) }),
    },
  }),
  RetryRequested: () => ({ sentence: 'A person asked to look again; the request is prepared again.' }),
  TaskApproved: ({ approvalDigest, byRequester: same, expiresAt }) => ({
    sentence: `The request was allowed to run${byRequester(same)}.`,
    data: { approvalDigest, byRequester: same, expiresAt },
  }),
  TaskRejected: ({ gate, reason }) => ({
    sentence: `A person refused ${GATES[gate]}${reason ? `: ${textOf(reason)}` : '.'}`,
    data: { gate },
  }),
  TaskCancelled: ({ reason }) => ({ sentence: `A person stopped the task${reason ? `: ${textOf(reason)}` : '.'}` }),
  ApprovalExpired: ({ gate }) => ({ sentence: `The time to allow ${GATES[gate]} is over.`, data: { gate } }),
  StageClaimed: ({ stage, execution, worker }) => ({
    sentence: `A worker took ${STAGES[stage]}${again(execution)}.`,
    data: { stage, execution, worker },
  }),
  StageReleased: ({ stage, execution, reason, sentence, notBefore }) => ({
    sentence:
      reason === 'shutdown'
        ? `The worker stops, and handed ${STAGES[stage]} back.`
        : `The worker handed ${STAGES[stage]} back${sentence ? `: ${textOf(sentence)}` : ', because something outside is down.'}`,
    data: { stage, execution, notBefore },
  }),
  ChangeCollected: ({ empty, files, insertions, deletions, tree, patch, ignoredFiles, durationMs }) => ({
    sentence: empty
      ? `The agent is done after ${seconds(durationMs)} and changed nothing.`
      : `The agent is done after ${seconds(durationMs)}: ${counted(files, 'file')} changed, ${counted(insertions, 'line')} added, ${deletions} removed.`,
    data: { tree, files, insertions, deletions, ignoredFiles, ...(patch && { patch: patch.digest, patchBytes: patch.bytes }) },
  }),
  PolicyJudged: ({ tree, gate, report }) => ({
    sentence: {
      pass: 'Policy has nothing against the change.',
      warn: `Policy warns of the change (${counted(report.warnings.length, 'warning')}).`,
      violation: `Policy refuses the change (${counted(report.violations.length + report.omitted, 'violation')}).`,
    }[report.verdict],
    data: { tree, verdict: report.verdict, patchGate: gate === 'required' },
  }),
  TestsFinished: ({ tree, passed, exitCode, durationMs, log }) => ({
    sentence: `The tests ${passed ? 'passed' : 'did not pass'} on this tree after ${seconds(durationMs)}.`,
    data: { tree, passed, ...(exitCode !== null && { exitCode }), log: log.digest },
  }),
  PatchApprovalRequested: ({ tree, approvalDigest, expiresAt }) => ({
    sentence: 'A person is asked to allow this very patch to be delivered.',
    data: { tree, approvalDigest, expiresAt },
  }),
  PatchApproved: ({ tree, approvalDigest, byRequester: same, expiresAt }) => ({
    sentence: `The patch was allowed to be delivered${byRequester(same)}.`,
    data: { tree, approvalDigest, byRequester: same, expiresAt },
  }),
  DeliveryRequested: ({ branch, commit, tree, updates }) => ({
    sentence: `Commit ${short(commit)} is pushed to ${branch}${updates === null ? '' : `, which updates pull request #${updates}`}.`,
    data: { branch, commit, tree },
  }),
  PullRequestOpened: (data) => pullRequest('opened', data),
  PullRequestUpdated: (data) => pullRequest('updated', data),
  TaskCompleted: ({ result }) => ({
    sentence:
      result === 'no_change' ? 'The task is over: there was nothing to deliver.' : 'The task is over: the change is delivered.',
  }),
  TaskFailed: ({ errorCode, stage, sentence, log }) => ({
    sentence: textOf(sentence),
    data: { errorCode, ...(stage && { stage }), ...(log && { log: log.digest }) },
  }),
  RerunRequested: ({ attempt, feedback }) => ({
    sentence: `Attempt ${attempt} was asked for${feedback ? `: ${textOf(feedback)}` : '.'}`,
    data: { attempt },
  }),
  TextRedacted: ({ revision, fields }) => ({
    sentence: `A text of event ${revision} was erased.`,
    data: { revision, fields: fields.join(', ') },
  }),
};

const words = (event: RecordedEvent): Words => {
  try {
    const { type, data } = happened(taskKind, event) as TaskEvent; // Parsed by the schema of its type.
    // The table is keyed by the very type that selects the data's shape; TypeScript cannot see that the two go together.
    return (WORDS[type] as (of: typeof data) => Words)(data);
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
    return error.needs === 'unreadable'
      ? { sentence: 'This event cannot be read: something other than the service wrote it.' }
      : { sentence: 'Only a newer version of the service understands this event.' };
  }
};

/** The story of a task: a line for each of its events, in their order. */
export const timeline = (events: readonly RecordedEvent[]): readonly TimelineLine[] =>
  events.map((event) => ({
    at: event.metadata.at ?? '',
    actor: event.metadata.actor ?? '',
    channel: event.metadata.channel ?? '',
    type: event.type,
    data: {},
    ...words(event),
    revision: event.revision,
    position: event.position,
  }));
