import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTelegramApi } from '../../src/infra/telegram/api.ts';
import { html } from '../../src/infra/telegram/html.ts';
import { createOutbox } from '../../src/infra/telegram/outbox.ts';
import { createPoller } from '../../src/infra/telegram/poller.ts';
import { createPulse } from '../../src/infra/telegram/pulse.ts';
import { type ChatRef, type PersonsHand, startTelegram, type Telegram } from '../support/telegram/index.ts';

const log = { info: () => undefined, warn: () => undefined };

describe('A process whose turn to speak to Telegram is over', () => {
  let telegram: Telegram;
  let ann: PersonsHand;
  let chat: ChatRef;
  let isOnDuty: boolean;
  beforeEach(async () => {
    telegram = await startTelegram();
    const person = telegram.person({ id: 1_001, firstName: 'Ann' });
    chat = telegram.privateChat(person);
    ann = telegram.as(person);
    ann.send(chat, 'hello');
    isOnDuty = true;
  });
  afterEach(() => telegram.stop());

  const api = () =>
    createTelegramApi({ token: telegram.token, apiRoot: telegram.apiRoot, timeoutMs: 5_000, mayCall: () => isOnDuty });

  it('sends and edits nothing of what waits', async () => {
    const outbox = createOutbox({ api: api(), log });
    const place = { chat: String(chat.id), thread: null };
    const first = await outbox.send({ place, priority: 'answer', text: html`first` });
    const messageId = 'sent' in first ? first.sent.messageId : 0;
    isOnDuty = false;
    const second = outbox.send({ place, priority: 'answer', text: html`second` });
    const edited = outbox.edit({ place, messageId, text: html`changed`, priority: 'end' });
    await expect.poll(() => outbox.isAway()).toBe(true);
    await outbox.stop();

    expect(await second).toMatchObject({ undeliverable: 'stopped' });
    expect(await edited).toBe('stopped');
    expect(telegram.messages(chat).flatMap(({ from, text }) => (from.is_bot ? [text] : []))).toEqual(['first']);
    expect(telegram.calls.map(({ method }) => method)).toEqual(['sendMessage']);
  });

  it('neither takes nor acknowledges updates, not even when it stops', async () => {
    const taken: unknown[] = [];
    const pulse = createPulse(log);
    const poller = createPoller({
      api: api(),
      take: async (update) => void taken.push(update),
      mayTake: () => isOnDuty,
      pulse,
      now: () => '2026-11-21T12:00:00.000Z',
      pausesMs: { first: 10, longest: 20 },
    });
    poller.start();
    await expect.poll(() => telegram.pendingUpdates()).toBe(0);
    expect(taken).toHaveLength(1);

    isOnDuty = false;
    ann.send(chat, 'while it slept');
    await expect.poll(() => pulse.read().trouble).toContain('another may take updates by now');
    await poller.stop();
    expect(taken).toHaveLength(1);
    expect(telegram.pendingUpdates()).toBe(1);
  });
});
