import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Card } from '../../src/domain/card.ts';
import type { Happened } from '../../src/domain/event.ts';
import { FIRST_WORD_MS, noticeOf, type Plan, planOf } from '../../src/infra/telegram/notices.ts';
import * as events from '../domain/task/events.ts';
import { NOON, text, uuid } from '../domain/task/samples.ts';
import { viewOf } from './tasks.ts';

const AT = Date.parse(NOON);
const asked = events.clarificationRequested({ reason: 'QUESTION', sentence: text('Which?') });
const rerun = [...events.untilCompleted, events.rerunRequested()];
const HISTORIES: Readonly<Record<string, readonly [readonly Happened[], string]>> = {
  created: [[events.taskCreated()], 'prepare-1 first quiet'],
  missing: [[events.taskCreated(), events.clarificationRequested()], 'clarify-1-1 always loud'],
  asked: [[...events.untilPrepared, asked], 'clarify-1-1 always loud'],
  clarified: [[...events.untilPrepared, asked, events.requestClarified()], 'prepare-1 first quiet'],
  askedTwice: [
    [...events.untilPrepared, asked, events.requestClarified(), events.clarificationRequested()],
    'clarify-1-2 always loud',
  ],
  prepared: [events.untilPrepared, 'ask always loud'],
  approved: [events.untilApproved, 'run-1 first quiet'],
  agent: [events.untilAgent, 'run-1 first quiet'],
  sandbox: [events.untilSandbox, 'run-1 first quiet'],
  patchGate: [events.untilPatchGate, 'ask always loud'],
  patchApproved: [events.untilPatchApproved, 'run-1 first quiet'],
  delivery: [events.untilDelivery, 'run-1 first quiet'],
  opened: [events.untilOpened, 'run-1 first quiet'],
  completed: [events.untilCompleted, 'end-1 always loud'],
  rejected: [[...events.untilPrepared, events.taskRejected()], 'end-1 always loud'],
  cancelled: [[events.taskCreated(), events.taskCancelled()], 'end-1 always loud'],
  failed: [[...events.untilAgent, events.taskFailed()], 'end-1 always loud'],
  rerun: [rerun, 'prepare-2 first quiet'],
};

const summary = (history: readonly Happened[]): string => {
  const { key, post, loud } = noticeOf(viewOf(...history));
  return `${key.startsWith('ask-') ? 'ask' : key} ${post} ${loud ? 'loud' : 'quiet'}`;
};

const card = (over: Partial<Card> = {}): Card => ({
  cardId: uuid('card'),
  taskId: uuid('task'),
  chat: '7',
  thread: null,
  replyTo: null,
  posted: [],
  undeliverable: null,
  ...over,
});
const posted = (key: string, attempt = 1, chat = '7') => ({ key, attempt, chat, messageId: 5 });
const plan = (history: readonly Happened[], over: Partial<Card> = {}, now = AT + FIRST_WORD_MS, again = false): Plan['do'] =>
  planOf(noticeOf(viewOf(...history)), card(over), now, again).do;

describe('The notice of a task', () => {
  it.each(Object.entries(HISTORIES))('that is %s names what its latest message must be', (_, [history, expected]) => {
    expect(summary(history)).toBe(expected);
  });

  it('names each question of a gate after the event that asked', () => {
    const [first, second] = [events.untilPrepared, events.untilPatchGate].map((history) => noticeOf(viewOf(...history)).key);
    expect(first).not.toBe(second);
  });
});

describe('A card', () => {
  it('waits two seconds with its first word, for the approval card may come instead', () => {
    expect(planOf(noticeOf(viewOf(events.taskCreated())), card(), AT + 500, false)).toEqual({ do: 'wait', ms: 1_500 });
    expect(plan([events.taskCreated()])).toBe('post');
    expect(plan([events.taskCreated()], {}, AT - 3_600_000)).toBe('post'); // By a clock that is an hour behind.
    expect(plan(events.untilPrepared, {}, AT)).toBe('post');
  });

  it('is a new message whenever a person must act and at the end, and is edited while nobody must', () => {
    const { key } = noticeOf(viewOf(...events.untilPrepared));
    expect(plan(events.untilPrepared, { posted: [posted('prepare-1')] })).toBe('post');
    expect(plan(events.untilPrepared, { posted: [posted(key)] })).toBe('edit');
    expect(plan(events.untilAgent, { posted: [posted(key)] })).toBe('edit');
    expect(plan(events.untilPatchGate, { posted: [posted(key)] })).toBe('post');
    expect(plan(events.untilCompleted, { posted: [posted(key)] })).toBe('post');
    expect(plan(events.untilCompleted, { posted: [posted(key), posted('end-1')] })).toBe('edit');
  });

  it('begins anew with each attempt', () => {
    expect(plan(rerun, { posted: [posted('end-1')] })).toBe('post');
    expect(plan(rerun, { posted: [posted('end-1'), posted('prepare-2', 2)] })).toBe('edit');
  });

  it('is posted while a task runs, when nothing was before', () => {
    expect(plan(events.untilAgent)).toBe('post');
  });

  it('rests where it was blocked, until somebody is heard there', () => {
    for (const reason of ['blocked', 'chat_gone'] as const) {
      const undeliverable = { key: 'prepare-1', reason };
      expect(plan(events.untilPrepared, { undeliverable })).toBe('nothing');
      expect(plan(events.untilPrepared, { undeliverable }, AT, true)).toBe('post');
    }
  });

  it('passes over the one message that was refused', () => {
    expect(plan(events.untilCompleted, { undeliverable: { key: 'end-1', reason: 'refused' } })).toBe('nothing');
    expect(plan(events.untilCompleted, { undeliverable: { key: 'run-1', reason: 'refused' } })).toBe('post');
  });

  it('is posted again in the supergroup its group became only when a person must act', () => {
    const { key } = noticeOf(viewOf(...events.untilPrepared));
    expect(plan(events.untilPrepared, { posted: [posted(key, 1, '-5')] })).toBe('post');
    expect(plan(events.untilCompleted, { posted: [posted('end-1', 1, '-5')] })).toBe('nothing');
    expect(plan(events.untilAgent, { posted: [posted(key, 1, '-5')] })).toBe('nothing');
  });

  it('goes nowhere when its chat was erased', () => {
    expect(plan(events.untilPrepared, { chat: '' })).toBe('nothing');
  });

  it('comes to rest in every history: what was just posted is not posted again', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(HISTORIES)), ([history]) => {
        const notice = noticeOf(viewOf(...history));
        const after = card({ posted: [posted(notice.key, notice.attempt)] });
        expect(planOf(notice, after, AT + FIRST_WORD_MS, false).do).toBe('edit');
        expect(noticeOf(viewOf(...history))).toEqual(notice);
      }),
    );
  });
});
