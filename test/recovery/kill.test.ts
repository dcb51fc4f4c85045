import { randomUUID } from 'node:crypto';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { approve, file, look } from '../support/client.ts';
import { ensureDocker } from '../support/docker-daemon.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import type { Fate } from '../support/rehearsal/fate.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { DELIVERY, expectDeliveredOnce, factsOf, storyOf, triesOf } from './evidence.ts';
import { processesWith, remains } from './remains.ts';
import { deliver, livingIn, openSuccession, type Succession } from './succession.ts';

/** Longest from SIGTERM to the end of the process, in milliseconds. */
const STOP_MS_MAX = 5_000;
/** An argument by which a process of this test run is known. */
const SECONDS = `1.${process.pid}`;
const TESTS = { 'sum.sh': 'echo $(($1 - $2))\n', 'test.sh': `sleep ${SECONDS}\ntest "$(sh sum.sh 2 3)" = 5\n` };

let workshop: Workshop;
let succession: Succession;

beforeEach(async () => {
  workshop = await openWorkshop();
});
afterEach(async () => {
  await succession?.end();
  await workshop?.remove();
});

/** Services that follow each other, each with what `moreOf` says for its life. */
const begin = async (moreOf: (life: number) => Readonly<Record<string, string>> = () => ({})): Promise<void> => {
  const environment = await livingIn(workshop);
  succession = openSuccession((life) => ({ ...environment, ...moreOf(life) }));
};

const fated = (fate: Fate): Readonly<Record<string, string>> => ({ REHEARSED_FATE: JSON.stringify(fate) });

const untilRunning = async (argument: string): Promise<void> => {
  while ((await processesWith(argument)) === 0) await pause(20);
};

const expectNothingLeft = async (): Promise<void> => {
  const { pid } = await succession.current();
  expect(await remains(workshop, [pid])).toEqual([]);
};

describe('A service that is killed', { timeout: 120_000 }, () => {
  it('leaves nothing once it is started again, also where nobody asks it for anything then', async () => {
    for (const name of ['work/left', 'git/scratch/x-left', 'run/agent/left']) {
      await mkdir(join(workshop.dataFolder, name), { recursive: true });
      await writeFile(join(workshop.dataFolder, name, 'index'), 'half of it');
    }
    const half = join(workshop.dataFolder, 'forge/widgets-0123456789abcdef/7.comments', `.${randomUUID()}`);
    await mkdir(dirname(half), { recursive: true });
    await writeFile(half, '{');
    await begin();
    await expectNothingLeft();
    await expect(stat(half)).rejects.toThrow('ENOENT');
  });

  it.each([
    { call: 'repositories.push', when: 'before' },
    { call: 'repositories.push', when: 'after' },
    { call: 'forge.openDraft', when: 'before' },
    { call: 'forge.openDraft', when: 'after' },
  ] as const)('right $when $call delivers once all the same', async ({ call, when }) => {
    await begin((life) => (life === 1 ? fated({ call, nth: 1, when, signal: 'SIGKILL' }) : {}));
    const task = await deliver(succession.client, 'Make the sum a sum.');
    expect(task.status, task.sentence).toBe('COMPLETED');
    expect(succession.lives).toHaveLength(2);
    expect(factsOf(await storyOf(succession.client, task))).toEqual(DELIVERY);
    await expectDeliveredOnce(workshop, [task]);
    await expectNothingLeft();
  });

  it.each(['before', 'after'] as const)(
    'right %s it hands back a stage whose remote is away delivers once it is there',
    async (when) => {
      await begin();
      const { client } = succession;
      const tested = await approve(client, await file(client, 'Make the sum a sum.'));
      await rename(workshop.origin, `${workshop.origin}.away`);
      const { ended, arm } = await succession.current();
      // The approval, the claim, the handing back.
      await arm({ call: 'store.append', nth: 3, when, signal: 'SIGKILL' });
      const approval = { action: 'approve', approval_digest: tested.approval?.digest };
      await client.call('POST', `/api/v1/tasks/${tested.taskId}/actions`, approval);
      expect(await ended).toBe('SIGKILL');
      // The next process claims it anew.
      expect(triesOf(await storyOf(client, tested))[3]).toBe(when === 'before' ? 'StageClaimed' : 'StageReleased');
      await rename(`${workshop.origin}.away`, workshop.origin);

      await expect.poll(async () => (await look(client, tested)).status, { timeout: 40_000 }).toBe('COMPLETED');
      expect(factsOf(await storyOf(client, tested))).toEqual(DELIVERY);
      await expectDeliveredOnce(workshop, [await look(client, tested)]);
      await expectNothingLeft();
    },
  );

  it.each(['before', 'after'] as const)('right %s it stores that a task failed says so once', async (when) => {
    await begin(() => ({ AGENT_CLI_TEMPLATE: 'exit 1 # $OKD_INTENT' }));
    const { client } = succession;
    const asked = await file(client, 'Make the sum a sum.');
    const { ended, arm } = await succession.current();
    // The approval, the claim, the failure.
    await arm({ call: 'store.append', nth: 3, when, signal: 'SIGKILL' });
    const approval = { action: 'approve', approval_digest: asked.approval?.digest };
    await client.call('POST', `/api/v1/tasks/${asked.taskId}/actions`, approval);
    expect(await ended).toBe('SIGKILL');
    await expect.poll(async () => (await look(client, asked)).status, { timeout: 40_000 }).toBe('FAILED');
    const story = await storyOf(client, asked);
    expect(factsOf(story)).toEqual(['TaskCreated', 'RequestPrepared', 'TaskApproved', 'TaskFailed']);
    expect(triesOf(story)).toHaveLength(when === 'before' ? 2 : 1);
    await expectNothingLeft();
  });

  it('while the agent runs takes it along and runs it again', async () => {
    await begin(() => ({ AGENT_CLI_TEMPLATE: `sleep ${SECONDS}; sed -i s/-/+/ sum.sh # $OKD_INTENT` }));
    const delivered = deliver(succession.client, 'Make the sum a sum.');
    await untilRunning(SECONDS);
    await (await succession.current()).end('SIGKILL');
    await expect.poll(() => processesWith(SECONDS), { timeout: 10_000 }).toBe(0); // Before anybody clears up.
    const task = await delivered;
    expect(task.status, task.sentence).toBe('COMPLETED');
    expect(triesOf(await storyOf(succession.client, task))).toHaveLength(5);
    await expectDeliveredOnce(workshop, [task]);
    await expectNothingLeft();
  });

  it.each(['bubblewrap', 'docker'] as const)('while tests run in %s clears them away and runs them again', async (sandbox) => {
    await workshop.remove();
    workshop = await openWorkshop(TESTS);
    const docker = sandbox === 'docker' ? { engine: await ensureDocker(), image: await ensureTestImage() } : undefined;
    await begin(() => ({ SANDBOX: sandbox, ...(docker && { SANDBOX_IMAGE: docker.image }) }));
    const delivered = deliver(succession.client, 'Make the sum a sum.');
    await untilRunning(SECONDS);
    await (await succession.current()).end('SIGKILL');
    const task = await delivered;
    expect(task.status, task.sentence).toBe('COMPLETED');
    expect(factsOf(await storyOf(succession.client, task))).toEqual(DELIVERY);
    expect(await processesWith(SECONDS)).toBe(0);
    const containers = await docker?.engine.listContainers({ all: true, filters: { name: [task.taskId] } });
    expect(containers ?? []).toEqual([]);
    await expectDeliveredOnce(workshop, [task]);
    await expectNothingLeft();
  });

  it('three times in one stage gives up and says so, and a rerun goes through', async () => {
    const agentIsKilled = fated({ call: 'agents.run', nth: 1, when: 'before', signal: 'SIGKILL' });
    await begin((life) => (life <= 3 ? agentIsKilled : {}));
    const { client } = succession;
    const task = await approve(client, await file(client, 'Make the sum a sum.'));
    expect(task).toMatchObject({ status: 'FAILED', errorCode: 'INTERRUPTED' });
    expect(succession.lives).toHaveLength(4);
    expect(await storyOf(client, task)).toEqual([
      ...['TaskCreated', 'RequestPrepared', 'TaskApproved', 'StageClaimed', 'StageClaimed', 'StageClaimed', 'TaskFailed'],
    ]);
    await expectNothingLeft();

    const again = (await client.call('POST', `/api/v1/tasks/${task.taskId}/rerun`, {}, { prefer: 'wait=60' })).task();
    const done = await approve(client, await approve(client, again));
    expect(done).toMatchObject({ status: 'COMPLETED', attempt: 2 });
    await expectDeliveredOnce(workshop, [done]);
  });
});

describe('A service that is asked to stop', { timeout: 120_000 }, () => {
  it('stops in time, whatever the agent thinks of it, and hands the stage back without counting it', async () => {
    // One command for every life: another would be one that nobody approved.
    const stubborn = `if [ "$LIFE" -le 3 ]; then trap '' TERM; sleep 6${SECONDS}; sleep 6${SECONDS}; fi; sed -i s/-/+/ sum.sh # $OKD_INTENT`;
    await begin((life) => ({ AGENT_CLI_TEMPLATE: stubborn, AGENT_ENV_PASS: 'LIFE', LIFE: String(life) }));
    const delivered = deliver(succession.client, 'Make the sum a sum.');
    for (let life = 1; life <= 3; life++) {
      await untilRunning(`6${SECONDS}`);
      const service = await succession.current();
      const begun = performance.now();
      expect(await service.end('SIGTERM')).toBe(0);
      expect(performance.now() - begun).toBeLessThan(STOP_MS_MAX);
      expect(await processesWith(`6${SECONDS}`)).toBe(0);
    }
    const task = await delivered;
    expect(task.status, task.sentence).toBe('COMPLETED');
    const tries = triesOf(await storyOf(succession.client, task));
    expect(tries.slice(0, 7)).toEqual([
      ...Array.from({ length: 3 }, () => ['StageClaimed', 'StageReleased']).flat(),
      'StageClaimed',
    ]);
    await expectDeliveredOnce(workshop, [task]);
    await expectNothingLeft();
  });
});
