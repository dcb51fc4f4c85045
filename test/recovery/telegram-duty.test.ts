import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Client } from '../support/client.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { type ChatRef, type SeenMessage, startTelegram } from '../support/telegram/index.ts';
import { makeKnown, telegramVariables } from '../telegram/office.ts';
import { isStopped, openMachines } from './machines.ts';

/** The silence after which another process takes over, in milliseconds. Source: test/support/rehearsal/stage.ts. */
const LEASE_MS = 3_000;
/** Longest until another has taken over, in milliseconds: on a machine of its own 2 s over the lease, and so much more on one that tests keep busy. */
const TAKEN_OVER_MS = LEASE_MS + 2_000 + 8_000;

/** A way to Telegram of one process: what it asks, and when. */
const openWay = async (apiRoot: string) => {
  const asked: { readonly method: string; readonly at: number }[] = [];
  const server = createServer((incoming, outgoing) => {
    asked.push({ method: basename(incoming.url ?? ''), at: performance.now() });
    const onward = request(`${apiRoot}${incoming.url}`, { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  // A process that wakes finds its connections as they were: what it still wants to say gets through.
  server.keepAliveTimeout = 0;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server that listens has one.
  return {
    apiRoot: `http://127.0.0.1:${port}`,
    asked,
    /** When this method was asked after `since`, for the first time. */
    firstAsked: async (method: string, since = 0): Promise<number> => {
      for (;;) {
        const found = asked.find((call) => call.method === method && call.at > since);
        if (found) return found.at;
        await pause(10);
      }
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

/** Two API processes of one bot, of which the first is on duty, a worker, and Ann, who may approve. */
const openPair = async (more: Readonly<Record<string, string>> = {}) => {
  const telegram = await startTelegram({ pressMs: 1_000 });
  const machines = await openMachines({ ...more });
  const ways = [await openWay(telegram.apiRoot), await openWay(telegram.apiRoot)] as const;
  const bot = async (way: (typeof ways)[number]) => ({
    ROLE: 'api',
    ...(await telegramVariables({ apiRoot: way.apiRoot, token: telegram.token }, 'polling')),
  });
  const first = await machines.first(undefined, await bot(ways[0]));
  await ways[0].firstAsked('getUpdates');
  const second = await machines.second(await bot(ways[1]));
  await machines.third({ ROLE: 'worker' });
  const ann = telegram.person({ id: 1_001, firstName: 'Ann' });
  await makeKnown(first.client, ann, ['requester', 'approver']);
  const chat = telegram.privateChat(ann);
  const said = (words: string | RegExp): readonly SeenMessage[] =>
    telegram.messages(chat).filter(({ from, text }) => from.is_bot && new RegExp(words).test(text));

  return {
    telegram,
    first,
    second,
    ways,
    chat: chat as ChatRef,
    ann: telegram.as(ann),
    said,
    heard: (words: RegExp) => telegram.waitForMessage(chat, ({ from, text }) => from.is_bot && words.test(text), 20_000),
    [Symbol.asyncDispose]: async () => {
      await machines[Symbol.asyncDispose]();
      for (const way of ways) way.close();
      await telegram.stop();
    },
  };
};

const tasksOf = async (client: Client): Promise<readonly { readonly taskId: string; readonly status: string }[]> =>
  z
    .object({ tasks: z.array(z.object({ taskId: z.string(), status: z.string() })) })
    .parse((await client.call('GET', '/api/v1/tasks')).json()).tasks;

const hasButton = ({ buttons }: SeenMessage, words: string): boolean => buttons.flat().some(({ text }) => text === words);

const sleeps = async (process: ServiceProcess): Promise<void> => {
  await expect.poll(() => isStopped(process), { timeout: 10_000 }).toBe(true);
};

describe('Two processes that are one bot', { timeout: 120_000 }, () => {
  it('are one after the other when the one on duty is killed: each update is acted on once, and every message comes', async () => {
    await using pair = await openPair();
    const { telegram, first, second, ways, chat, ann, said, heard } = pair;
    ann.send(chat, '/task before');
    await heard(/before/);
    // It dies with a message on its way, of which it will not know that it arrived.
    const killed = Promise.withResolvers<number>();
    telegram.fault('sendMessage', {
      delayMs: 50,
      happened: () => {
        void first.end('SIGKILL');
        killed.resolve(performance.now());
      },
    });
    ann.send(chat, '/task during');
    const killedAt = await killed.promise;
    for (const n of [1, 2, 3]) ann.send(chat, `/task after ${n}`);

    expect((await ways[1].firstAsked('getUpdates', killedAt)) - killedAt).toBeLessThan(TAKEN_OVER_MS);
    for (const words of ['before', 'during', 'after 1', 'after 2', 'after 3']) {
      const asks = () => said(words).filter((message) => hasButton(message, 'Approve'));
      await expect.poll(() => asks().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
    }
    await expect.poll(() => telegram.pendingUpdates(), { timeout: 10_000 }).toBe(0);
    expect(await tasksOf(second.client)).toHaveLength(5);
    // Only what was on its way may have come twice.
    for (const words of ['before', 'after 1', 'after 2', 'after 3']) expect(said(words)).toHaveLength(1);
    expect(said('during').length).toBeLessThanOrEqual(2);

    const [card] = said('after 2');
    if (card) expect(await ann.press(card, 'Approve')).toMatchObject({ text: 'Approved.' });
    await heard(/^✅/);
    expect(said(/^✅/)).toHaveLength(1);
  });

  it('put right what one of them said late, and that one says no more: it slept for several leases', async () => {
    await using pair = await openPair({ PATCH_GATE: 'always' });
    const { telegram, first, second, ways, chat, ann, said, heard } = pair;
    ann.send(chat, '/task apples');
    const asked = await heard(/apples/);
    // The edit of a card that says "running" takes effect when the other has long said what became of it.
    const late = 2 * LEASE_MS + 2_000;
    telegram.fault('editMessageText', { delayMs: late, happened: () => process.kill(first.pid, 'SIGSTOP') });
    void ann.press(asked, 'Approve');
    await sleeps(first);
    // Telegram hands this to the one that sleeps, which will find it when it wakes.
    ann.send(chat, '/task pears');
    await heard(/pears/);
    await expect.poll(() => said('apples').filter((message) => hasButton(message, 'Diff')), { timeout: 20_000 }).toHaveLength(1);
    const [patch = asked] = said('apples').filter((message) => hasButton(message, 'Diff'));
    const textOf = (id: number): string => telegram.messages(chat).find((message) => message.id === id)?.text ?? '';
    await expect.poll(() => textOf(asked.id)).toMatch(/See below/);
    await expect.poll(() => textOf(asked.id), { timeout: late + 5_000 }).not.toMatch(/See below/);

    const wokeAt = performance.now();
    process.kill(first.pid, 'SIGCONT');
    await expect.poll(() => textOf(asked.id), { timeout: 10_000 }).toMatch(/See below/);
    ann.send(chat, '/task plums');
    await heard(/plums/);
    await expect.poll(() => telegram.pendingUpdates(), { timeout: 10_000 }).toBe(0);
    expect(ways[0].asked.filter(({ at }) => at > wokeAt)).toEqual([]);
    expect(await tasksOf(second.client)).toHaveLength(3);
    for (const words of ['pears', 'plums']) expect(said(words)).toHaveLength(1);

    expect(await ann.press(patch, 'Approve')).toMatchObject({ text: 'Approved.' });
    await heard(/^✅/);
    // And it can be on duty again.
    const goneAt = performance.now();
    expect(await second.end('SIGTERM')).toBe(0);
    expect((await ways[0].firstAsked('getUpdates', goneAt)) - goneAt).toBeLessThan(TAKEN_OVER_MS);
  });
});
