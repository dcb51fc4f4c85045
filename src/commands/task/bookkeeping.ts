import { attemptComment, attemptMarker } from '../../domain/pull-request-text.ts';
import type { Task } from '../../domain/task/state.ts';
import type { Effect, Order } from '../effect.ts';
import { ForgeRefusal } from '../ports/forge.ts';
import type { Repositories } from '../ports/repositories.ts';
import { keepOf } from './agent.ts';
import { fenceOf, taskClaim } from './claim.ts';
import { deliveredAttempt } from './delivered-attempt.ts';
import type { TaskPorts } from './deps.ts';

/**
 * Lets go of what tasks kept that are over for good: nobody delivers it any more, and a rerun with feedback makes the tree again from base and
 * patch. A delivered one was let go of already.
 */
export const letGoOfEnded = async (
  repositories: Pick<Repositories, 'list' | 'kept' | 'release'>,
  isOver: (taskId: string) => boolean,
): Promise<void> => {
  for (const repository of await repositories.list()) {
    for (const keep of await repositories.kept(repository)) {
      if (isOver(keep)) await repositories.release(repository, keep);
    }
  }
};

/** What follows a delivery: one comment on a pull request that moved forward, and the trees may be collected as garbage again. */
export const bookkeepingEffect = (ports: TaskPorts): Effect<Task> => ({
  weight: 'continues',
  claim: taskClaim(ports.artifacts),
  run: async (task): Promise<Order | undefined> => {
    if (task.status !== 'PR_CREATED') return undefined;
    const { prepared, approval, collected, judged, tested, delivered } = task.evidence;
    if (delivered.updated && approval && collected && judged && tested) {
      const about = await deliveredAttempt(
        ports,
        task,
        { ...task.evidence, approval, collected, judged, tested },
        delivered.baseMovedBy,
      );
      try {
        await ports.forge.commentOnce(prepared.remote, delivered.number, attemptMarker(task), attemptComment(about));
      } catch (error) {
        // A comment that is refused is not worth the delivery: it is done without.
        if (!(error instanceof ForgeRefusal)) throw error;
      }
    }
    await ports.repositories.release(prepared.repo, keepOf(task));
    return { type: 'CompleteTask', data: fenceOf(task) };
  },
});
