import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { TaskView } from '../../src/projections/task-view.ts';
import { type ServerDouble, startServerDouble } from '../store/server-double/index.ts';
import { type Answer, approve, type Client, file } from '../support/client.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { DELIVERY, factsOf, storyOf, triesOf } from './evidence.ts';
import { processesWith } from './remains.ts';
import { livingIn } from './succession.ts';

/** An argument by which the agent's process is known. */
const SECONDS = `1.${process.pid}`;

const Address = z.object({ url: z.string(), token: z.string() });
const Health = z.object({ components: z.array(z.object({ name: z.string(), status: z.string(), sentence: z.string() })) });
const Problem = z.object({ status: z.int(), error_code: z.string(), detail: z.string() });

describe('A service whose event store goes away', () => {
  let workshop: Workshop;
  let server: ServerDouble;
  let service: ServiceProcess;
  let client: Client;

  beforeAll(async () => {
    workshop = await openWorkshop();
    server = await startServerDouble();
    service = await startService(
      await livingIn(workshop, {
        EVENTSTORE_URL: server.url,
        AGENT_CLI_TEMPLATE: `sleep ${SECONDS}; sed -i s/-/+/ sum.sh # $OKD_INTENT`,
      }),
    );
    ({ client } = service);
  });
  afterAll(async () => {
    await service?.end('SIGKILL');
    await server?.stop();
    await workshop?.remove();
  });

  /** Tasks that were ever created, by the log itself. */
  const created = (): number => server.log.events.filter(({ type }) => type === 'TaskCreated').length;

  const send = (path: string, body: unknown, key: string): Promise<Answer> =>
    client.call('POST', path, body, { 'idempotency-key': key, prefer: 'wait=30' });

  /** The same request until it is accepted: the problems before, and the answer. */
  const insist = async (path: string, body: unknown, key: string) => {
    const problems: Answer[] = [];
    for (;;) {
      const answer = await send(path, body, key);
      if (answer.status !== 503) return { problems, answer };
      problems.push(answer);
      await pause(50);
    }
  };

  const expectUnavailable = (answer: Answer): void => {
    expect(answer.status, answer.text).toBe(503);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(Problem.parse(answer.json())).toMatchObject({ error_code: 'UNAVAILABLE', detail: expect.stringContaining('again') });
  };

  it('answers 503 meanwhile, and takes the same command once when it is sent again', async () => {
    const before = created();
    await server.stop();
    const key = randomUUID();
    const wish = { intent: 'Make the sum a sum.' };
    expectUnavailable(await send('/api/v1/tasks', wish, key));
    expectUnavailable(await client.call('GET', '/api/v1/tasks'));
    await server.start();

    const { answer } = await insist('/api/v1/tasks', wish, key);
    expect(answer.status, answer.text).toBe(201);
    expect(answer.task().status).toBe('WAIT_APPROVE_WRITE');
    const again = await send('/api/v1/tasks', wish, key);
    expect(again.task().taskId).toBe(answer.task().taskId);
    expect(created()).toBe(before + 1);
  });

  it('says in its health what a store that takes nothing wants', async () => {
    server.faults.readOnly = true;
    const event = async () => {
      const { components } = Health.parse((await client.call('GET', '/api/v1/health/details')).json());
      return components.find(({ name }) => name === 'event store');
    };
    await expect.poll(event, { timeout: 10_000 }).toMatchObject({
      status: 'fail',
      sentence: expect.stringContaining('It has to write streams'),
    });
    server.faults.readOnly = false;
    server.faults.streamsOnly = true;
    await expect.poll(event, { timeout: 10_000 }).toMatchObject({
      status: 'fail',
      sentence: expect.stringContaining('to read $all'),
    });
    server.faults.streamsOnly = false;
    await expect.poll(event, { timeout: 10_000 }).toMatchObject({ status: 'pass' });
  });

  it('carries a command out once although its acknowledgement was lost', async () => {
    const before = created();
    const [key, wish] = [randomUUID(), { intent: 'Make the sum a sum, please.' }];
    server.faults.acknowledgementsToLose = 1;
    const { problems, answer } = await insist('/api/v1/tasks', wish, key);
    for (const problem of problems) expectUnavailable(problem);
    expect(answer.status, answer.text).toBe(201);
    expect(created()).toBe(before + 1);
    expect((await send('/api/v1/tasks', { intent: 'Something else.' }, key)).status).toBe(422);
  });

  it('delivers although the acknowledgements of three claims in a row were lost', async () => {
    const asked = await file(client, 'Make the sum a sum, whatever is lost.');
    server.faults.acknowledgementsToLose = 4;
    const approval = { action: 'approve', approval_digest: asked.approval?.digest };
    const { answer } = await insist(`/api/v1/tasks/${asked.taskId}/actions`, approval, randomUUID());
    const done = await approve(client, answer.task());
    expect(done.status, done.sentence).toBe('COMPLETED');
    const story = await storyOf(client, done);
    expect(factsOf(story)).toEqual(DELIVERY);
    expect(triesOf(story)).toHaveLength(4);
  });

  it('records afterwards what a stage came to, shows it, and tells whoever watches', async () => {
    const watched: string[] = [];
    const { url, token } = Address.parse(JSON.parse(await readFile(join(workshop.dataFolder, 'service.json'), 'utf8')));
    const { body } = await fetch(`${url}/api/v1/events/stream`, { headers: { authorization: `Bearer ${token}` } });
    const watching = (async () => {
      for await (const chunk of body ?? []) watched.push(Buffer.from(chunk).toString());
    })().catch(() => undefined);
    const asked = await file(client, 'Make the sum a sum, in spite of all.');
    const approval = { action: 'approve', approval_digest: asked.approval?.digest };
    await client.call('POST', `/api/v1/tasks/${asked.taskId}/actions`, approval);
    while ((await processesWith(SECONDS)) === 0) await pause(20);
    await server.stop();
    while ((await processesWith(SECONDS)) > 0) await pause(20);
    await pause(500);
    await server.start();

    const shown = async (): Promise<TaskView | undefined> => {
      const answer = await client.call('GET', `/api/v1/tasks/${asked.taskId}`);
      return answer.status === 200 ? answer.task() : undefined;
    };
    await expect.poll(async () => (await shown())?.status, { timeout: 50_000 }).toBe('WAIT_APPROVE_PATCH');
    const done = await approve(client, (await shown()) ?? asked);
    expect(done.status, done.sentence).toBe('COMPLETED');
    const story = await storyOf(client, done);
    expect(factsOf(story)).toEqual(DELIVERY);
    expect(triesOf(story)).toHaveLength(4);
    await expect.poll(() => watched.join(''), { timeout: 10_000 }).toContain('TaskCompleted');
    expect(watched.join('').match(/"PullRequestOpened"/g)).toHaveLength(1);
    expect(await service.end('SIGTERM')).toBe(0);
    await watching;
  });
});
