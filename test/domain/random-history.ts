import type { Command } from '../../src/domain/event.ts';
import type { PresentTask, Task } from '../../src/domain/task/state.ts';
import { type Chooser, chooser, type Order, orders } from './random-orders.ts';
import { createTask } from './task/commands.ts';
import { ANNA, BERT, bodyDigest, minutesAfter, SYSTEM, uuid } from './task/samples.ts';

/** Bits that one step may use up; a larger number would lose precision. */
export const STEP_MAX = 2 ** 48;

/** The request, and another body under the same key. */
const [CREATE, ANOTHER] = ['the request', 'another request'].map(
  (body) => createTask({ commandDigest: bodyDigest(body) }) as Order,
) as [Order, Order];

type Orders = ReturnType<typeof orders>;
const EVERY = [
  'prepare',
  'askForClarification',
  'clarify',
  'retry',
  'approve',
  'askBack',
  'reject',
  'cancel',
  'expire',
  'rerun',
  'redact',
  'claim',
  'release',
  'fail',
  'collect',
  'finish',
  'deliver',
  'record',
  'complete',
] as const satisfies readonly (keyof Orders)[];

/** What would get the task on, the likelier the more often it stands here. */
const onward = (task: PresentTask): readonly [keyof Orders, ...(keyof Orders)[]] => {
  switch (task.status) {
    case 'CREATED':
      return ['prepare', 'prepare', 'prepare', 'prepare', 'askForClarification'];
    case 'WAIT_CLARIFY':
      return ['clarify', 'clarify', 'retry'];
    case 'WAIT_APPROVE_WRITE':
      return ['approve', 'approve', 'approve', 'approve', 'approve', 'askBack', 'expire'];
    case 'WAIT_APPROVE_PATCH':
      return ['approve', 'approve', 'approve', 'expire'];
    case 'RUNNING':
      if (task.claim.worker === null) return ['claim'];
      if (task.stage === 'agent') return ['collect', 'collect', 'collect', 'collect', 'claim', 'release'];
      if (task.stage === 'sandbox') return ['finish', 'finish', 'finish', 'finish', 'claim', 'release'];
      return task.evidence.delivery
        ? ['record', 'record', 'record', 'deliver', 'claim', 'release', 'fail']
        : ['deliver', 'deliver', 'deliver', 'release'];
    case 'PR_CREATED':
      return task.claim.worker === null ? ['claim'] : ['complete', 'complete', 'release', 'claim'];
    case 'COMPLETED':
    case 'FAILED':
      return ['rerun'];
  }
};

const orderFor = (task: Task, at: string, step: number, choose: Chooser): Order => {
  if (task.status === 'absent' || choose.rarely(40)) {
    return choose.rarely(10) ? ANOTHER : CREATE;
  }
  const wrong = choose.rarely(8);
  const name = choose.rarely(8) ? choose.of(...EVERY) : choose.of(...onward(task));
  return orders(task, at, step, choose, wrong)[name]();
};

/** The command that step `step` of a random history sends to a task in this state, and the time by then. */
export const randomCommand = (task: Task, seed: number, step: number, before: string): Command => {
  const choose = chooser(seed);
  const at = minutesAfter(choose.rarely(30) ? 1_500 : choose.below(3), before);
  const order = orderFor(task, at, step, choose);
  const person = choose.of(ANNA, BERT);
  return { id: uuid(`command ${step}`), ...order, actor: 'fence' in order.data ? SYSTEM : person, channel: 'http', at };
};
