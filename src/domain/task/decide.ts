import type { Command } from '../event.ts';
import { taskBranch } from '../ids.ts';
import { ATTEMPTS_MAX, CLARIFICATIONS_MAX, PREPARATIONS_MAX } from '../limits.ts';
import { DomainError } from '../refusals.ts';
import { textOf } from '../text.ts';
import { intentGateDigest } from './approval.ts';
import type { TaskCommand, TaskCommandData } from './commands.ts';
import { decideStage } from './decide-stage.ts';
import type { TaskEvent } from './events.ts';
import { isOver, type OpenApproval, type PresentTask, type Task } from './state.ts';

type Who = Pick<Command, 'actor' | 'at'>;

const create = (data: TaskCommandData<'CreateTask'>, task: Task): TaskEvent[] => {
  if (task.status === 'absent') return [{ type: 'TaskCreated', data: { ...data, branch: taskBranch(data.taskId) } }];
  // Once its digest was erased nobody can tell; creating nothing is the safe answer.
  const told = 'text' in task.commandDigest;
  if (told && textOf(task.commandDigest) !== textOf(data.commandDigest)) throw new DomainError('key-used-for-another-request');
  return [];
};

const prepare = (data: TaskCommandData<'PrepareRequest'>, task: PresentTask): TaskEvent[] => {
  if (task.status !== 'CREATED' || data.preparation !== task.preparation + 1) throw new DomainError('stage-not-due');
  const { intent, clarifications, feedback } = task;
  const approvalDigest = intentGateDigest({ ...data, intent, clarifications, feedback });
  return [{ type: 'RequestPrepared', data: { ...data, approvalDigest } }];
};

const askForClarification = (data: TaskCommandData<'AskForClarification'>, task: PresentTask): TaskEvent[] => {
  if (task.status !== 'CREATED' || data.preparation !== task.preparation + 1) throw new DomainError('stage-not-due');
  return [{ type: 'ClarificationRequested', data }];
};

/** Refuses the answer to a question that is no longer asked. */
const refuseStale = (asked: string | undefined, task: PresentTask): void => {
  if (asked === undefined) return;
  const isAsked =
    (task.status === 'WAIT_APPROVE_WRITE' || task.status === 'WAIT_APPROVE_PATCH') && task.open.approvalId === asked;
  if (!isAsked) throw new DomainError('request-changed');
};

const askBack = ({ taskId, attempt, sentence, asked }: TaskCommandData<'AskBack'>, task: PresentTask): TaskEvent[] => {
  if (task.status !== 'WAIT_APPROVE_WRITE') throw new DomainError('not-awaiting-approval');
  refuseStale(asked, task);
  return [
    { type: 'ClarificationRequested', data: { taskId, attempt, preparation: task.preparation, reason: 'QUESTION', sentence } },
  ];
};

const clarify = (data: TaskCommandData<'Clarify'>, task: PresentTask): TaskEvent[] => {
  if (task.status !== 'WAIT_CLARIFY') throw new DomainError('not-awaiting-clarification');
  const { repo, base, agent, testCommand, text } = data;
  if ([repo, base, agent, testCommand, text].every((value) => value === undefined))
    throw new DomainError('nothing-to-clarify-with');
  // One task, one pull request: what was delivered stays where it was delivered.
  const elsewhere = (repo ?? task.repo) !== task.repo || (base ?? task.base) !== task.base;
  if (elsewhere && task.commits.length > 0) throw new DomainError('delivered-elsewhere');
  if (task.clarified >= CLARIFICATIONS_MAX) throw new DomainError('too-many-clarifications');
  return [{ type: 'RequestClarified', data }];
};

const retry = (data: TaskCommandData<'Retry'>, task: PresentTask): TaskEvent[] => {
  if (task.status !== 'WAIT_CLARIFY') throw new DomainError('not-awaiting-clarification');
  if (task.preparation >= PREPARATIONS_MAX) throw new DomainError('too-many-preparations');
  return [{ type: 'RetryRequested', data }];
};

type ApprovalName = Pick<OpenApproval, 'approvalId' | 'approvalDigest'>;

/** An approval lives as long after it was given as the question lived: from `askedAt` to `expiresAt`. */
const expiryOf = ({ askedAt, expiresAt }: OpenApproval, at: string): string =>
  new Date(Date.parse(at) + Date.parse(expiresAt) - Date.parse(askedAt)).toISOString();

const approve = (
  { taskId, attempt, approved }: TaskCommandData<'Approve'>,
  task: PresentTask,
  { actor, at }: Who,
): TaskEvent[] => {
  const { approval, patchApproval } = task.evidence;
  const isMeant = (shown: ApprovalName): boolean => shown.approvalDigest === approved || shown.approvalId === approved;
  if (task.status === 'RUNNING' && [approval, patchApproval].some((given) => given && isMeant(given))) return [];
  if (task.status !== 'WAIT_APPROVE_WRITE' && task.status !== 'WAIT_APPROVE_PATCH')
    throw new DomainError('not-awaiting-approval');
  const { open } = task;
  if (!isMeant(open)) throw new DomainError('request-changed');
  if (at >= open.expiresAt) throw new DomainError('approval-expired');

  const given = {
    taskId,
    attempt,
    approvalId: open.approvalId,
    approvalDigest: open.approvalDigest,
    byRequester: actor === task.requestedBy,
    expiresAt: expiryOf(open, at),
  };
  return task.status === 'WAIT_APPROVE_WRITE'
    ? [{ type: 'TaskApproved', data: given }]
    : [{ type: 'PatchApproved', data: { ...given, tree: task.evidence.collected.tree } }];
};

const reject = ({ taskId, attempt, reason, asked }: TaskCommandData<'Reject'>, task: PresentTask): TaskEvent[] => {
  if (task.status === 'FAILED' && task.errorCode === 'REJECTED') return [];
  if (isOver(task)) throw new DomainError('task-is-over');
  if (task.status === 'RUNNING' || task.status === 'PR_CREATED') throw new DomainError('not-waiting');
  refuseStale(asked, task);
  const gate = task.status === 'WAIT_APPROVE_PATCH' ? 'patch' : 'intent';
  return [{ type: 'TaskRejected', data: { taskId, attempt, gate, reason } }];
};

const cancel = (data: TaskCommandData<'Cancel'>, task: PresentTask): TaskEvent[] => {
  if (task.status === 'FAILED' && task.errorCode === 'CANCELLED') return [];
  if (isOver(task)) throw new DomainError('task-is-over');
  if (task.status === 'PR_CREATED' || task.evidence.delivery) throw new DomainError('too-late-to-cancel');
  return [{ type: 'TaskCancelled', data }];
};

const expire = (
  { taskId, attempt, approvalId }: TaskCommandData<'ExpireApproval'>,
  task: PresentTask,
  { at }: Who,
): TaskEvent[] => {
  if (task.status !== 'WAIT_APPROVE_WRITE' && task.status !== 'WAIT_APPROVE_PATCH')
    throw new DomainError('not-awaiting-approval');
  if (task.open.approvalId !== approvalId) throw new DomainError('request-changed');
  if (at < task.open.expiresAt) throw new DomainError('approval-not-expired');
  const gate = task.status === 'WAIT_APPROVE_PATCH' ? 'patch' : 'intent';
  return [{ type: 'ApprovalExpired', data: { taskId, attempt, gate, approvalId } }];
};

const rerun = ({ taskId, attempt, feedback }: TaskCommandData<'Rerun'>, task: PresentTask): TaskEvent[] => {
  if (!isOver(task)) throw new DomainError('task-not-over');
  if (attempt >= ATTEMPTS_MAX) throw new DomainError('too-many-attempts');
  return [{ type: 'RerunRequested', data: { taskId, attempt: attempt + 1, feedback } }];
};

/** What was approved is what runs, so its words stay while anything may still run. */
const redact = (data: TaskCommandData<'RedactText'>, task: PresentTask): TaskEvent[] => {
  if (!isOver(task)) throw new DomainError('task-not-over');
  return [{ type: 'TextRedacted', data }];
};

const attemptOf = (command: TaskCommand): number | undefined => {
  if ('fence' in command.data) return command.data.fence.attempt;
  return 'attempt' in command.data ? command.data.attempt : undefined;
};

/** What the command makes true: facts, `[]` when it is so already. Throws `DomainError`. Expiry is judged by the command's own time. */
export const decide = (command: TaskCommand & Who, task: Task): readonly TaskEvent[] => {
  if (command.type === 'CreateTask') return create(command.data, task);
  if (task.status === 'absent') throw new DomainError('task-not-found');
  const attempt = attemptOf(command);
  if (attempt !== undefined && attempt !== task.attempt) throw new DomainError('another-attempt');

  switch (command.type) {
    case 'PrepareRequest':
      return prepare(command.data, task);
    case 'AskForClarification':
      return askForClarification(command.data, task);
    case 'AskBack':
      return askBack(command.data, task);
    case 'Clarify':
      return clarify(command.data, task);
    case 'Retry':
      return retry(command.data, task);
    case 'Approve':
      return approve(command.data, task, command);
    case 'Reject':
      return reject(command.data, task);
    case 'Cancel':
      return cancel(command.data, task);
    case 'ExpireApproval':
      return expire(command.data, task, command);
    case 'Rerun':
      return rerun(command.data, task);
    case 'RedactText':
      return redact(command.data, task);
    default:
      return decideStage(command, task);
  }
};
