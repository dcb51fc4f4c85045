import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTelegramApi } from '../../src/infra/telegram/api.ts';
import { block, html, join } from '../../src/infra/telegram/html.ts';
import { createOutbox, type Edit, type Outbox, type Outgoing } from '../../src/infra/telegram/outbox.ts';
import { type ChatRef, startTelegram, type Telegram } from '../support/telegram/index.ts';
import { type FastTime, fastTime } from './fast-time.ts';

let tg: Telegram;
let time: FastTime;
let outbox: Outbox;
let chat: ChatRef;
let logged: string[];
let migrations: (readonly [string, string])[];

const ANN = { id: 11, firstName: 'Ann' };

const open = (timeoutMs = 2_000): Outbox =>
  createOutbox({
    api: createTelegramApi({ token: tg.token, apiRoot: tg.apiRoot, timeoutMs }),
    log: {
      info: (_: unknown, words?: string) => logged.push(words ?? ''),
      warn: (_: unknown, words?: string) => logged.push(words ?? ''),
    },
    onMigrated: (from, to) => migrations.push([from, to]),
    timer: time,
  });

beforeEach(async () => {
  logged = [];
  migrations = [];
  tg = await startTelegram();
  time = fastTime(tg);
  outbox = open();
  const ann = tg.person(ANN);
  chat = tg.privateChat(ann);
  tg.as(ann).send(chat, 'hello');
});

afterEach(async () => {
  await outbox.stop();
  time.stop();
  await tg.stop();
});

const to = ({ id }: ChatRef, thread: number | null = null) => ({ chat: String(id), thread });
const message = (over: Partial<Outgoing> = {}): Outgoing => ({ place: to(chat), priority: 'answer', text: html`hi`, ...over });
const send = async (over: Partial<Outgoing> = {}): Promise<number> => {
  const outcome = await outbox.send(message(over));
  if (!('sent' in outcome)) throw new Error(outcome.sentence);
  return outcome.sent.messageId;
};
const edit = (messageId: number, over: Partial<Edit> = {}) =>
  outbox.edit({ place: to(chat), messageId, text: html`edited`, priority: 'progress', ...over });
const texts = (of: ChatRef = chat): string[] =>
  tg
    .messages(of)
    .filter(({ from }) => from.is_bot)
    .map(({ text }) => text);
const aGroup = (over = {}): ChatRef => {
  const ann = tg.person({ id: 12, firstName: 'Anna' });
  const group = tg.group({ title: 'Team', members: [ann], ...over });
  tg.as(ann).addBot(group);
  return group;
};

describe('What is sent', () => {
  it('arrives with its markup, buttons, file, reply and silence', async () => {
    const first = await send({ text: html`<b>${'a < b'}</b>`, keyboard: [[{ text: 'Go', data: 'go' }]], silent: true });
    await send({ replyTo: first, document: { name: 'a.txt', bytes: Buffer.from('all of it') }, text: html`a file` });
    await send({ forceReply: 'Your answer' });
    const [, one, two, three] = tg.messages(chat);
    expect(one).toMatchObject({ text: 'a < b', silent: true, buttons: [[{ text: 'Go', callback_data: 'go' }]] });
    expect(one?.entities).toEqual([{ type: 'bold', offset: 0, length: 5 }]);
    expect(two).toMatchObject({ text: 'a file', replyTo: first, file: { name: 'a.txt', bytes: Buffer.from('all of it') } });
    expect(three).toMatchObject({ forceReply: { placeholder: 'Your answer' } });
  });

  it('is cut to what fits, and says so', async () => {
    await send({ text: html`<b>${'é'.repeat(5_000)}</b>` });
    const [text = ''] = texts();
    expect(text.length).toBeLessThanOrEqual(4_096);
    expect(text).toMatch(/…\nThe rest does not fit into a message\.$/);
  });

  it('goes without its markup when Telegram does not take that', async () => {
    tg.fault('sendMessage', { error: 400 });
    await send({ text: html`<b>${'bold'}</b> & plain` });
    expect(tg.messages(chat).at(-1)).toMatchObject({ text: 'bold & plain', entities: [] });
  });

  it('is given up when Telegram takes it in no form', async () => {
    tg.fault('sendMessage', { error: 400, times: 3 });
    expect(await outbox.send(message())).toMatchObject({ undeliverable: 'refused' });
    expect(await outbox.send(message({ text: html`next` }))).toHaveProperty('sent');
  });

  it('goes to the chat itself when its topic is gone', async () => {
    const forum = aGroup({ forum: true });
    const outcome = await outbox.send(message({ place: to(forum, 77) }));
    expect(outcome).toMatchObject({ sent: { place: { chat: String(forum.id), thread: null } } });
  });

  it('goes without the message it answers when that one is gone', async () => {
    await send({ replyTo: 999 });
    expect(texts()).toEqual(['hi']);
  });
});

describe('Telegram away', () => {
  it('is waited out, and everything arrives once it is back, what a person waits for first', async () => {
    await tg.down();
    const all = [
      outbox.send(message({ text: html`progress`, priority: 'progress' })),
      outbox.send(message({ text: html`end`, priority: 'end' })),
      outbox.send(message({ text: html`act`, priority: 'act' })),
    ];
    await time.pass(60_000);
    expect(outbox.isAway()).toBe(true);
    expect(outbox.waiting()).toBe(3);
    await tg.up();
    await Promise.all(all);
    expect(texts()).toEqual(['act', 'end', 'progress']);
    expect(logged).toEqual(['Telegram does not answer: messages wait', 'Telegram answers again']);
  });

  it.each([500, 502, 503, 401, 'reset', 'hang'] as const)('with %s is tried again, and nothing comes twice', async (error) => {
    await outbox.stop();
    outbox = open(400);
    tg.fault('sendMessage', { error, times: 2 });
    await send();
    expect(texts()).toEqual(['hi']);
  });

  it('with the answer alone lost makes at worst a second message', async () => {
    tg.fault('sendMessage', { error: 'lost' });
    await send();
    expect(texts()).toEqual(['hi', 'hi']);
  });

  it('in one chat does not hold up another', async () => {
    tg.fault('sendMessage', { error: 429, retryAfter: 3_600 });
    const slow = outbox.send(message());
    const bob = tg.person({ id: 13, firstName: 'Bob' });
    tg.as(bob).send(tg.privateChat(bob), 'hello');
    await outbox.send(message({ place: to(bob) }));
    expect(texts(bob)).toEqual(['hi']);
    expect(texts()).toEqual([]);
    await outbox.stop();
    expect(await slow).toMatchObject({ undeliverable: 'stopped' });
  });

  it('says "too fast": nothing goes there before the time it names', async () => {
    tg.fault('sendMessage', { error: 429, retryAfter: 30 });
    const begun = time.now();
    await Promise.all([send(), send({ text: html`second` })]);
    expect(time.now() - begun).toBeGreaterThanOrEqual(30_000);
    expect(texts()).toEqual(['hi', 'second']);
  });

  it('never puts the token into a log or an outcome', async () => {
    await tg.down();
    const waiting = outbox.send(message());
    await time.pass(5_000);
    await outbox.stop();
    expect(JSON.stringify([await waiting, logged])).not.toContain(tg.token);
  });
});

describe('What can never arrive', () => {
  it('is said to be blocked, and later messages are tried again', async () => {
    const ann = tg.person({ id: 14, firstName: 'Ann' });
    tg.as(ann).send(tg.privateChat(ann), 'hello');
    tg.as(ann).block();
    expect(await outbox.send(message({ place: to(ann) }))).toMatchObject({ undeliverable: 'blocked' });
    tg.as(ann).unblock();
    expect(await outbox.send(message({ place: to(ann) }))).toHaveProperty('sent');
  });

  it('is said to have no chat', async () => {
    expect(await outbox.send(message({ place: { chat: '-1009999', thread: null } }))).toMatchObject({
      undeliverable: 'chat_gone',
    });
  });

  it('is refused when one chat asks for more answers than anybody reads', async () => {
    await tg.down();
    const many = Array.from({ length: 1_005 }, () => outbox.send(message()));
    expect(await Promise.any(many)).toMatchObject({ undeliverable: 'refused' });
    expect(outbox.waiting()).toBeLessThanOrEqual(1_002);
  });
});

describe('Files that wait', () => {
  it('fill no memory: beyond what is kept, what a person asked for is told them without its file', async () => {
    await tg.down();
    const bytes = Buffer.alloc(10 * 1024 * 1024);
    const document = { name: 'a.log', bytes };
    const many = Array.from({ length: 10 }, () => outbox.send(message({ text: html`Log`, document })));
    const card = outbox.send(
      message({ text: html`Request`, document: { name: 'r.txt', bytes: Buffer.from('r') }, priority: 'act' }),
    );
    await tg.up();
    await Promise.all([...many, card]);
    const said = tg.messages(chat).filter(({ from }) => from.is_bot);
    expect(said.filter(({ file }) => file)).toHaveLength(7);
    expect(said.filter(({ text }) => text.includes('Ask for it again in a minute'))).toHaveLength(4);
    await send({ text: html`Log`, document });
    expect(tg.messages(chat).at(-1)).toMatchObject({ text: 'Log', file: { name: 'a.log' } });
  });
});

describe('An edit', () => {
  it('replaces what a message says, and takes its buttons away', async () => {
    const id = await send({ keyboard: [[{ text: 'Go', data: 'go' }]] });
    expect(await edit(id)).toBe('done');
    expect(tg.messages(chat).at(-1)).toMatchObject({ text: 'edited', buttons: [], edited: true });
  });

  it('that changes nothing is done', async () => {
    const id = await send();
    expect(await edit(id, { text: html`hi` })).toBe('done');
  });

  it('of a message that is gone says so', async () => {
    expect(await edit(4_711)).toBe('gone');
    const id = await send();
    const ann = tg.person(ANN);
    tg.as(ann).send(chat, 'x');
    const mine = tg.messages(chat).find((one) => one.id === id);
    if (mine) tg.as(ann).delete(mine);
    expect(await edit(id)).toBe('gone');
  });

  it('takes the place of one of the same message that still waits; both end together', async () => {
    const id = await send();
    await tg.down();
    const all = Array.from({ length: 20 }, (_, number) => edit(id, { text: html`number ${number}` }));
    await time.pass(10_000);
    await tg.up();
    expect(new Set(await Promise.all(all))).toEqual(new Set(['done']));
    expect(tg.messages(chat).at(-1)).toMatchObject({ text: 'number 19', earlier: ['hi'] });
  });

  it('that comes back after a failure does not overwrite a newer one', async () => {
    const id = await send();
    tg.fault('editMessageText', { error: 500, delayMs: 30 });
    const older = edit(id, { text: html`older` });
    await time.pass(200);
    const newer = edit(id, { text: html`newer` });
    await Promise.all([older, newer]);
    expect(tg.messages(chat).at(-1)).toMatchObject({ text: 'newer', earlier: ['hi'] });
  });
});

describe('A group that becomes a supergroup', () => {
  it('is followed by all that waits and all that comes', async () => {
    const group = aGroup({ basic: true });
    const next = tg.as(tg.person({ id: 12, firstName: 'Anna' })).migrate(group);
    const outcomes = await Promise.all(
      [1, 2, 3].map((number) => outbox.send(message({ place: to(group), text: html`${number}` }))),
    );
    expect(outcomes).toEqual([1, 2, 3].map(() => ({ sent: { messageId: expect.any(Number), place: to(next) } })));
    expect(texts(next)).toEqual(['1', '2', '3']);
    expect(migrations).toEqual([[String(group.id), String(next.id)]]);
    await outbox.send(message({ place: to(group), text: html`4` }));
    expect(tg.calls.filter(({ method }) => method === 'sendMessage')).toHaveLength(5);
  });

  it('has another message by the number of one that was to be edited, which is left alone', async () => {
    const group = aGroup({ basic: true });
    const early = outbox.edit({ place: to(group), messageId: 2, text: html`early`, priority: 'end' });
    const next = tg.as(tg.person({ id: 12, firstName: 'Anna' })).migrate(group);
    await outbox.send(message({ place: to(group), text: html`new` }));
    const late = outbox.edit({ place: to(group), messageId: 3, text: html`late`, priority: 'end' });
    expect(await Promise.all([early, late])).toEqual(['gone', 'gone']);
    expect(texts(next)).toEqual(['new']);
    const edits = tg.calls.filter(({ method }) => method === 'editMessageText');
    expect(edits.map(({ parameters }) => String(parameters.chat_id))).not.toContain(String(next.id));
  });
});

describe('The limits', () => {
  it('hold in a group, and part of them is kept for what a person waits for', async () => {
    tg.flood.enforce(true);
    const group = aGroup();
    const place = to(group);
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, number) => send({ place, priority: 'progress', text: html`card ${number}` })),
    );
    let going = true;
    const edits = ids.map(async (messageId) => {
      for (let number = 0; going; number++) {
        void outbox.edit({ place, messageId, priority: 'progress', text: html`step ${number}` });
        await time.pass(3_000);
      }
    });
    const waits: number[] = [];
    for (let number = 0; number < 10; number++) {
      await time.pass(15_000);
      const begun = time.now();
      await outbox.send(message({ place, priority: 'act', text: html`approve ${number}` }));
      waits.push(time.now() - begun);
    }
    going = false;
    await Promise.all(edits);
    expect(tg.flood.violations).toEqual([]);
    expect(Math.max(...waits)).toBeLessThan(5_000);
  });

  it('hold over many chats', async () => {
    tg.flood.enforce(true);
    const people = Array.from({ length: 60 }, (_, index) => tg.person({ id: 1_000 + index, firstName: `P${index}` }));
    for (const one of people) tg.as(one).send(tg.privateChat(one), 'hello');
    await Promise.all(people.flatMap((one) => [1, 2, 3].map(() => outbox.send(message({ place: to(one) })))));
    expect(tg.flood.violations).toEqual([]);
  });
});

describe('A press', () => {
  it('is answered at once, whatever waits, and one that is too old is passed over', async () => {
    tg.fault('sendMessage', { error: 429, retryAfter: 3_600 });
    void outbox.send(message());
    const begun = performance.now();
    await outbox.answerPress('1234', join([html`Done.`]).html);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});

describe('A message that is not wanted any more', () => {
  it('is withdrawn while it waits, and holds up nothing', async () => {
    tg.fault('sendMessage', { error: 429, retryAfter: 20 });
    const [first, unwanted] = [new AbortController(), new AbortController()];
    const all = [
      outbox.send(message({ signal: first.signal })),
      outbox.send(message({ text: html`no`, signal: unwanted.signal })),
    ];
    unwanted.abort();
    expect(await all[1]).toMatchObject({ undeliverable: 'withdrawn' });
    expect(await all[0]).toHaveProperty('sent');
    expect(await outbox.send(message({ signal: AbortSignal.abort() }))).toMatchObject({ undeliverable: 'withdrawn' });
    expect(texts()).toEqual(['hi']);
  });
});

describe('The end of the process', () => {
  it('lets what is under way end, and leaves the rest', async () => {
    tg.fault('sendMessage', { delayMs: 50 });
    const [first, second] = [outbox.send(message()), outbox.send(message({ text: block('later') }))];
    await outbox.stop();
    expect([await first, await second]).toEqual([
      { sent: expect.anything() },
      { undeliverable: 'stopped', sentence: expect.any(String) },
    ]);
    expect(await outbox.send(message())).toMatchObject({ undeliverable: 'stopped' });
  });
});
