import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bot, webhookCallback } from 'grammy';
import type { Update } from 'grammy/types';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { refusalOf, type Stage, setStage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await setStage({ webhookBackoffMs: 10, webhookTimeoutMs: 200, pressMs: 500 });
  await stage.api.getUpdates({ offset: -1 });
  await stage.api.getUpdates({ offset: 700_000_002 });
});
afterEach(() => stage.tg.stop());

const texts = (updates: readonly Update[]): readonly (string | undefined)[] => updates.map(({ message }) => message?.text);

/** Until a poll that was asked for waits in the server. */
const pollWaits = (timeout: number): Promise<void> =>
  vi.waitFor(
    () => {
      const { parameters, outcome } = stage.tg.calls.at(-1) ?? {};
      expect([parameters?.timeout, outcome]).toEqual([timeout, undefined]);
    },
    { timeout: 10_000, interval: 5 },
  );

describe('Polling', () => {
  it('gives an update until the next offset confirms it', async () => {
    const { tg, api, ann, chat } = stage;
    const first = tg.as(ann).send(chat, 'one');
    tg.as(ann).send(chat, 'two');
    expect(texts(await api.getUpdates({ limit: 1 }))).toEqual(['one']);
    expect(texts(await api.getUpdates())).toEqual(['one', 'two']);
    expect(texts(await api.getUpdates({ offset: (first.updateId ?? 0) + 1 }))).toEqual(['two']);
    expect(tg.pendingUpdates()).toBe(1);
    expect(texts(await api.getUpdates())).toEqual(['two']);
  });

  it('waits until something comes, and no longer than it was asked to', async () => {
    const { tg, api, ann, chat } = stage;
    const waiting = api.getUpdates({ timeout: 30 });
    await pollWaits(30);
    tg.as(ann).send(chat, 'at last');
    expect(texts(await waiting)).toEqual(['at last']);
    await api.getUpdates({ offset: 800_000_000 });
    const before = performance.now();
    expect(await api.getUpdates({ timeout: 1 })).toEqual([]);
    expect(performance.now() - before).toBeGreaterThan(900);
  });

  it('has one poller: a later one ends the call that waits', async () => {
    const { tg, api, ann, chat } = stage;
    const first = refusalOf(api.getUpdates({ timeout: 30 }));
    await pollWaits(30);
    const second = api.getUpdates({ timeout: 20 });
    expect(await first).toBe(
      '409 Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
    );
    tg.as(ann).send(chat, 'for the second');
    expect(texts(await second)).toEqual(['for the second']);
  });

  it('is refused while a webhook is set, and ended by it', async () => {
    const { api } = stage;
    const waiting = refusalOf(api.getUpdates({ timeout: 30 }));
    await pollWaits(30);
    await api.setWebhook('http://127.0.0.1:9/');
    expect(await waiting).toBe('409 Conflict: terminated by setWebhook request');
    expect(await refusalOf(api.getUpdates())).toBe(
      "409 Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    );
    await api.deleteWebhook();
    expect(await api.getUpdates()).toEqual([]);
  });

  it('gives the kinds that were asked for last', async () => {
    const { tg, api, ann, chat } = stage;
    await api.getUpdates({ allowed_updates: ['callback_query'] });
    expect(tg.as(ann).send(chat, 'unheard').updateId).toBeUndefined();
    await api.getUpdates();
    expect(tg.as(ann).send(chat, 'unheard').updateId).toBeUndefined();
    await api.getUpdates({ allowed_updates: [] });
    expect(tg.as(ann).send(chat, 'heard').updateId).toBeDefined();
    expect(await stage.raw('getUpdates', { allowed_updates: ['messages'] })).toMatchObject({ status: 400 });
  });

  it('gives an update once more on request, although it was confirmed', async () => {
    const { tg, api, ann, chat } = stage;
    const offset = (tg.as(ann).send(chat, 'twice').updateId ?? 0) + 1;
    await api.getUpdates();
    expect(await api.getUpdates({ offset })).toEqual([]);
    tg.redeliver(offset - 1);
    expect(texts(await api.getUpdates({ offset, timeout: 5 }))).toEqual(['twice']);
    expect(await api.getUpdates({ offset })).toEqual([]);
    expect(tg.pendingUpdates()).toBe(0);
  });

  it('serves grammY’s own loop', async () => {
    const { tg, ann, chat } = stage;
    const bot = new Bot(tg.token, { client: { apiRoot: tg.apiRoot } });
    bot.command('start', (context) =>
      context.reply('Welcome', { reply_markup: { inline_keyboard: [[{ text: 'Go', callback_data: 'go' }]] } }),
    );
    bot.on('callback_query:data', async (context) => {
      await context.editMessageText(`You pressed ${context.callbackQuery.data}`);
      await context.answerCallbackQuery({ text: 'Well done', show_alert: true });
    });
    const running = bot.start();
    tg.as(ann).send(chat, '/start');
    const welcome = await tg.waitForMessage(chat, ({ text }) => text === 'Welcome');
    expect(await tg.as(ann).press(welcome, 'Go')).toEqual({ text: 'Well done', alert: true });
    await tg.waitForMessage(chat, ({ text, edited }) => edited && text === 'You pressed go');
    await bot.stop();
    await running;
  });
});

interface Received {
  readonly update: Update;
  readonly secret: string | undefined;
}

/** A webhook that answers with one status after another, and with 200 when there are no more. */
const listen = async (statuses: number[] = [], bodies: string[] = []) => {
  const received: Received[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const update = JSON.parse(Buffer.concat(await request.toArray()).toString('utf8'));
    received.push({ update, secret: request.headers['x-telegram-bot-api-secret-token']?.toString() });
    const status = statuses.shift() ?? 200;
    if (status !== 0) response.writeHead(status).end(bodies.shift() ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on a port.
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** Until every update was taken. */
const settled = (): Promise<void> =>
  vi.waitFor(() => expect(stage.tg.pendingUpdates()).toBe(0), { timeout: 10_000, interval: 5 });

describe('A webhook', () => {
  it('gets each update by POST with the secret', async () => {
    await using hook = await listen();
    const { tg, api, ann, chat } = stage;
    await api.setWebhook(hook.url, { secret_token: 'se-cret_1' });
    tg.as(ann).send(chat, 'hi');
    await settled();
    expect(hook.received).toMatchObject([{ secret: 'se-cret_1', update: { message: { text: 'hi' } } }]);
    expect(await api.getWebhookInfo()).toMatchObject({ url: hook.url, pending_update_count: 0, max_connections: 40 });
  });

  it('gets it again until it answers with 2xx, and later ones of the chat only then', async () => {
    await using hook = await listen([302, 0, 503]);
    const { tg, api, ann, chat } = stage;
    await api.setWebhook(hook.url);
    tg.as(ann).send(chat, 'one');
    tg.as(ann).send(chat, 'two');
    await settled();
    expect(texts(hook.received.map(({ update }) => update))).toEqual(['one', 'one', 'one', 'one', 'two']);
    expect((await api.getWebhookInfo()).last_error_message).toBe('Wrong response from the webhook: 503 Service Unavailable');
  });

  it.each([
    [40, ['ann', 'ben']],
    [1, ['ann']],
  ])('gets updates of several chats at once over up to %i connections', async (connections, expected) => {
    await using hook = await listen([0, 0]);
    const { tg, api, ann, chat } = stage;
    const ben = tg.person({ id: 12, firstName: 'Ben' });
    await api.setWebhook(hook.url, { max_connections: connections });
    tg.as(ann).send(chat, 'ann');
    tg.as(ben).send(tg.privateChat(ben), 'ben');
    await vi.waitFor(() => expect(hook.received.length).toBeGreaterThanOrEqual(expected.length), {
      timeout: 10_000,
      interval: 5,
    });
    await sleep(50);
    expect(texts(hook.received.map(({ update }) => update))).toEqual(expected);
  });

  it('may answer with a call', async () => {
    const { tg, api, ann, chat } = stage;
    await using hook = await listen([], [JSON.stringify({ method: 'sendMessage', chat_id: chat.id, text: 'in the answer' })]);
    await api.setWebhook(hook.url);
    tg.as(ann).send(chat, 'hi');
    await tg.waitForMessage(chat, ({ text }) => text === 'in the answer');
  });

  it('is refused with a wrong address or secret', async () => {
    const { api } = stage;
    expect(await refusalOf(api.setWebhook('http://example.org/'))).toBe(
      '400 Bad Request: bad webhook: An HTTPS URL must be provided for webhook',
    );
    expect(await refusalOf(api.setWebhook('no address'))).toBe('400 Bad Request: invalid webhook URL specified');
    expect(await refusalOf(api.setWebhook('https://example.org/', { secret_token: 'a b' }))).toBe(
      '400 Bad Request: secret token contains unallowed characters',
    );
    expect(await refusalOf(api.setWebhook('https://example.org/', { secret_token: 'a'.repeat(257) }))).toBe(
      '400 Bad Request: secret token is too long',
    );
  });

  it('serves grammY’s own callback', async () => {
    const { tg, ann, chat } = stage;
    const bot = new Bot(tg.token, { client: { apiRoot: tg.apiRoot } });
    bot.on('message', (context) => context.reply('By webhook'));
    const server = createServer(webhookCallback(bot, 'http', { secretToken: 'right' }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`; // It listens on a port.
    await bot.api.setWebhook(url, { secret_token: 'wrong' });
    tg.as(ann).send(chat, 'hi');
    await vi.waitFor(async () => expect((await bot.api.getWebhookInfo()).last_error_message).toContain('401'), {
      timeout: 10_000,
    });
    await bot.api.setWebhook(url, { secret_token: 'right' });
    await tg.waitForMessage(chat, ({ text }) => text === 'By webhook');
    server.closeAllConnections();
    server.close();
  });
});

describe('A press', () => {
  const button = { inline_keyboard: [[{ text: 'Approve', callback_data: 'a:1' }]] };

  it('is answered once, and not when it is too old or never was', async () => {
    const { tg, api, ann, chat } = stage;
    const old = '400 Bad Request: query is too old and response timeout expired or query ID is invalid';
    const { message_id: id } = await api.sendMessage(chat.id, 'May it?', { reply_markup: button });
    const pressed = tg.as(ann).press({ id, chatId: chat.id }, 'Approve');
    const [update] = await api.getUpdates();
    expect(update?.callback_query).toMatchObject({
      data: 'a:1',
      from: { id: ann.id },
      message: { message_id: id, text: 'May it?' },
    });
    const query = update?.callback_query?.id ?? '';
    expect(await refusalOf(api.answerCallbackQuery(query, { text: 'x'.repeat(201) }))).toBe('400 Bad Request: MESSAGE_TOO_LONG');
    await api.answerCallbackQuery(query, { text: 'Approved' });
    expect(await pressed).toEqual({ text: 'Approved', alert: false });
    expect(await refusalOf(api.answerCallbackQuery(query))).toBe(old);
    expect(await refusalOf(api.answerCallbackQuery('1'))).toBe(old);
    const late = tg.as(ann).press({ id, chatId: chat.id }, 'a:1');
    const next = (await api.getUpdates({ offset: (update?.update_id ?? 0) + 1 }))[0]?.callback_query?.id ?? '';
    tg.advance(16_000);
    expect(await refusalOf(api.answerCallbackQuery(next))).toBe(old);
    expect(await late).toBeUndefined();
  });

  it('needs a button that is there, unless it is forged', async () => {
    const { tg, api, ann, chat } = stage;
    const { message_id: id } = await api.sendMessage(chat.id, 'May it?', { reply_markup: button });
    await api.editMessageText(chat.id, id, 'Too late');
    await expect(tg.as(ann).press({ id, chatId: chat.id }, 'Approve')).rejects.toThrow('has 0 buttons "Approve"');
    const forged = tg.as(ann).forgePress({ id, chatId: chat.id }, 'a:1');
    const query = (await api.getUpdates())[0]?.callback_query;
    await api.answerCallbackQuery(query?.id ?? '', { text: 'No' });
    expect([query?.data, (await forged)?.text]).toEqual(['a:1', 'No']);
  });
});
