import { describe, expect, it } from 'vitest';
import type { Happened } from '../../src/domain/event.ts';
import { defaultPolicy } from '../../src/domain/policy/policy.ts';
import { sinceAsked, type TaskHappened } from '../../src/infra/telegram/old-button.ts';
import {
  approvalExpired,
  clarificationRequested,
  requestClarified,
  requestPrepared,
  rerunRequested,
  retryRequested,
  taskApproved,
  taskCancelled,
  taskCreated,
  taskRejected,
} from '../domain/task/events.ts';
import { ANNA, BERT, objectId, prepared, text, uuid } from '../domain/task/samples.ts';

const NAMES = new Map([
  [ANNA, 'Anna'],
  [BERT, 'Bert'],
]);
const since = (...events: readonly Happened[]): string | undefined =>
  sinceAsked(
    [taskCreated(), requestPrepared(), ...events] as TaskHappened[],
    uuid('intent gate'),
    (id) => NAMES.get(id) ?? 'Somebody',
  );

const askedAgain = (over: Parameters<typeof prepared>[0] = {}): Happened =>
  requestPrepared({ preparation: 2, approvalId: uuid('asked again'), prepared: prepared(over) });
const askBack = clarificationRequested({ reason: 'QUESTION', sentence: text('Which?') }, { actor: BERT });

describe('A button of a question', () => {
  it('is the current one while the question is open', () => {
    expect(since()).toBeUndefined();
  });

  it('says who answered it first', () => {
    expect(since(taskApproved())).toBe('Bert approved it already.');
    expect(since(taskRejected())).toMatch(/^\w+ rejected it already\.$/);
    expect(since(taskCancelled())).toMatch(/^\w+ cancelled it\.$/);
    expect(since(approvalExpired())).toContain('time to approve it is over');
    expect(since(taskRejected(), rerunRequested())).toMatch(/ rejected it already\. The task is at attempt 2 by now\.$/);
  });

  it('says that it waits, or is being prepared, after somebody asked back', () => {
    expect(since(askBack)).toBe('Bert asked back, so it waits for an answer. A new card follows.');
    expect(since(askBack, requestClarified({ text: text('The first.') }))).toContain('is being prepared');
    expect(since(askBack, retryRequested())).toContain('is being prepared');
  });

  it('says what changed since', () => {
    const moved = since(
      askBack,
      requestClarified({ text: text('x') }),
      askedAgain({ baseCommit: objectId('moved'), testCommand: 'npm run ci' }),
    );
    expect(moved).toBe(
      `This changed after this card: Anna added words, main moved to ${objectId('moved').slice(0, 10)} and the test command is "npm run ci" now. Read the newer card.`,
    );
    expect(since(askBack, requestClarified(), askedAgain({ base: 'release', baseCommit: objectId('release') }))).toBe(
      'This changed after this card: the base is release now. Read the newer card.',
    );
    const agent = { ...prepared().agent, profile: 'f'.repeat(64) };
    expect(since(askBack, retryRequested(), askedAgain({ agent }))).toContain('codex was set up anew');
    expect(since(askBack, retryRequested(), askedAgain({ agent: { ...agent, isolation: 'none' } }))).toContain(
      'WITHOUT ISOLATION',
    );
    const image = { ...prepared().image, id: 'sha256:other' };
    expect(since(askBack, retryRequested(), askedAgain({ image }))).toContain('the image was made anew');
    const policy = { ...defaultPolicy, filesMax: 1 };
    expect(since(askBack, retryRequested(), askedAgain({ policy }))).toBe(
      'This changed after this card: the policy changed. Read the newer card.',
    );
    expect(since(askBack, retryRequested(), askedAgain())).toContain('nothing in it changed');
  });

  it('fits into what Telegram shows, however much changed', () => {
    const everything = askedAgain({
      repo: 'acme/another-shop',
      base: `release/${'x'.repeat(60)}`,
      remote: 'https://example.test/other.git',
      testCommand: 'y'.repeat(900),
      limits: { ...prepared().limits, sandboxProcessors: 1 },
      startFrom: 'last_attempt',
    });
    const said = since(askBack, requestClarified({ text: text('x') }), everything) ?? '';
    expect(said.length).toBeLessThanOrEqual(200);
    expect(said).toMatch(/Anna added words.* more\. Read the newer card\.$/);
  });

  it('is unknown when nobody ever asked that', () => {
    expect(sinceAsked([taskCreated() as TaskHappened], uuid('other'), String)).toContain('Nothing is known about this button');
  });
});
