import { DomainError } from '../../domain/refusals.ts';
import type { TaskCommandData } from '../../domain/task/commands.ts';
import type { Fence } from '../../domain/task/shapes.ts';
import { stageOf, type Task } from '../../domain/task/state.ts';
import { ownText } from '../../domain/text.ts';
import type { Claim, Order } from '../effect.ts';
import type { Artifacts } from '../ports/artifacts.ts';

/** The fence of the claim that a task holds now; `next` gives the one a new claim would have. */
export const fenceOf = (task: Task, next = 0): { readonly taskId: string; readonly fence: Fence } => {
  const current = stageOf(task);
  if (!current || task.status === 'absent') throw new DomainError('stage-not-due');
  const { stage, claim } = current;
  return { taskId: task.taskId, fence: { attempt: task.attempt, stage, execution: claim.execution + next } };
};

/** How every stage of a task is claimed, handed back and failed. */
export const taskClaim = (artifacts: Artifacts): Claim<Task> => ({
  take: (task, worker) => ({
    type: 'ClaimStage',
    data: { ...fenceOf(task, 1), worker } satisfies TaskCommandData<'ClaimStage'>,
  }),
  release: (task, reason, sentence, notBefore) => ({
    type: 'ReleaseStage',
    data: {
      ...fenceOf(task),
      reason,
      sentence: sentence === null ? null : ownText(sentence),
      notBefore,
    } satisfies TaskCommandData<'ReleaseStage'>,
  }),
  fail: async (task, { errorCode, message, output }): Promise<Order> => ({
    type: 'FailStage',
    data: {
      ...fenceOf(task),
      errorCode,
      sentence: ownText(message),
      log: output ? await artifacts.put(output) : null,
    } satisfies TaskCommandData<'FailStage'>,
  }),
  counted: (task) => stageOf(task)?.claim.counted ?? 0,
});
