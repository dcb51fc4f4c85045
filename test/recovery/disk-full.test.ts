import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, approve, type Client, file } from '../support/client.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { DELIVERY, expectDeliveredOnce, expectRebuilt, factsOf, storyOf, triesOf } from './evidence.ts';
import { processesWith } from './remains.ts';
import { livingIn } from './succession.ts';

/** An argument by which the process of the tests is known. */
const SECONDS = `1.${process.pid}`;
/** Requests that a disk without room for another page may still take. */
const REQUESTS_MAX = 200;
const BLOCK = Buffer.alloc(4096, 1);

/** Fills the disk of `folder` to the last page; the result frees it again. */
const fill = async (folder: string): Promise<() => Promise<void>> => {
  const ballast = join(folder, 'ballast');
  await using handle = await open(ballast, 'w');
  try {
    for (;;) await handle.write(BLOCK);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
  }
  return () => rm(ballast);
};

describe('A service on a full disk', () => {
  let workshop: Workshop;
  let service: ServiceProcess;
  let client: Client;

  beforeAll(async () => {
    workshop = await openWorkshop({
      'sum.sh': 'echo $(($1 - $2))\n',
      // It says more than the rest of a page holds.
      'test.sh': `sleep ${SECONDS}\nhead -c 9000 /dev/zero | tr '\\0' x\ntest "$(sh sum.sh 2 3)" = 5\n`,
    });
    await mkdir(workshop.dataFolder, { mode: 0o700 });
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', workshop.dataFolder]);
    service = await startService(await livingIn(workshop));
    ({ client } = service);
  });
  afterAll(async () => {
    await service?.end('SIGKILL');
    await execa('umount', ['--lazy', workshop.dataFolder], { reject: false });
    await workshop?.remove();
  });

  it('refuses with a sentence, loses nothing, and takes the same request once there is room', async () => {
    const free = await fill(workshop.dataFolder);
    const send = (key: string): Promise<Answer> =>
      client.call('POST', '/api/v1/tasks', { intent: 'Make the sum a sum.' }, { 'idempotency-key': key });
    const keys: string[] = [];
    let refused: Answer | undefined;
    while (!refused && keys.length < REQUESTS_MAX) {
      keys.push(randomUUID());
      const answer = await send(keys.at(-1) ?? '');
      if (answer.status !== 201) refused = answer;
    }
    expect(refused?.status, refused?.text).toBe(503);
    expect(refused?.json()).toMatchObject({ error_code: 'UNAVAILABLE', detail: expect.stringContaining('disk') });
    expect((await client.call('GET', '/healthz')).status).toBe(200);
    await free();

    const filed = await Promise.all(keys.map(send));
    expect(filed.map(({ status }) => status)).toEqual(keys.map(() => 201));
    expect(new Set(filed.map((answer) => answer.task().taskId)).size).toBe(keys.length);
  });

  it('goes on with a stage that ended meanwhile once there is room', async () => {
    const asked = await file(client, 'Make the sum a sum, on a full disk.');
    const approval = { action: 'approve', approval_digest: asked.approval?.digest };
    await client.call('POST', `/api/v1/tasks/${asked.taskId}/actions`, approval);
    while ((await processesWith(SECONDS)) === 0) await pause(20);
    const free = await fill(workshop.dataFolder);
    // What the tests said is put away when they are over, or rather is not.
    const putAt = async (): Promise<number> => (await stat(join(workshop.dataFolder, 'artifacts'))).mtimeMs;
    const before = await putAt();
    while ((await putAt()) === before) await pause(20);
    await pause(500);
    expect(service.hasEnded()).toBe(false);
    await free();

    const path = `/api/v1/tasks/${asked.taskId}`;
    await expect.poll(async () => (await client.call('GET', path)).task().status, { timeout: 50_000 }).toBe('WAIT_APPROVE_PATCH');
    const done = await approve(client, (await client.call('GET', path)).task());
    expect(done.status, done.sentence).toBe('COMPLETED');
    const story = await storyOf(client, done);
    expect(factsOf(story)).toEqual(DELIVERY);
    expect(triesOf(story)).toContain('StageReleased');
    expect((await client.call('GET', `${path}/events`)).text).toContain('The disk under the artifacts is full.');
    await expectDeliveredOnce(workshop, [done]);
    expect(await service.end('SIGTERM')).toBe(0);
    await expectRebuilt(workshop);
  });
});
