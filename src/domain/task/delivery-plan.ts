import type { ObjectId } from '../ids.ts';
import { taskBranch } from '../ids.ts';
import type { PresentTask } from './state.ts';

/** What the outside looks like before a delivery is planned. */
export interface DeliveryFacts {
  /** Head of the branch the task would continue on; `null` when there is no such branch. */
  readonly head: ObjectId | null;
  /** Whether an earlier pull request of this task is still open on that branch. */
  readonly pullRequestOpen: boolean;
  /** Whether the approved base commit is reachable from `head`. */
  readonly baseInHead: boolean;
}

export interface DeliveryPlan {
  readonly branch: string;
  readonly parents: ObjectId[];
  readonly lease: ObjectId | null;
  readonly updates: number | null;
}

/** The branch a delivery continues on, when it can: the earlier pull request's, or the task's own. */
export const continuedBranch = (task: PresentTask): string =>
  task.pullRequest?.branch ?? task.lastDelivery?.branch ?? task.branch;

/**
 * Where the tree goes. While what stands there is a commit of ours (and its pull request, if any, is open), the same branch moves forward;
 * otherwise a branch of this attempt's own is made, which must not exist yet. Never force, never somebody else's commit lost.
 */
export const planDelivery = (task: PresentTask, baseCommit: ObjectId, facts: DeliveryFacts): DeliveryPlan => {
  const { head } = facts;
  const ours = head !== null && task.commits.includes(head);
  if (ours && (task.pullRequest === null || facts.pullRequestOpen)) {
    return {
      branch: continuedBranch(task),
      parents: facts.baseInHead ? [head] : [head, baseCommit],
      lease: head,
      updates: task.pullRequest?.number ?? null,
    };
  }
  const untouched = head === null && task.pullRequest === null;
  return {
    branch: untouched ? task.branch : taskBranch(task.taskId, task.attempt),
    parents: [baseCommit],
    lease: null,
    updates: null,
  };
};
