import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type ExpectStatic, it } from 'vitest';
import type { TaskView } from '../../src/projections/task-view.ts';
import { type Client, file } from '../support/client.ts';
import { git } from '../support/git-commands.ts';
import { expectDeliveredOnce, factsOf, storyOf, triesOf } from './evidence.ts';
import { deedsOf, isStopped, openMachines, whenOver } from './machines.ts';
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
    { call: 'sandboxes.run', when: 'before', artifacts: 'in a bucket' },
    { call: 'repositories.push', when: 'after', artifacts: 'in a folder' },
  ] as const)('finish what the other was killed at, right $when $call, from artifacts $artifacts', async (row, { expect }) => {
    const { call, when, artifacts } = row;
    await using machines = await openMachines({}, artifacts);
    const { workshop, bucket } = machines;
    const first = await machines.first({ call, nth: 1, when, signal: 'SIGKILL' });
    const asked = await file(first.client, 'Make the sum a sum.');
    await act(first.client, asked);
    await first.ended;
    // The tree that was made there goes with that machine: the other has nothing but base and patch.
    await rm(join(workshop.dataFolder, 'git'), { recursive: true });
    const callsBefore = bucket.calls.length;
    const second = await machines.second();
    await expectOneDelivery(expect, machines, second.client, await whenOver(second.client, asked));
    const deeds = await deedsOf(second.client, asked);
    expect(deeds.by('PullRequestOpened')).not.toBe(deeds.by('ChangeCollected'));
    const fetched = bucket.calls.slice(callsBefore).some((each) => each.startsWith('GET '));
    expect(fetched).toBe(artifacts === 'in a bucket');
    // What lies in the folder of who was killed goes with its next start.
    const left = await remains(workshop, [second.pid]);
    expect(left.filter((entry) => !entry.startsWith('data/'))).toEqual([]);
  });

  it.for([
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

  it.for([
    { stage: 'agent', outcome: 'ChangeCollected', appends: 5, delivered: '2' },
    { stage: 'delivery', outcome: 'DeliveryRequested', appends: 9, delivered: '1' },
  ])('refuse what one that slept says of the $stage while the other carries it out again', async (row, { expect }) => {
    const { stage, outcome, appends, delivered } = row;
    await using machines = await openMachines();
    const { folder, origin } = machines.workshop;
    const [gate, pushes] = [join(folder, 'gate'), join(folder, 'pushes')];
    const wait = `while [ -d ${folder} ] && [ ! -e ${gate} ]; do sleep 0.05; done`;
    await writeFile(join(origin, 'hooks/update'), `#!/bin/sh\necho pushed >> ${pushes}\n${wait}\n`, { mode: 0o755 });
    // Each execution makes another change; the first one alone does not wait.
    const again = `{ echo 2 > execution; ${wait}; }`;
    const own = {
      AGENT_ISOLATION: 'none',
      AGENT_CLI_TEMPLATE: `sed -i s/-/+/ sum.sh; mkdir ${folder}/begun && echo 1 > execution || ${again} # $OKD_INTENT`,
    };
    const first = await machines.first({ call: 'store.append', nth: appends, when: 'before', signal: 'SIGSTOP' }, own);
    const asked = await file(first.client, 'Make the sum a sum.');
    await act(first.client, asked);
    await expect.poll(() => isStopped(first), { timeout: 60_000 }).toBe(true);
    const second = await machines.second(own);
    const overtaking = async (client: Client) => (await deedsOf(client, asked)).claimedBy(stage, 2);
    await expect.poll(() => overtaking(second.client), { timeout: 60_000 }).toBeDefined();

    process.kill(first.pid, 'SIGCONT');
    await expect.poll(() => overtaking(first.client), { timeout: 60_000 }).toBeDefined();
    const ofFirst = async () =>
      (await remains(machines.workshop, [first.pid, second.pid])).filter((entry) => entry.startsWith('data/'));
    await expect.poll(ofFirst, { timeout: 30_000 }).toEqual([]);
    expect((await deedsOf(second.client, asked)).by('PullRequestOpened')).toBeUndefined();
    await writeFile(gate, '');
    const over = await whenOver(second.client, asked);
    await expectOneDelivery(expect, machines, second.client, over);
    const deeds = await deedsOf(second.client, asked);
    expect(deeds.by(outcome)).toBe(deeds.claimedBy(stage, 2));
    expect(deeds.by(outcome)).not.toBe(deeds.claimedBy(stage, 1));
    expect(await git(origin, ['show', `${over.branch}:execution`])).toBe(delivered);
    expect(await readFile(pushes, 'utf8')).toBe('pushed\n');
    expect(await first.end('SIGTERM')).toBe(0);
  });
});
