import { describe, type ExpectStatic, it } from 'vitest';
import type { TaskView } from '../../src/projections/task-view.ts';
import { type Client, file } from '../support/client.ts';
import { expectDeliveredOnce, factsOf, storyOf, triesOf } from './evidence.ts';
import { isStopped, openMachines, whenOver } from './machines.ts';
import { remains } from './remains.ts';

/** Facts of a delivery that policy lets through without a second gate. */
const DELIVERY = [
  'TaskCreated',
  'RequestPrepared',
  'TaskApproved',
  'ChangeCollected',
  'PolicyJudged',
  'TestsFinished',
  'DeliveryRequested',
  'PullRequestOpened',
  'TaskCompleted',
];

const act = (client: Client, { taskId, approval }: TaskView) =>
  client.call('POST', `/api/v1/tasks/${taskId}/actions`, { action: 'approve', approval_digest: approval?.digest });

const expectOneDelivery = async (
  expect: ExpectStatic,
  { workshop }: { workshop: Parameters<typeof expectDeliveredOnce>[0] },
  client: Client,
  task: TaskView,
): Promise<void> => {
  expect(task.status, task.sentence).toBe('COMPLETED');
  expect(factsOf(await storyOf(client, task))).toEqual(DELIVERY);
  await expectDeliveredOnce(workshop, [task]);
};

describe.concurrent('Two processes on one event store', { timeout: 120_000 }, () => {
  it('take one approval of two, and leave each other’s stages alone', async ({ expect }) => {
    await using machines = await openMachines({ AGENT_CLI_TEMPLATE: 'sleep 0.5; sed -i s/-/+/ sum.sh # $OKD_INTENT' });
    const first = await machines.first();
    const asked = await Promise.all([1, 2, 3, 4].map((n) => file(first.client, `Make the sum a sum, ${n}.`)));
    const [running, ...raced] = asked;
    if (running) await act(first.client, running);
    const second = await machines.second();
    for (const task of raced) {
      const answers = await Promise.all([first, second].map(({ client }) => act(client, task)));
      expect(answers.map(({ status }) => status).sort()).toEqual([202, 202]);
    }
    for (const task of asked) {
      const [here, there] = await Promise.all([first, second].map(({ client }) => whenOver(client, task)));
      expect(here?.status, here?.sentence).toBe('COMPLETED');
      expect({ ...here, position: null }).toEqual({ ...there, position: null });
      const story = await storyOf(second.client, task);
      expect(factsOf(story)).toEqual(DELIVERY);
      expect(triesOf(story)).toHaveLength(4);
    }
    await expectDeliveredOnce(machines.workshop, await Promise.all(asked.map((task) => whenOver(first.client, task))));
  });

  it.for([
    { call: 'sandboxes.run', when: 'before' },
    { call: 'repositories.push', when: 'after' },
  ] as const)('finish what the other was killed at, right $when $call', async ({ call, when }, { expect }) => {
    await using machines = await openMachines();
    const first = await machines.first({ call, nth: 1, when, signal: 'SIGKILL' });
    const asked = await file(first.client, 'Make the sum a sum.');
    await act(first.client, asked);
    await first.ended;
    const second = await machines.second();
    await expectOneDelivery(expect, machines, second.client, await whenOver(second.client, asked));
    // What lies in the folder of who was killed goes with its next start.
    const left = await remains(machines.workshop, [second.pid]);
    expect(left.filter((entry) => !entry.startsWith('data/'))).toEqual([]);
  });

  it.for([
    { call: 'agents.run', when: 'after' },
    { call: 'repositories.push', when: 'before' },
    { call: 'forge.openDraft', when: 'before' },
  ] as const)('refuse what one does after it was overtaken, asleep right $when $call', async ({ call, when }, { expect }) => {
    await using machines = await openMachines();
    const first = await machines.first({ call, nth: 1, when, signal: 'SIGSTOP' });
    const asked = await file(first.client, 'Make the sum a sum.');
    await act(first.client, asked);
    await expect.poll(() => isStopped(first), { timeout: 60_000 }).toBe(true);
    const second = await machines.second();
    await whenOver(second.client, asked);

    process.kill(first.pid, 'SIGCONT');
    await expectOneDelivery(expect, machines, first.client, await whenOver(first.client, asked));
    await expect.poll(() => remains(machines.workshop, [first.pid, second.pid]), { timeout: 30_000 }).toEqual([]);
    await expectOneDelivery(expect, machines, second.client, await whenOver(second.client, asked));
    expect(await first.end('SIGTERM')).toBe(0);
  });
});
