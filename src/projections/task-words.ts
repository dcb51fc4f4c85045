import type { Policy } from '../domain/policy/shapes.ts';
import type { PresentTask } from '../domain/task/state.ts';
import { textOf } from '../domain/text.ts';
import type { Parking } from './projection.ts';
import type { TaskStage } from './task-view.ts';
import { bytes } from './words.ts';

const BLOCKED_PATHS_SHOWN = 8;

/** Where a running task is, or where a failed one failed. */
export const taskStage = (task: PresentTask): TaskStage | null => {
  if (task.status === 'RUNNING') return task.stage === 'agent' && task.claim.worker === null ? 'queued' : task.stage;
  // The bookkeeping never fails a task, so it is no stage that anybody sees.
  if (task.status === 'FAILED') return task.stage === 'bookkeeping' ? null : task.stage;
  return null;
};

const STAGE_SENTENCES: Readonly<Record<TaskStage, string>> = {
  queued: 'It may run, and waits for a free place.',
  agent: 'The agent is working on it.',
  sandbox: 'The tests run on the change, without network.',
  delivery: 'The Draft pull request is being opened.',
};

const running = (task: PresentTask & { status: 'RUNNING' }): string => {
  const { outside, notBefore } = task.claim;
  if (outside && notBefore !== null) return `${textOf(outside)} It is tried again at ${notBefore}.`;
  return STAGE_SENTENCES[taskStage(task) ?? 'queued'];
};

/** What happened last and, when somebody can do something about it, what. */
export const taskSentence = (task: PresentTask): string => {
  switch (task.status) {
    case 'CREATED':
      return task.attempt === 1 ? 'The request is being prepared.' : `Attempt ${task.attempt} is being prepared.`;
    case 'WAIT_CLARIFY':
      return textOf(task.sentence);
    case 'WAIT_APPROVE_WRITE':
      return 'The request is complete. Nothing runs until a person allows it.';
    case 'RUNNING':
      return running(task);
    case 'WAIT_APPROVE_PATCH':
      return 'The tests passed. Nothing is delivered until a person allows this very patch.';
    case 'PR_CREATED':
      return `Draft pull request #${task.evidence.delivered.number} holds the change.`;
    case 'COMPLETED':
      return task.result === 'no_change'
        ? 'The agent changed nothing, so there is no pull request. Rerun it with feedback, or ask for something else.'
        : `Draft pull request #${task.pullRequest?.number ?? 0} holds the change. Review it, or rerun the task with feedback.`;
    case 'FAILED':
      return textOf(task.failure);
  }
};

/** Why a task is shown as it was before an event, and what to do. */
export const parkedSentence = ({ type, needs }: Parking): string => {
  if (needs === 'unreadable') {
    return `The log of this task holds ${type} in a form that nobody wrote, so the task stands still. Nothing else is touched; ask who runs the service.`;
  }
  if (needs === 'fault') {
    return `The service failed at showing ${type} of this task, so it stands still. After an update, run "countersign projections resume".`;
  }
  return `This task holds ${type} of version ${needs}, which this service does not know, so it stands still. Update the service; then it goes on by itself.`;
};

/** Who must do what before it goes on; `null` when it waits for nobody. */
export const taskWaitsFor = (task: PresentTask): string | null => {
  switch (task.status) {
    case 'WAIT_CLARIFY':
      return task.reason === 'QUESTION'
        ? 'The requester must answer the question (clarify).'
        : `Somebody who may request changes of ${task.repo} must amend the request (clarify), or repair what is missing and look again (retry).`;
    case 'WAIT_APPROVE_WRITE':
      return `Somebody who may approve for ${task.repo} must read the request and approve or reject it before ${task.open.expiresAt}.`;
    case 'WAIT_APPROVE_PATCH':
      return `Somebody who may approve for ${task.repo} must read the patch and approve or reject it before ${task.open.expiresAt}.`;
    default:
      return null;
  }
};

const GATE_WORDS: Readonly<Record<Policy['patchGate'], string>> = {
  always: 'a person must allow the patch before it is delivered',
  risky: 'a person must allow the patch when policy warns of it',
  never: 'the patch is delivered without a second approval',
};

/** The rules of an attempt in one sentence. */
export const policySummary = (policy: Policy): string => {
  const { blockedPaths, filesMax, changedLinesMax, patchBytesMax, binaryFiles, patchGate } = policy;
  const more = blockedPaths.length - BLOCKED_PATHS_SHOWN;
  const shown = `${blockedPaths.slice(0, BLOCKED_PATHS_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const blocked = blockedPaths.length === 0 ? 'no paths are blocked' : `blocked paths: ${shown}`;
  return `At most ${filesMax} files, ${changedLinesMax} changed lines and ${bytes(patchBytesMax)} of patch; binary files are ${
    binaryFiles === 'block' ? 'refused' : 'allowed'
  }; ${GATE_WORDS[patchGate]}; ${blocked}.`;
};
