import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { livingIn } from '../recovery/succession.ts';
import { startServerDouble } from '../store/server-double/index.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { startTelegram } from '../support/telegram/index.ts';
import { openWorkshop } from '../support/workshop.ts';
import { allTaken, makeKnown, openOffice, telegramVariables } from './office.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
const later = <Thing>(thing: Thing, close: (thing: Thing) => Promise<unknown>): Thing => {
  closing.push(() => close(thing));
  return thing;
};

const office = async (...options: Parameters<typeof openOffice>) => later(await openOffice(...options), (one) => one.close());

const Tasks = z.object({ tasks: z.array(z.object({ intent: z.string(), status: z.string() })) });
const Components = z.object({ components: z.array(z.object({ name: z.string(), status: z.string(), sentence: z.string() })) });

/** Services that follow each other in one folder, with one bot. */
const lives = async (mode: 'polling' | 'webhook' = 'polling', more: Readonly<Record<string, string>> = {}) => {
  const telegram = later(await startTelegram({ webhookBackoffMs: 100 }), (one) => one.stop());
  const workshop = later(await openWorkshop(), (one) => one.remove());
  const environment = { ...(await livingIn(workshop)), ...(await telegramVariables(telegram, mode)), ...more };
  const live = async (extra: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> =>
    later(await startService({ ...environment, ...extra }), (one) => one.end('SIGKILL'));
  return { telegram, workshop, live };
};

const tasksOf = async ({ client }: Pick<ServiceProcess, 'client'>, words: string) =>
  Tasks.parse((await client.call('GET', '/api/v1/tasks')).json()).tasks.filter(({ intent }) => intent.includes(words));

const healthOf = async ({ client }: Pick<ServiceProcess, 'client'>) =>
  Components.parse((await client.call('GET', '/api/v1/health/details')).json()).components.find(
    ({ name }) => name === 'telegram',
  );

describe('An update that is under way when the service is killed', { timeout: 60_000 }, () => {
  it.each([
    ['polling', 'before'],
    ['polling', 'after'],
    ['webhook', 'before'],
    ['webhook', 'after'],
  ] as const)('makes its task once: by %s, right %s it is stored', async (mode, when) => {
    const { telegram, live } = await lives(mode);
    const first = await live();
    const user = telegram.person({ id: 42, firstName: 'Ann' });
    const chat = telegram.privateChat(user);
    await makeKnown(first.client, user, ['requester']);
    await first.arm({ call: 'store.append', nth: 1, when, signal: 'SIGKILL' });
    telegram.as(user).send(chat, '/task echo through the fall');
    expect(await first.ended).toBe('SIGKILL');
    expect(telegram.pendingUpdates()).toBe(1);

    const second = await live();
    await telegram.waitForMessage(chat, ({ text }) => text.includes('through the fall') && text.startsWith('✋'), 30_000);
    await allTaken(telegram);
    expect(await tasksOf(second, 'through the fall')).toHaveLength(1);
    expect(await second.end('SIGTERM')).toBe(0);
  });

  it.each([
    ['polling', 'getMe'],
    ['webhook', 'setWebhook'],
    ['polling', 'setMyCommands'],
  ] as const)('does not keep the service from stopping: by %s, with %s that hangs', async (mode, method) => {
    const { telegram, live } = await lives(mode);
    telegram.fault(method, { error: 'hang', times: 100 });
    const service = await live();
    const asked = (): boolean => telegram.calls.some((call) => call.method === method);
    while (!asked()) await delay(20);
    const began = performance.now();
    expect(await service.end('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(3_500);
  });

  it('does not either while what an overview shows is asked for', async () => {
    const { telegram, live } = await lives();
    const service = await live();
    const user = telegram.person({ id: 42, firstName: 'Ann' });
    const chat = telegram.privateChat(user);
    await makeKnown(service.client, user, ['requester']);
    telegram.as(user).send(chat, '/task echo shown');
    await telegram.waitForMessage(chat, ({ text }) => text.includes('shown') && text.startsWith('✋'), 30_000);
    telegram.fault('getMe', { error: 'hang', times: 100 });
    telegram.as(user).send(chat, '/status');
    await allTaken(telegram);
    await delay(2_000);
    const began = performance.now();
    expect(await service.end('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(3_500);
  });

  it('is acknowledged when the service is asked to stop, and nothing else is', async () => {
    const { telegram, live } = await lives();
    const service = await live();
    const user = telegram.person({ id: 42, firstName: 'Ann' });
    const chat = telegram.privateChat(user);
    await makeKnown(service.client, user, ['requester']);
    telegram.as(user).send(chat, '/task echo before the end');
    await telegram.waitForMessage(chat, ({ text }) => text.includes('before the end') && text.startsWith('✋'), 30_000);
    const began = performance.now();
    expect(await service.end('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(telegram.pendingUpdates()).toBe(0);
    telegram.as(user).send(chat, '/task echo after the end');
    expect(telegram.pendingUpdates()).toBe(1);
    const next = await live();
    await telegram.waitForMessage(chat, ({ text }) => text.includes('after the end') && text.startsWith('✋'), 30_000);
    expect(await tasksOf(next, 'the end')).toHaveLength(2);
  });
});

describe('An update that comes while the event store is away', { timeout: 60_000 }, () => {
  it.each(['polling', 'webhook'] as const)('is taken once the store is there again, by %s', async (mode) => {
    const store = later(await startServerDouble(), (one) => one.stop());
    const { telegram, live } = await lives(mode, { EVENTSTORE_URL: store.url });
    const service = await live();
    const user = telegram.person({ id: 42, firstName: 'Ann' });
    const chat = telegram.privateChat(user);
    await makeKnown(service.client, user, ['requester']);
    await store.stop();
    telegram.as(user).send(chat, '/task echo over the gap');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(telegram.pendingUpdates()).toBe(1);
    await store.start();
    await telegram.waitForMessage(chat, ({ text }) => text.includes('over the gap') && text.startsWith('✋'), 40_000);
    await allTaken(telegram);
    expect(await tasksOf(service, 'over the gap')).toHaveLength(1);
  });
});

describe('Updates that are asked for', { timeout: 60_000 }, () => {
  it('come again after another process took them, or Telegram was away, and nothing else stops', async () => {
    const { telegram, admin, known, heard } = await office();
    const ann = await known('Ann', 'requester');
    telegram.fault('getUpdates', { error: 409 });
    telegram.fault('getUpdates', { error: 429, retryAfter: 1 });
    telegram.fault('getUpdates', { error: 'reset' });
    telegram.as(ann.user).send(ann.chat, '/whoami');
    await expect
      .poll(async () => (await healthOf({ client: admin }))?.sentence, { timeout: 10_000 })
      .toMatch(/Another process takes the updates/);
    expect((await admin.call('GET', '/api/v1/tasks')).status).toBe(200);
    await heard(ann.chat, 'You are Ann here', 40_000);
    await expect.poll(async () => (await healthOf({ client: admin }))?.status, { timeout: 10_000 }).toBe('pass');
    await telegram.down();
    await expect
      .poll(async () => (await healthOf({ client: admin }))?.sentence, { timeout: 10_000 })
      .toContain('Telegram does not answer');
    await telegram.up();
    telegram.as(ann.user).send(ann.chat, '/help');
    await heard(ann.chat, 'Draft pull request', 40_000);
  });

  it('are waited for without haste', async () => {
    const { telegram } = await office();
    await expect.poll(() => telegram.calls.filter(({ method }) => method === 'getUpdates').length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(telegram.calls.filter(({ method }) => method === 'getUpdates').length).toBeLessThanOrEqual(2);
  });

  it('that nobody understands are passed over', async () => {
    const { telegram, known, heard } = await office();
    const ann = await known('Ann', 'requester');
    for (const junk of [
      { message: { text: '/task echo junk' } },
      { callback_query: { id: 1 } },
      { my_chat_member: {} },
      { message: null },
    ])
      telegram.inject(ann.chat, junk as never);
    telegram.as(ann.user).send(ann.chat, '/whoami');
    await heard(ann.chat, 'You are Ann here');
    await allTaken(telegram);
  });
});
