import type { Happened } from '../event.ts';
import { ownText, type Text, textOf } from '../text.ts';
import type { TaskEvent, TaskEventData } from './events.ts';
import { type Claim, type Evidence, type PresentTask, type PullRequest, type Running, type Task, unclaimed } from './state.ts';

type On<Name extends TaskEvent['type']> = (
  task: PresentTask,
  data: TaskEventData<Name>,
  who: { actor: string; at: string },
) => Task;

const request = (task: PresentTask) => ({
  taskId: task.taskId,
  commandDigest: task.commandDigest,
  requestedBy: task.requestedBy,
  createdAt: task.createdAt,
  branch: task.branch,
  onBehalfOf: task.onBehalfOf,
  repo: task.repo,
  base: task.base,
  intent: task.intent,
  agent: task.agent,
  testCommand: task.testCommand,
  clarifications: task.clarifications,
  clarified: task.clarified,
  attempt: task.attempt,
  preparation: task.preparation,
  feedback: task.feedback,
  lastChange: task.lastChange,
  lastDelivery: task.lastDelivery,
  pullRequest: task.pullRequest,
  commits: task.commits,
  evidence: task.evidence,
});

/** A person's own words, as they go on with a sentence. */
const saying = (reason: Text | null): string => (reason === null ? '' : `, saying “${textOf(reason)}”`);

const failed = (task: PresentTask, errorCode: 'REJECTED' | 'CANCELLED' | 'APPROVAL_EXPIRED', sentence: string): Task => ({
  ...request(task),
  status: 'FAILED',
  errorCode,
  stage: null,
  failure: ownText(sentence),
  log: null,
});

const withClaim = (task: PresentTask, change: (claim: Claim) => Claim): Task =>
  task.status === 'RUNNING' || task.status === 'PR_CREATED' ? { ...task, claim: change(task.claim) } : task;

const delivered =
  (updated: boolean) =>
  (task: PresentTask, { number, url, branch, head, tree, baseMovedBy }: TaskEventData<'PullRequestOpened'>): Task => {
    const { prepared, delivery } = task.evidence;
    if (!prepared || !delivery) return task;
    const pullRequest: PullRequest = { number, url, branch, head, tree, baseMovedBy };
    return {
      ...request(task),
      status: 'PR_CREATED',
      claim: unclaimed,
      pullRequest,
      evidence: { ...task.evidence, prepared, delivery, delivered: { ...pullRequest, updated } },
    };
  };

/** Moves to a later stage when what that stage stands on is there. */
const at = (task: PresentTask, stage: Running['stage'], evidence: Evidence): Task => {
  const { prepared, approval, collected, judged, tested } = evidence;
  if (!prepared || !approval) return task;
  const running = { ...request(task), status: 'RUNNING', claim: unclaimed } as const;
  if (stage === 'agent') return { ...running, stage, evidence: { ...evidence, prepared, approval } };
  if (!collected || !judged) return task;
  if (stage === 'sandbox') return { ...running, stage, evidence: { ...evidence, prepared, approval, collected, judged } };
  if (!tested) return task;
  return { ...running, stage, evidence: { ...evidence, prepared, approval, collected, judged, tested } };
};

/** Adds to what the attempt came to, which any state may hold more of than it needs. */
const noted = (task: PresentTask, evidence: Evidence): Task => ({ ...task, evidence: { ...task.evidence, ...evidence } }) as Task;

const on: { readonly [Name in Exclude<TaskEvent['type'], 'TaskCreated'>]: On<Name> } = {
  RequestPrepared: (task, { prepared, preparation, approvalId, approvalDigest, expiresAt }, { at: askedAt }) => ({
    ...request(task),
    status: 'WAIT_APPROVE_WRITE',
    preparation,
    open: { approvalId, approvalDigest, askedAt, expiresAt },
    evidence: { prepared },
  }),
  ClarificationRequested: (task, { reason, sentence, preparation }) => ({
    ...request(task),
    status: 'WAIT_CLARIFY',
    preparation,
    reason,
    sentence,
    evidence: {},
  }),
  RequestClarified: (task, { repo, base, agent, testCommand, text }) => ({
    ...request(task),
    status: 'CREATED',
    repo: repo ?? task.repo,
    base: base ?? task.base,
    agent: agent ?? task.agent,
    testCommand: testCommand ?? task.testCommand,
    clarifications: text ? [...task.clarifications, text] : task.clarifications,
    clarified: task.clarified + 1,
  }),
  RetryRequested: (task) => ({ ...request(task), status: 'CREATED' }),
  TaskApproved: (task, { approvalId, approvalDigest, expiresAt }, { actor, at: when }) =>
    at(task, 'agent', { ...task.evidence, approval: { approvalId, approvalDigest, expiresAt, by: actor, at: when } }),
  TaskRejected: (task, { reason }) =>
    failed(task, 'REJECTED', `A person refused it${saying(reason)}. Rerun it with feedback, or file another task.`),
  TaskCancelled: (task, { reason }) => failed(task, 'CANCELLED', `A person stopped it${saying(reason)}. Rerun it to try again.`),
  ApprovalExpired: (task) =>
    failed(task, 'APPROVAL_EXPIRED', 'It was not allowed, or not begun, in time. Rerun it to be asked again.'),
  StageClaimed: (task, { execution, worker }) =>
    withClaim(task, (claim) => ({ ...claim, execution, counted: claim.counted + 1, worker, notBefore: null })),
  StageReleased: (task, { reason, sentence, notBefore }) =>
    withClaim(task, (claim) => ({
      ...claim,
      counted: reason === 'shutdown' ? claim.counted - 1 : claim.counted,
      worker: null,
      notBefore,
      outside: reason === 'outside_failure' ? sentence : claim.outside,
    })),
  ChangeCollected: (task, { taskId: _, attempt: __, execution: ___, ...collected }) => {
    const { prepared } = task.evidence;
    const { tree, patch } = collected;
    const lastChange = patch && prepared ? { tree, baseCommit: prepared.baseCommit, repo: task.repo, patch } : task.lastChange;
    return noted({ ...task, lastChange }, { collected });
  },
  // What was refused, or failed, comes to no later stage, and what a person must allow first not yet.
  PolicyJudged: (task, { tree, gate, report }) => {
    const judged = { tree, gate, report };
    const refused = report.verdict === 'violation' || task.evidence.collected?.patch === null;
    return refused ? noted(task, { judged }) : at(task, 'sandbox', { ...task.evidence, judged });
  },
  TestsFinished: (task, { taskId: _, attempt: __, execution: ___, ...tested }) => {
    const mayGoOn = tested.passed && task.evidence.judged?.gate === 'not_required';
    return mayGoOn ? at(task, 'delivery', { ...task.evidence, tested }) : noted(task, { tested });
  },
  PatchApprovalRequested: (task, { approvalId, approvalDigest, expiresAt }, { at: askedAt }) => {
    const { prepared, approval, collected, judged, tested } = task.evidence;
    if (!prepared || !approval || !collected || !judged || !tested) return task;
    return {
      ...request(task),
      status: 'WAIT_APPROVE_PATCH',
      open: { approvalId, approvalDigest, askedAt, expiresAt },
      evidence: { prepared, approval, collected, judged, tested },
    };
  },
  PatchApproved: (task, { tree, approvalId, approvalDigest, expiresAt }, { actor, at: when }) =>
    at(task, 'delivery', {
      ...task.evidence,
      patchApproval: { tree, approvalId, approvalDigest, expiresAt, by: actor, at: when },
    }),
  DeliveryRequested: (task, { taskId: _, attempt: __, execution: ___, ...delivery }, { at: when }) => {
    const { branch, commit } = delivery;
    const round = (task.evidence.delivery?.round ?? 0) + 1;
    const stated = { ...task, lastDelivery: { branch, commit }, commits: [...task.commits, commit] };
    return noted(stated, { delivery: { ...delivery, at: when, round } });
  },
  PullRequestOpened: delivered(false),
  PullRequestUpdated: delivered(true),
  TaskCompleted: (task, { result }) => ({ ...request(task), status: 'COMPLETED', result }),
  TaskFailed: (task, { errorCode, stage, sentence, log }) => ({
    ...request(task),
    status: 'FAILED',
    errorCode,
    stage,
    failure: sentence,
    log,
  }),
  RerunRequested: (task, { attempt, feedback }) => ({
    ...request(task),
    status: 'CREATED',
    attempt,
    preparation: 0,
    feedback,
    evidence: {},
  }),
  TextRedacted: (task) => task,
};

const created = (data: TaskEventData<'TaskCreated'>, actor: string, createdAt: string): Task => ({
  ...data,
  status: 'CREATED',
  requestedBy: actor,
  createdAt,
  clarifications: [],
  clarified: 0,
  attempt: 1,
  preparation: 0,
  feedback: null,
  lastChange: null,
  lastDelivery: null,
  pullRequest: null,
  commits: [],
  evidence: {},
});

/** The next state, for events in the order they were decided. One that stands on evidence which is not there leaves it as it is. */
export const evolve = (task: Task, event: TaskEvent & Pick<Happened, 'actor' | 'at'>): Task => {
  if (event.type === 'TaskCreated') return task.status === 'absent' ? created(event.data, event.actor, event.at) : task;
  if (task.status === 'absent') return task;
  // The table is keyed by the very type that selects the data's shape; TypeScript cannot see that the two go together.
  const handler = on[event.type] as On<typeof event.type>;
  return handler(task, event.data as never, event);
};
