import type { Happened } from '../../../src/domain/event.ts';
import { taskBranch } from '../../../src/domain/ids.ts';
import { intentGateDigest, patchGateDigest } from '../../../src/domain/task/approval.ts';
import type { TaskEvent, TaskEventData } from '../../../src/domain/task/events.ts';
import type { Stage } from '../../../src/domain/task/shapes.ts';
import type { Text } from '../../../src/domain/text.ts';
import {
  ANNA,
  artifact,
  BASE_COMMIT,
  BERT,
  bodyDigest,
  COMMIT,
  NOON,
  objectId,
  prepared,
  RESULT_TREE,
  report,
  SYSTEM,
  TASK_ID,
  TOMORROW,
  text,
  uuid,
  WARNED,
  WORKER,
} from './samples.ts';

type Who = Partial<Pick<Happened, 'actor' | 'at'>>;

/** A builder of one kind of event: `over` names the fields a case is about, `who` the person and the time. */
const event =
  <Name extends TaskEvent['type']>(type: Name, actor: string, data: TaskEventData<Name>) =>
  (over: Partial<TaskEventData<Name>> = {}, who: Who = {}): Happened => ({
    type,
    data: { ...data, ...over },
    actor,
    at: NOON,
    ...who,
  });

const common = { taskId: TASK_ID, attempt: 1 } as const;
const executed = { ...common, execution: 1 } as const;
export const INTENT = text('Fix the failing test.');

export const taskCreated = event('TaskCreated', ANNA, {
  taskId: TASK_ID,
  commandDigest: bodyDigest('the request'),
  repo: 'acme/shop',
  base: 'main',
  intent: INTENT,
  agent: 'codex',
  testCommand: null,
  onBehalfOf: null,
  branch: taskBranch(TASK_ID),
});

/** With the digest of what it shows; `shown` names what an earlier clarification or a rerun added to it. */
export const requestPrepared = (
  over: Partial<TaskEventData<'RequestPrepared'>> = {},
  { clarifications = [], feedback = null, ...who }: Who & { clarifications?: readonly Text[]; feedback?: Text | null } = {},
): Happened => {
  const data = { ...common, preparation: 1, prepared: prepared(), approvalId: uuid('intent gate'), expiresAt: TOMORROW, ...over };
  const approvalDigest = intentGateDigest({ ...data, intent: INTENT, clarifications, feedback });
  return event('RequestPrepared', SYSTEM, { approvalDigest, ...data })({}, who);
};

/** What the intent gate of an untouched first attempt shows. */
export const INTENT_DIGEST = intentGateDigest({
  ...common,
  preparation: 1,
  prepared: prepared(),
  intent: INTENT,
  clarifications: [],
  feedback: null,
});

export const clarificationRequested = event('ClarificationRequested', SYSTEM, {
  ...common,
  preparation: 1,
  reason: 'BASE_MISSING',
  sentence: text('There is no branch "main".'),
});
export const requestClarified = event('RequestClarified', ANNA, common);
export const retryRequested = event('RetryRequested', ANNA, common);
export const taskApproved = event('TaskApproved', BERT, {
  ...common,
  approvalId: uuid('intent gate'),
  approvalDigest: INTENT_DIGEST,
  byRequester: false,
  expiresAt: TOMORROW,
});
export const taskRejected = event('TaskRejected', BERT, { ...common, gate: 'intent', reason: null });
export const taskCancelled = event('TaskCancelled', ANNA, { ...common, reason: null });
export const approvalExpired = event('ApprovalExpired', SYSTEM, { ...common, gate: 'intent', approvalId: uuid('intent gate') });

export const stageClaimed = (stage: Stage, over: Partial<TaskEventData<'StageClaimed'>> = {}, who: Who = {}): Happened =>
  event('StageClaimed', SYSTEM, { ...executed, stage, worker: WORKER })(over, who);
export const stageReleased = (stage: Stage, over: Partial<TaskEventData<'StageReleased'>> = {}, who: Who = {}): Happened =>
  event('StageReleased', SYSTEM, { ...executed, stage, reason: 'shutdown', sentence: null, notBefore: NOON })(over, who);

export const CHANGE: Omit<TaskEventData<'ChangeCollected'>, 'taskId' | 'attempt' | 'execution'> = {
  tree: RESULT_TREE,
  empty: false,
  patch: artifact('patch'),
  changes: artifact('changes'),
  log: artifact('agent log'),
  files: 1,
  insertions: 2,
  deletions: 1,
  ignoredFiles: 0,
  agentMeta: [],
  egress: [],
  durationMs: 1_000,
};
export const changeCollected = event('ChangeCollected', SYSTEM, { ...executed, ...CHANGE });
export const policyJudged = event('PolicyJudged', SYSTEM, {
  ...common,
  tree: RESULT_TREE,
  gate: 'not_required',
  report: report(),
});

export const TESTS: Omit<TaskEventData<'TestsFinished'>, 'taskId' | 'attempt' | 'execution'> = {
  tree: RESULT_TREE,
  passed: true,
  exitCode: 0,
  log: artifact('test log'),
  durationMs: 2_000,
};
export const testsFinished = event('TestsFinished', SYSTEM, { ...executed, ...TESTS });

/** What the patch gate shows after a change with a warning. */
export const PATCH_DIGEST = patchGateDigest({
  ...common,
  branch: taskBranch(TASK_ID),
  prepared: prepared(),
  collected: CHANGE,
  judged: { tree: RESULT_TREE, gate: 'required', report: WARNED },
  tested: TESTS,
});
const patchGate = { ...common, tree: RESULT_TREE, approvalId: uuid('patch gate'), approvalDigest: PATCH_DIGEST };
export const patchApprovalRequested = event('PatchApprovalRequested', SYSTEM, { ...patchGate, expiresAt: TOMORROW });
export const patchApproved = event('PatchApproved', BERT, { ...patchGate, byRequester: false, expiresAt: TOMORROW });

export const DELIVERY: Omit<TaskEventData<'DeliveryRequested'>, 'taskId' | 'attempt' | 'execution'> = {
  tree: RESULT_TREE,
  commit: COMMIT,
  parents: [BASE_COMMIT],
  branch: taskBranch(TASK_ID),
  lease: null,
  updates: null,
};
export const deliveryRequested = event('DeliveryRequested', SYSTEM, { ...executed, ...DELIVERY });

export const PULL_REQUEST: Omit<TaskEventData<'PullRequestOpened'>, 'taskId' | 'attempt' | 'execution'> = {
  number: 7,
  url: 'https://example.test/acme/shop/pull/7',
  draft: true,
  branch: taskBranch(TASK_ID),
  head: COMMIT,
  tree: RESULT_TREE,
  baseMovedBy: 0,
};
export const pullRequestOpened = event('PullRequestOpened', SYSTEM, { ...executed, ...PULL_REQUEST });
export const pullRequestUpdated = event('PullRequestUpdated', SYSTEM, { ...executed, ...PULL_REQUEST });
export const taskCompleted = event('TaskCompleted', SYSTEM, { ...common, result: 'pull_request' });
export const taskFailed = event('TaskFailed', SYSTEM, {
  ...common,
  errorCode: 'AGENT_FAILED',
  stage: 'agent',
  sentence: text('The agent ended without success. Rerun the task.'),
  log: null,
});
export const rerunRequested = event('RerunRequested', ANNA, { taskId: TASK_ID, attempt: 2, feedback: null });
export const textRedacted = event('TextRedacted', BERT, { taskId: TASK_ID, revision: 0, fields: ['intent'] });

/** Histories that cases begin with, each the one before and what came next. */
export const untilPrepared = [taskCreated(), requestPrepared()];
export const untilApproved = [...untilPrepared, taskApproved()];
export const untilAgent = [...untilApproved, stageClaimed('agent')];
export const untilJudged = [...untilAgent, changeCollected(), policyJudged()];
export const untilSandbox = [...untilJudged, stageClaimed('sandbox')];
export const untilTested = [...untilSandbox, testsFinished()];
export const untilDelivery = [...untilTested, stageClaimed('delivery')];
export const untilRequested = [...untilDelivery, deliveryRequested()];
export const untilOpened = [...untilRequested, pullRequestOpened()];
export const untilBookkeeping = [...untilOpened, stageClaimed('bookkeeping')];
export const untilCompleted = [...untilBookkeeping, taskCompleted()];

/** The same with a warning, so that a person must allow the patch. */
export const untilWarnedSandbox = [
  ...untilAgent,
  changeCollected(),
  policyJudged({ gate: 'required', report: WARNED }),
  stageClaimed('sandbox'),
];
export const untilPatchGate = [...untilWarnedSandbox, testsFinished(), patchApprovalRequested()];
export const untilPatchApproved = [...untilPatchGate, patchApproved()];

/** Another attempt's objects. */
export const LATER_TREE = objectId('later tree');
