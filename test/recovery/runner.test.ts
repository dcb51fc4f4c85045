import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Service } from '../../src/infra/cli/composition.ts';
import { serve } from '../../src/main.ts';
import { approve, type Client, clientOf, file } from '../support/client.ts';
import { git } from '../support/git-commands.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { expectDeliveredOnce } from './evidence.ts';

const Timeline = z.object({
  events: z.array(z.object({ type: z.string(), at: z.string(), data: z.looseObject({ stage: z.string().optional() }) })),
});

let workshop: Workshop;
let service: Service;
let client: Client;

const start = async (more: Readonly<Record<string, string>>): Promise<void> => {
  service = await serve(workshop.configuration(more));
  client = await clientOf(workshop.dataFolder);
};

const timelineOf = async (taskId: string) =>
  Timeline.parse((await client.call('GET', `/api/v1/tasks/${taskId}/events`)).json()).events;

beforeEach(async () => {
  // One file more than there was, whoever's it is.
  workshop = await openWorkshop({ 'test.sh': 'test "$(ls *.txt | wc -l)" = 1\n' });
});
afterEach(async () => {
  await service?.stop();
  await workshop?.remove();
});

describe('Many tasks on one repository at once', () => {
  it('run as many as may, each delivers its own change and nothing of another', async () => {
    const [tasks, running] = [12, 4];
    await start({
      AGENT_CLI_TEMPLATE: 'sleep 0.2; echo "$OKD_INTENT" > "$OKD_TASK_ID.txt"',
      RUNNING_MAX: `${running}`,
      RUNNING_PER_REPOSITORY_MAX: `${running}`,
    });
    const filed = await Promise.all(Array.from({ length: tasks }, (_, n) => file(client, `Write ${n}.`)));
    const done = await Promise.all(filed.map((task) => approve(client, task)));

    for (const { status, sentence, branch, taskId, intent } of done) {
      expect(status, sentence).toBe('COMPLETED');
      expect(await git(workshop.origin, ['diff', '--name-status', 'main', branch])).toBe(`A\t${taskId}.txt`);
      expect(await git(workshop.origin, ['show', `${branch}:${taskId}.txt`])).toBe(intent);
      expect(await git(workshop.origin, ['rev-parse', `${branch}^`])).toBe(await git(workshop.origin, ['rev-parse', 'main']));
    }
    await expectDeliveredOnce(workshop, done);

    const spans = await Promise.all(done.map(async ({ taskId }) => (await timelineOf(taskId)).slice(3)));
    const moments = spans.flatMap((span) => [
      { at: span.at(0)?.at ?? '', change: 1 },
      { at: span.at(-1)?.at ?? '', change: -1 },
    ]);
    let atOnce = 0;
    const counts = moments
      .sort((a, b) => a.at.localeCompare(b.at) || a.change - b.change)
      .map(({ change }) => (atOnce += change));
    expect(Math.max(...counts)).toBe(running);
  });
});

describe('A command that was answered before a restart', () => {
  it('changes nothing when it is sent again after it', async () => {
    const settings = { AGENT_CLI_TEMPLATE: 'echo yes > one.txt # $OKD_INTENT' };
    await start(settings);
    const keys = { file: randomUUID(), approve: randomUUID() };
    const send = (path: string, body: unknown, key: string) =>
      client.call('POST', path, body, { 'idempotency-key': key, prefer: 'wait=30' });
    const wish = { intent: 'Write one.' };
    const asked = (await send('/api/v1/tasks', wish, keys.file)).task();
    const actions = `/api/v1/tasks/${asked.taskId}/actions`;
    const approval = { action: 'approve', approval_digest: asked.approval?.digest };
    expect((await send(actions, approval, keys.approve)).task().status).toBe('COMPLETED');
    const before = await timelineOf(asked.taskId);
    await service.stop();

    await start(settings);
    expect((await send('/api/v1/tasks', wish, keys.file)).task()).toMatchObject({ taskId: asked.taskId, status: 'COMPLETED' });
    expect((await send(actions, approval, keys.approve)).task().status).toBe('COMPLETED');
    expect((await send(actions, approval, randomUUID())).status).toBe(409);
    expect(await timelineOf(asked.taskId)).toEqual(before);
  });
});
