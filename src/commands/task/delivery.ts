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
const request = async (ports: TaskPorts, task: AtDelivery, { report }: Execution, round: number): Promise<Delivery> => {
  const { repositories, forge, clock } = ports;
  const { prepared, collected } = task.evidence;
  const { repo, remote, baseCommit } = prepared;
  const branch = continuedBranch(task);
  const head = await repositories.remoteHead(repo, branch);
  const earlier = task.pullRequest && (await forge.findPullRequest(remote, branch));
  const plan = planDelivery(task, baseCommit, {
    head,
    pullRequestOpen: earlier?.state === 'open',
    baseInHead: head !== null && (await repositories.isAncestor(repo, baseCommit, head, branch)),
  });
  const at = clock.now();
  const { tree } = collected;
  const commit = await repositories.commit(repo, { tree, parents: plan.parents, message: commitMessage(task), at });
  const delivery = { tree, commit, ...plan };
  const data = { ...fenceOf(task), delivery } satisfies TaskCommandData<'RequestDelivery'>;
  // What the commit holds is asked meanwhile: the push compares it, and does not have to wait for the answer.
  await Promise.all([report({ type: 'RequestDelivery', data }, at), repositories.treeOf(repo, commit)]);
  return { ...delivery, at, round };
};

/** Whether the branch holds the requested commit, or descends from it: an earlier execution may have come that far. */
const isPushed = async ({ repositories }: TaskPorts, task: AtDelivery, { branch, commit, lease }: Delivery): Promise<boolean> => {
  const { repo } = task.evidence.prepared;
  const head = await repositories.remoteHead(repo, branch);
  return head !== null && (head === commit || (head !== lease && (await repositories.isAncestor(repo, commit, head, branch))));
};

/** People allowed a delivery to one remote. An operator may have pointed the repository to another since. */
const requireApprovedRemote = async ({ repositories }: TaskPorts, { evidence }: AtDelivery): Promise<void> => {
  const { repo, remote } = evidence.prepared;
  if ((await repositories.remoteOf(repo)) !== remote) throw new StageFailure('SNAPSHOT_MISSING', ANOTHER_REMOTE);
};

/** Pushes the requested commit. `false`: the branch is not where it was said to be. */
const push = async (ports: TaskPorts, task: AtDelivery, delivery: Delivery): Promise<boolean> => {
  const { repositories } = ports;
  const { repo } = task.evidence.prepared;
  const { branch, commit, tree, lease } = delivery;
  await requireApprovedRemote(ports, task);
  const trees = [await repositories.treeOf(repo, commit), task.evidence.tested.tree, allowedTree(task.evidence)];
  if (trees.some((one) => one !== tree)) throw new StageFailure('PR_CREATE_FAILED', TREES_DIFFER);
  return (await repositories.push(repo, { branch, commit, lease })) === 'pushed' || isPushed(ports, task, delivery);
};

/** Makes the requested commit again, from the log alone: it may have been requested on another machine. */
const remake = async ({ repositories }: TaskPorts, task: AtDelivery, { commit, tree, parents, at }: Delivery): Promise<void> => {
  const made = await repositories.commit(task.evidence.prepared.repo, { tree, parents, message: commitMessage(task), at });
  if (made !== commit) throw new StageFailure('PR_CREATE_FAILED', TREES_DIFFER);
};

/** Brings exactly the tested and allowed tree to the remote, once, whoever began it. */
const deliver = async (ports: TaskPorts, task: AtDelivery, execution: Execution): Promise<Delivery> => {
  const begun = task.evidence.delivery;
  if (begun) await remake(ports, task, begun);
  if (begun && (await isPushed(ports, task, begun))) return begun;
  let delivery = begun ?? (await request(ports, task, execution, 1));
  while (!(await push(ports, task, delivery))) {
    if (delivery.round >= 2) throw moved(delivery.branch);
    delivery = await request(ports, task, execution, delivery.round + 1);
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
    await repositories.ensureTree(prepared.repo, collected.tree, prepared.baseCommit, () => artifacts.get(patch));

    // How far the base moved is asked meanwhile: it only has to be true when the pull request is opened.
    const movedBy = repositories.commitsSince(prepared.repo, prepared.baseCommit, prepared.base);
    movedBy.catch(() => undefined);
    const delivery = await deliver(ports, task, execution);
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
