import { describe, expect, it } from 'vitest';
import { NewTask } from '../../src/commands/door.ts';
import { StoreUnavailable } from '../../src/domain/event-store.ts';
import { DomainError, REFUSALS, type RefusalCode } from '../../src/domain/refusals.ts';
import { isNotNow, refusalInAChat, sentenceOf } from '../../src/infra/telegram/refusal-words.ts';

const sentenceFor = (request: unknown): string | undefined => sentenceOf(NewTask.safeParse(request).error);

describe('A refusal in a chat', () => {
  it('never tells anybody to type something on another surface', () => {
    for (const code of Object.keys(REFUSALS) as RefusalCode[])
      expect(refusalInAChat(code), code).not.toMatch(/"countersign |Authorization|test_command|Read the task and send/);
  });

  it('says what is wrong with what was typed', () => {
    expect(sentenceFor({ intent: 'x'.repeat(8_001) })).toBe('That is too long: at most 8000 characters.');
    expect(sentenceFor({ intent: ' ' })).toBe('There are no words in it. Say what you mean.');
    expect(sentenceFor({ intent: 'x', agent: 'A B' })).toBe('agent= must be the name of an agent, for example "codex".');
  });

  it('is none when the store is away, and none for a fault of ours', () => {
    const away = new StoreUnavailable('/data/log.db is locked');
    expect([isNotNow(away), sentenceOf(away)]).toEqual([true, undefined]);
    expect(isNotNow(new DomainError('views-behind'))).toBe(true);
    const fault = new TypeError('undefined is not a function');
    expect([isNotNow(fault), sentenceOf(fault)]).toEqual([false, undefined]);
  });
});
