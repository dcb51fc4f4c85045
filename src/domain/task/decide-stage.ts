import type { Command } from '../event.ts';
import { taskBranch } from '../ids.ts';
import { EXECUTIONS_MAX } from '../limits.ts';
import { gateNeeded } from '../policy/judge.ts';
import type { StoredPolicyReport } from '../policy/shapes.ts';
import { DomainError, type TaskErrorCode } from '../refusals.ts';
import { isHeldBack } from '../retry.ts';
import { ownText, type Text, textOf } from '../text.ts';
import { patchGateDigest } from './approval.ts';
import type { TaskCommand, TaskCommandData } from './commands.ts';
import type { TaskEvent } from './events.ts';
import type { Fence, Stage } from './shapes.ts';
import { allowedTree, type Claim, type PresentTask, type Running, stageOf } from './state.ts';

type StageCommand = Extract<TaskCommand, { data: { fence: Fence } }>;

/** What an attempt ends with when a stage was executed as often as is allowed and something outside was down each time. */
const OUTSIDE_CODE: Readonly<Record<Stage, TaskErrorCode>> = {
  agent: 'AGENT_FAILED',
  sandbox: 'SANDBOX_FAILED',
  delivery: 'PR_CREATE_FAILED',
  bookkeeping: 'PR_CREATE_FAILED',
};

const INTERRUPTED = ownText(
  `This stage was started ${EXECUTIONS_MAX} times and never came to an end. Look at the service's log, then rerun the task.`,
);

/** The end of a stage that may not be executed again: what was delivered is never called failed. */
const exhausted = ({ taskId, attempt }: PresentTask, stage: Stage, outside: Text | null): TaskEvent => {
  if (stage === 'bookkeeping') return { type: 'TaskCompleted', data: { taskId, attempt, result: 'pull_request' } };
  const errorCode = outside ? OUTSIDE_CODE[stage] : 'INTERRUPTED';
  return { type: 'TaskFailed', data: { taskId, attempt, errorCode, stage, sentence: outside ?? INTERRUPTED, log: null } };
};

const claim = (
  { taskId, fence, worker }: TaskCommandData<'ClaimStage'>,
  task: PresentTask,
  current: Claim,
  { at }: Pick<Command, 'at'>,
): TaskEvent[] => {
  const { attempt, stage, execution } = fence;
  if (execution !== current.execution + 1) throw new DomainError('fence-overtaken');
  if (current.notBefore !== null && isHeldBack(current.notBefore, at)) throw new DomainError('stage-not-due');

  const gate = stage === 'agent' ? 'intent' : 'patch';
  const { approval, patchApproval } = task.evidence;
  const given = stage === 'agent' ? approval : stage === 'delivery' ? patchApproval : undefined;
  if (current.execution === 0 && given && at >= given.expiresAt) {
    return [{ type: 'ApprovalExpired', data: { taskId, attempt, gate, approvalId: given.approvalId } }];
  }
  if (current.counted >= EXECUTIONS_MAX) return [exhausted(task, stage, current.outside)];
  return [{ type: 'StageClaimed', data: { taskId, attempt, stage, execution, worker } }];
};

const release = (
  { taskId, fence, reason, sentence, notBefore }: TaskCommandData<'ReleaseStage'>,
  task: PresentTask,
  current: Claim,
): TaskEvent[] => {
  const released: TaskEvent = { type: 'StageReleased', data: { taskId, ...fence, reason, sentence, notBefore } };
  const spent = reason === 'outside_failure' && current.counted >= EXECUTIONS_MAX;
  return spent ? [released, exhausted(task, fence.stage, sentence)] : [released];
};

const fail = ({ taskId, fence, errorCode, sentence, log }: TaskCommandData<'FailStage'>): TaskEvent[] => {
  // What was delivered is not called failed: the bookkeeping can only be handed back or completed.
  if (fence.stage === 'bookkeeping') throw new DomainError('stage-not-due');
  return [{ type: 'TaskFailed', data: { taskId, attempt: fence.attempt, errorCode, stage: fence.stage, sentence, log } }];
};

/** Characters of the violations that stand in the sentence; the report holds them all. */
const VIOLATIONS_SHOWN_MAX = 2_000;

const refusedByPolicy = ({ violations }: StoredPolicyReport): Text => {
  const found = violations.map(({ sentence }) => textOf(sentence)).join(' ') || 'The patch is too large for a person to read.';
  const shown = found.length > VIOLATIONS_SHOWN_MAX ? `${found.slice(0, VIOLATIONS_SHOWN_MAX)}…` : found;
  const text = `Policy refuses the change. ${shown} Rerun the task with feedback that says what to leave alone.`;
  // It repeats what stands in the report, names that the agent chose included, so it can be erased like that.
  const [first] = violations;
  return { ...ownText(text), ...(first && 'salt' in first.sentence && { salt: first.sentence.salt }) };
};

const collect = ({ taskId, fence, change, report }: TaskCommandData<'CollectChange'>, task: Running): TaskEvent[] => {
  const { attempt, execution } = fence;
  if (task.stage !== 'agent') throw new DomainError('stage-not-due');
  const collected: TaskEvent = { type: 'ChangeCollected', data: { taskId, attempt, execution, ...change } };
  if (change.empty && report.verdict !== 'violation') {
    return [collected, { type: 'TaskCompleted', data: { taskId, attempt, result: 'no_change' } }];
  }
  const gate = gateNeeded(report, task.evidence.prepared.policy.patchGate) ? 'required' : 'not_required';
  const judged: TaskEvent = { type: 'PolicyJudged', data: { taskId, attempt, tree: change.tree, gate, report } };
  // Without a patch (it is over its limit) there is nothing a person could read, so nothing may pass.
  if (report.verdict !== 'violation' && change.patch !== null) return [collected, judged];

  const failed = {
    taskId,
    attempt,
    errorCode: 'POLICY_VIOLATION',
    stage: 'agent',
    sentence: refusedByPolicy(report),
    log: change.log,
  } as const;
  return [collected, judged, { type: 'TaskFailed', data: failed }];
};

const finishTests = (
  { taskId, fence, tests, errorCode, sentence, approvalId, expiresAt }: TaskCommandData<'FinishTests'>,
  task: Running,
): TaskEvent[] => {
  const { attempt, execution } = fence;
  if (task.stage !== 'sandbox') throw new DomainError('stage-not-due');
  const { prepared, collected, judged } = task.evidence;
  if (tests.tree !== collected.tree || tests.tree !== judged.tree) throw new DomainError('trees-differ');

  const finished: TaskEvent = { type: 'TestsFinished', data: { taskId, attempt, execution, ...tests } };
  if (errorCode !== null || !tests.passed) {
    const failed = {
      taskId,
      attempt,
      errorCode: errorCode ?? 'TEST_FAILED',
      stage: 'sandbox',
      sentence,
      log: tests.log,
    } as const;
    return [finished, { type: 'TaskFailed', data: failed }];
  }
  if (judged.gate === 'not_required') return [finished];
  const approvalDigest = patchGateDigest({ taskId, attempt, branch: task.branch, prepared, collected, judged, tested: tests });
  return [
    finished,
    { type: 'PatchApprovalRequested', data: { taskId, attempt, tree: tests.tree, approvalId, approvalDigest, expiresAt } },
  ];
};

/** On a branch of the task's own, forward from what is known: the prepared base and commits of ours. Nobody else's work is in the way. */
const isOurs = ({ branch, parents, lease }: TaskCommandData<'RequestDelivery'>['delivery'], task: Running): boolean => {
  const branches = [task.branch, task.pullRequest?.branch, task.lastDelivery?.branch, taskBranch(task.taskId, task.attempt)];
  const known = [task.evidence.prepared.baseCommit, ...task.commits];
  return (
    branches.includes(branch) &&
    parents.every((parent) => known.includes(parent)) &&
    (lease === null || (task.commits.includes(lease) && parents.includes(lease)))
  );
};

const requestDelivery = ({ taskId, fence, delivery }: TaskCommandData<'RequestDelivery'>, task: Running): TaskEvent[] => {
  const { attempt, execution } = fence;
  if (task.stage !== 'delivery') throw new DomainError('stage-not-due');
  const { tested, collected, delivery: earlier } = task.evidence;
  const trees = [collected.tree, tested.tree, allowedTree(task.evidence)];
  if (!tested.passed || trees.some((tree) => tree !== delivery.tree)) throw new DomainError('trees-differ');
  if (!isOurs(delivery, task)) throw new DomainError('delivery-not-ours');
  if (earlier?.commit === delivery.commit && earlier.branch === delivery.branch) return [];
  if (earlier && earlier.round >= 2) throw new DomainError('delivery-already-renewed');
  return [{ type: 'DeliveryRequested', data: { taskId, attempt, execution, ...delivery } }];
};

const recordPullRequest = (
  { taskId, fence, pullRequest, updated }: TaskCommandData<'RecordPullRequest'>,
  task: Running,
): TaskEvent[] => {
  const { attempt, execution } = fence;
  const { delivery } = task.evidence;
  if (task.stage !== 'delivery' || !delivery) throw new DomainError('stage-not-due');
  if (pullRequest.tree !== delivery.tree) throw new DomainError('trees-differ');
  const holdsIt = pullRequest.branch === delivery.branch && pullRequest.head === delivery.commit;
  if (!holdsIt || updated !== (pullRequest.number === delivery.updates)) throw new DomainError('delivery-differs');
  return [{ type: updated ? 'PullRequestUpdated' : 'PullRequestOpened', data: { taskId, attempt, execution, ...pullRequest } }];
};

/** What a worker's report makes true. An outcome counts only while its fence is the latest claim and that claim is held. */
export const decideStage = (command: StageCommand & Pick<Command, 'at'>, task: PresentTask): readonly TaskEvent[] => {
  const { fence, taskId } = command.data;
  const current = stageOf(task);
  if (!current || current.stage !== fence.stage) throw new DomainError('stage-not-due');
  if (command.type === 'ClaimStage') return claim(command.data, task, current.claim, command);
  if (current.claim.execution !== fence.execution || current.claim.worker === null) throw new DomainError('fence-overtaken');

  if (command.type === 'ReleaseStage') return release(command.data, task, current.claim);
  if (command.type === 'FailStage') return fail(command.data);
  if (command.type === 'CompleteTask') {
    if (task.status !== 'PR_CREATED') throw new DomainError('stage-not-due');
    return [{ type: 'TaskCompleted', data: { taskId, attempt: fence.attempt, result: 'pull_request' } }];
  }
  if (task.status !== 'RUNNING') throw new DomainError('stage-not-due');
  switch (command.type) {
    case 'CollectChange':
      return collect(command.data, task);
    case 'FinishTests':
      return finishTests(command.data, task);
    case 'RequestDelivery':
      return requestDelivery(command.data, task);
    case 'RecordPullRequest':
      return recordPullRequest(command.data, task);
  }
};
