import type { ObjectId } from '../../domain/ids.ts';
import { commitMessage, pullRequestBody, pullRequestTitle } from '../../domain/pull-request-text.ts';
import type { TaskCommandData } from '../../domain/task/commands.ts';
import { continuedBranch, planDelivery } from '../../domain/task/delivery-plan.ts';
import { allowedTree, type Delivery, type Task } from '../../domain/task/state.ts';
import { type Effect, type Execution, type Order, StageFailure } from '../effect.ts';
import { ForgeRefusal, type PullRequest } from '../ports/forge.ts';
import { fenceOf, taskClaim } from './claim.ts';
import { deliveredAttempt } from './delivered-attempt.ts';
import type { TaskPorts } from './deps.ts';

type AtDelivery = Extract<Task, { status: 'RUNNING'; stage: 'delivery' }>;

const moved = (branch: string): StageFailure =>
  new StageFailure('PR_CREATE_FAILED', `Somebody else moves the branch ${branch}. Nothing was overwritten. Rerun the task.`);

const TREES_DIFFER = 'The tree to deliver is not the tree that was tested and allowed. Nothing was delivered. Rerun the task.';

const ANOTHER_REMOTE =
  'The origin of the repository is no longer the remote that was approved. Nothing was delivered. Rerun the task to be asked again.';

/** States the one commit that will be pushed: from here on nothing about it changes, whoever pushes it. */
const request = async (
  ports: TaskPorts,
  task: AtDelivery,
  { report, signal }: Execution,
  head: ObjectId | null,
  round: number,
): Promise<Delivery> => {
  const { repositories, forge, clock } = ports;
  const { prepared, collected } = task.evidence;
  const { repo, remote, baseCommit } = prepared;
  const branch = continuedBranch(task);
  const earlier = task.pullRequest && (await forge.findPullRequest(remote, branch));
  const plan = planDelivery(task, baseCommit, {
    head,
    pullRequestOpen: earlier?.state === 'open',
    baseInHead: head !== null && (await repositories.isAncestor(repo, baseCommit, head, branch, signal)),
  });
  const at = clock.now();
  const { tree } = collected;
  const commit = await repositories.commit(repo, { tree, parents: plan.parents, message: commitMessage(task), at }, signal);
  const delivery = { tree, commit, ...plan };
  const data = { ...fenceOf(task), delivery } satisfies TaskCommandData<'RequestDelivery'>;
  await report({ type: 'RequestDelivery', data }, at);
  return { ...delivery, at, round };
};

/** Whether the branch holds the requested commit, or descends from it: an earlier execution may have come that far. */
const isPushed = async (
  { repositories }: TaskPorts,
  task: AtDelivery,
  { branch, commit, lease }: Delivery,
  head: ObjectId | null,
  signal: AbortSignal,
): Promise<boolean> => {
  if (head === null || head === commit) return head === commit;
  return head !== lease && repositories.isAncestor(task.evidence.prepared.repo, commit, head, branch, signal);
};

const headOf = async ({ repositories }: TaskPorts, task: AtDelivery, branch: string, signal: AbortSignal) =>
  (await repositories.remoteHeads(task.evidence.prepared.repo, [branch], signal))[0] ?? null;

/** People allowed a delivery to one remote. An operator may have pointed the repository to another since. */
const requireApprovedRemote = async ({ repositories }: TaskPorts, { evidence }: AtDelivery): Promise<void> => {
  const { repo, remote } = evidence.prepared;
  if ((await repositories.remoteOf(repo)) !== remote) throw new StageFailure('SNAPSHOT_MISSING', ANOTHER_REMOTE);
};

/** Pushes the requested commit. `false`: the branch is not where it was said to be. */
const push = async (ports: TaskPorts, task: AtDelivery, delivery: Delivery, signal: AbortSignal): Promise<boolean> => {
  const { repositories } = ports;
  const { repo } = task.evidence.prepared;
  const { branch, commit, tree, lease } = delivery;
  await requireApprovedRemote(ports, task);
  const trees = [await repositories.treeOf(repo, commit, signal), task.evidence.tested.tree, allowedTree(task.evidence)];
  if (trees.some((one) => one !== tree)) throw new StageFailure('PR_CREATE_FAILED', TREES_DIFFER);
  if ((await repositories.push(repo, { branch, commit, lease }, signal)) === 'pushed') return true;
  return isPushed(ports, task, delivery, await headOf(ports, task, branch, signal), signal);
};

/** Makes the requested commit again, from the log alone: it may have been requested on another machine. */
const remake = async (
  { repositories }: TaskPorts,
  task: AtDelivery,
  { commit, tree, parents, at }: Delivery,
  signal: AbortSignal,
): Promise<void> => {
  const { repo } = task.evidence.prepared;
  const made = await repositories.commit(repo, { tree, parents, message: commitMessage(task), at }, signal);
  if (made !== commit) throw new StageFailure('PR_CREATE_FAILED', TREES_DIFFER);
};

/** Brings exactly the tested and allowed tree to the remote, once, whoever began it. `head` is where its branch stands there. */
const deliver = async (ports: TaskPorts, task: AtDelivery, execution: Execution, head: ObjectId | null): Promise<Delivery> => {
  const begun = task.evidence.delivery;
  const { signal } = execution;
  if (begun) await remake(ports, task, begun, signal);
  if (begun && (await isPushed(ports, task, begun, head, signal))) return begun;
  let delivery = begun ?? (await request(ports, task, execution, head, 1));
  while (!(await push(ports, task, delivery, signal))) {
    if (delivery.round >= 2) throw moved(delivery.branch);
    const now = await headOf(ports, task, continuedBranch(task), signal);
    delivery = await request(ports, task, execution, now, delivery.round + 1);
  }
  return delivery;
};

/** The Draft pull request of this delivery: the one that is there, or a new one. */
const pullRequestFor = async (
  ports: TaskPorts,
  task: AtDelivery,
  delivery: Delivery,
  baseMovedBy: number,
): Promise<{ readonly found: PullRequest; readonly updated: boolean }> => {
  const { prepared } = task.evidence;
  const { branch } = delivery;
  const found = await ports.forge.findPullRequest(prepared.remote, branch);
  const earlier = found !== null && found.number === task.pullRequest?.number;
  if (found && (!earlier || found.state === 'open')) return { found, updated: earlier };

  const about = await deliveredAttempt(ports, task, task.evidence, baseMovedBy);
  const opened = await ports.forge.openDraft({
    remote: prepared.remote,
    branch,
    base: prepared.base,
    title: pullRequestTitle(about.intent),
    body: pullRequestBody(task.pullRequest ? { ...about, replaces: task.pullRequest.number } : about),
  });
  return { found: opened, updated: false };
};

/** Pushes exactly the tested and allowed tree, and opens or updates the one Draft pull request. */
export const deliveryEffect = (ports: TaskPorts): Effect<Task> => ({
  weight: 'continues',
  claim: taskClaim(ports.artifacts),
  run: async (task, _, execution): Promise<Order | undefined> => {
    if (task.status !== 'RUNNING' || task.stage !== 'delivery') return undefined;
    const { repositories, artifacts } = ports;
    const { prepared, collected } = task.evidence;
    const { patch } = collected;
    if (!patch) throw new StageFailure('POLICY_VIOLATION', 'The change has no patch that a person could read. Rerun the task.');
    await requireApprovedRemote(ports, task);
    const { repo, base, baseCommit } = prepared;
    const { signal } = execution;
    await repositories.ensureTree(repo, collected.tree, baseCommit, () => artifacts.get(patch), signal);

    const branch = task.evidence.delivery?.branch ?? continuedBranch(task);
    const [head = null, baseHead = null] = await repositories.remoteHeads(repo, [branch, base], signal);
    // How far the base moved is found out meanwhile.
    const movedBy = repositories.commitsSince(repo, baseCommit, base, baseHead, signal);
    movedBy.catch(() => undefined);
    const delivery = await deliver(ports, task, execution, head);
    try {
      const baseMovedBy = await movedBy;
      const { found, updated } = await pullRequestFor(ports, task, delivery, baseMovedBy);
      const pullRequest = {
        number: found.number,
        url: found.url,
        draft: true,
        branch: delivery.branch,
        head: delivery.commit,
        tree: delivery.tree,
        baseMovedBy,
      } as const;
      return {
        type: 'RecordPullRequest',
        data: { ...fenceOf(task), pullRequest, updated } satisfies TaskCommandData<'RecordPullRequest'>,
      };
    } catch (error) {
      if (error instanceof ForgeRefusal) throw new StageFailure('PR_CREATE_FAILED', error.message);
      throw error;
    }
  },
});
