import type { TaskCommandData } from '../../domain/task/commands.ts';
import { taskKind } from '../../domain/task/index.ts';
import type { Task } from '../../domain/task/state.ts';
import type { Effect } from '../effect.ts';
import type { Process } from '../execution.ts';
import type { RunnerLog } from '../ports/log.ts';
import { agentEffect } from './agent.ts';
import { bookkeepingEffect } from './bookkeeping.ts';
import { deliveryEffect } from './delivery.ts';
import type { TaskPorts } from './deps.ts';
import { prepareEffect } from './prepare.ts';
import { sandboxEffect } from './sandbox.ts';

/** Time is a step like any other: the decider judges the expiry by the command's own time. */
const expireEffect: Effect<Task> = {
  weight: 'light',
  run: async (task) => {
    if (task.status !== 'WAIT_APPROVE_WRITE' && task.status !== 'WAIT_APPROVE_PATCH') return undefined;
    const { taskId, attempt, open } = task;
    return {
      type: 'ExpireApproval',
      data: { taskId, attempt, approvalId: open.approvalId } satisfies TaskCommandData<'ExpireApproval'>,
    };
  },
};

/** A task, and how each of its steps is carried out. */
export const taskProcess = (ports: TaskPorts, log: RunnerLog): Process<Task> => ({
  kind: taskKind,
  effects: {
    prepare: prepareEffect(ports, log),
    expire: expireEffect,
    agent: agentEffect(ports),
    sandbox: sandboxEffect(ports),
    delivery: deliveryEffect(ports),
    bookkeeping: bookkeepingEffect(ports),
  },
});
