import { HttpError } from 'grammy';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { refusalOf, type Stage, setStage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await setStage();
});
afterEach(() => stage.tg.stop());

const texts = (): readonly string[] => stage.tg.messages(stage.chat).map(({ text }) => text);

describe('A fault', () => {
  it('is a status that happens as often as it was planned', async () => {
    const { tg, api, chat } = stage;
    tg.fault('sendMessage', { error: 429, retryAfter: 7, times: 2 });
    expect(await refusalOf(api.sendMessage(chat.id, 'x'))).toBe('429 Too Many Requests: retry after 7');
    expect(await stage.raw('sendMessage', { chat_id: chat.id, text: 'x' })).toMatchObject({
      status: 429,
      body: { parameters: { retry_after: 7 } },
    });
    await api.sendMessage(chat.id, 'y');
    expect(texts()).toEqual(['hello', 'y']);
    expect(tg.calls.map(({ method, outcome }) => [method, outcome])).toEqual([
      ['sendMessage', 429],
      ['sendMessage', 429],
      ['sendMessage', 200],
    ]);
  });

  it('is the page of a proxy with 502', async () => {
    stage.tg.fault('*', { error: 502 });
    await expect(stage.api.getMe()).rejects.toThrow(HttpError);
    stage.tg.fault('*', { error: 500 });
    expect(await refusalOf(stage.api.getMe())).toBe('500 Internal Server Error');
  });

  it('may have words of its own', async () => {
    stage.tg.fault('sendMessage', { error: 400, description: 'Bad Request: TOPIC_CLOSED' });
    expect(await refusalOf(stage.api.sendMessage(11, 'x'))).toBe('400 Bad Request: TOPIC_CLOSED');
  });

  it('breaks the connection before the effect, or after it', async () => {
    const { tg, api, chat } = stage;
    tg.fault('sendMessage', { error: 'reset' });
    tg.fault('sendMessage', { error: 'lost' });
    await expect(api.sendMessage(chat.id, 'never')).rejects.toThrow(HttpError);
    await expect(api.sendMessage(chat.id, 'took effect')).rejects.toThrow(HttpError);
    expect(texts()).toEqual(['hello', 'took effect']);
    expect(tg.calls.map(({ outcome }) => outcome)).toEqual(['reset', 'lost']);
  });

  it('leaves a call without an answer, or lets it take its time', async () => {
    const { tg, api, chat } = stage;
    tg.fault('sendMessage', { error: 'hang' });
    tg.fault('getMe', { delayMs: 60 });
    const answered = api.sendMessage(chat.id, 'x', {}, AbortSignal.timeout(60) as never).then(
      () => 'answered',
      () => 'gave up',
    );
    const before = performance.now();
    await api.getMe();
    expect(performance.now() - before).toBeGreaterThan(55);
    expect(await answered).toBe('gave up');
    expect(texts()).toEqual(['hello']);
  });
});

describe('An outage', () => {
  it('refuses connections until it is over, and nothing is lost', async () => {
    const { tg, api, ann, chat } = stage;
    const waiting = api.getUpdates({ offset: 700_000_002, timeout: 30 });
    const broken = expect(waiting).rejects.toThrow(HttpError);
    await vi.waitFor(() => expect(tg.calls).toHaveLength(1), { timeout: 10_000, interval: 5 });
    await tg.down();
    await broken;
    await expect(api.getMe()).rejects.toThrow(HttpError);
    tg.as(ann).send(chat, 'meanwhile');
    await tg.up();
    expect((await api.getUpdates({ offset: 700_000_002 })).map(({ message }) => message?.text)).toEqual(['meanwhile']);
  });
});

describe('The flood limits', () => {
  it('are recorded always and enforced on request', async () => {
    const { tg, api, chat } = stage;
    for (let count = 0; count < 6; count++) await api.sendMessage(chat.id, `${count}`);
    expect(tg.flood.violations).toMatchObject([{ limit: 'chat', chatId: chat.id }]);
    tg.flood.enforce(true);
    expect(await refusalOf(api.sendMessage(chat.id, 'x'))).toBe('429 Too Many Requests: retry after 1');
    tg.advance(2000);
    await api.sendMessage(chat.id, 'x');
    await api.sendChatAction(chat.id, 'typing');
  });

  it('hold for all chats together', async () => {
    const { tg, api } = stage;
    const people = Array.from({ length: 31 }, (_, index) => tg.person({ id: 100 + index, firstName: `P${index}` }));
    for (const person of people) tg.as(person).send(tg.privateChat(person), 'hi');
    tg.flood.enforce(true);
    const sent = await Promise.allSettled(people.map(({ id }) => api.sendMessage(id, 'x')));
    expect(sent.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(tg.flood.violations).toMatchObject([{ limit: 'overall' }]);
  });

  it('let twenty a minute into a group, edits included', async () => {
    const { tg, api, ann } = stage;
    const group = tg.group({ title: 'Team', members: [ann] });
    tg.as(ann).addBot(group);
    tg.flood.enforce(true);
    const { message_id: id } = await api.sendMessage(group.id, 'x');
    for (let count = 1; count < 20; count++) {
      tg.advance(1000);
      await api.editMessageText(group.id, id, `${count}`);
    }
    tg.advance(1000);
    expect(await refusalOf(api.sendMessage(group.id, 'x'))).toBe('429 Too Many Requests: retry after 40');
    tg.advance(41_000);
    await api.sendMessage(group.id, 'x');
  });
});
