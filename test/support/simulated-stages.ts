import type { Weight } from '../../src/commands/admission.ts';
import type { Effect, Execution, Order } from '../../src/commands/effect.ts';
import type { Process } from '../../src/commands/execution.ts';
import { fenceOf, taskClaim } from '../../src/commands/task/claim.ts';
import { taskKind } from '../../src/domain/task/index.ts';
import type { Task } from '../../src/domain/task/state.ts';
import { CHANGE, DELIVERY, PULL_REQUEST, TESTS } from '../domain/task/events.ts';
import { report, TOMORROW, text, uuid } from '../domain/task/samples.ts';

export type SimulatedStage = 'agent' | 'sandbox' | 'delivery' | 'bookkeeping';

/** Stages that leave what real ones leave. Each execution calls `work` once, and takes as long as that. */
export const simulatedStages = (
  work: (stage: SimulatedStage, taskId: string, signal: AbortSignal) => Promise<unknown>,
): Process => {
  const claim = taskClaim({ put: async () => ({ digest: '0'.repeat(64), bytes: 0 }), get: async () => Buffer.alloc(0) });
  const effect = (
    stage: SimulatedStage,
    weight: Weight,
    outcome: (task: Task, execution: Execution) => Promise<Order>,
  ): Effect<Task> => ({
    weight,
    claim,
    run: async (task, _, execution) => {
      if (task.status === 'absent') return undefined;
      await work(stage, task.taskId, execution.signal);
      return outcome(task, execution);
    },
  });
  const branchOf = (task: Task): string => (task.status === 'absent' ? '' : task.branch);
  const effects: Readonly<Record<SimulatedStage, Effect<Task>>> = {
    agent: effect('agent', 'begins', async (task) => ({
      type: 'CollectChange',
      data: { ...fenceOf(task), change: CHANGE, report: report() },
    })),
    sandbox: effect('sandbox', 'continues', async (task) => ({
      type: 'FinishTests',
      data: {
        ...fenceOf(task),
        tests: TESTS,
        errorCode: null,
        sentence: text('The tests passed.'),
        approvalId: uuid('patch gate'),
        expiresAt: TOMORROW,
      },
    })),
    delivery: effect('delivery', 'continues', async (task, { report: tell }) => {
      await tell({ type: 'RequestDelivery', data: { ...fenceOf(task), delivery: { ...DELIVERY, branch: branchOf(task) } } });
      const pullRequest = { ...PULL_REQUEST, branch: branchOf(task) };
      return { type: 'RecordPullRequest', data: { ...fenceOf(task), pullRequest, updated: false } };
    }),
    bookkeeping: effect('bookkeeping', 'continues', async (task) => ({ type: 'CompleteTask', data: fenceOf(task) })),
  };
  return { kind: taskKind, effects } as unknown as Process; // The runner knows no kind's state.
};
