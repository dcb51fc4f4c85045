import { describe, expect, it } from 'vitest';
import type { Logged } from './records.ts';
import { brokenCards, type Posts } from './wishes.ts';

const event = (stream: string, revision: number, type: string, data: Logged['data']): Logged => ({
  ...{ stream, revision, id: `${stream}@${revision}`, type, data, metadata: {} },
});
const CHAT = { chat: { text: '1001', salt: '' } };
const STORIES = new Map([['task-1', [event('task-1', 0, 'TaskCompleted', { attempt: 1 })]]]);
const WANTED = event('card-1', 0, 'CardWanted', { taskId: '1', ...CHAT });
const POSTED = event('card-1', 1, 'CardPosted', { ...CHAT, key: 'end-1', attempt: 1, messageId: 7 });
const UNDELIVERABLE = event('card-1', 1, 'CardUndeliverable', { key: 'end-1', reason: 'blocked' });

const broken = (log: readonly Logged[], { sent = [], refusing = [] }: { [Name in keyof Posts]?: readonly string[] }) =>
  brokenCards(log, STORIES, { sent: new Set(sent), refusing: new Set(refusing) });

describe('A message about a task', () => {
  it('was sent when Telegram has it in that chat', () => {
    expect(broken([WANTED, POSTED], { sent: ['1001 7'] })).toEqual([]);
  });

  it('was not sent when only another chat has a message of that id', () => {
    expect(broken([WANTED, POSTED], { sent: ['1002 7', '1001 8'] })).toEqual(['card-1@1: message 7 was never sent to chat 1001']);
  });

  it('need not be there when Telegram refused it in that chat', () => {
    expect(broken([WANTED, UNDELIVERABLE], { refusing: ['1001'] })).toEqual([]);
  });

  it('need not be there either when the chat moved since', () => {
    const moved = event('card-1', 2, 'CardMoved', { chat: { text: '1003', salt: '' } });
    expect(broken([WANTED, UNDELIVERABLE, moved], { refusing: ['1001'] })).toEqual([]);
    expect(broken([WANTED, moved], { refusing: ['1001', '1003'] })).toHaveLength(1);
  });

  it('must be there when Telegram refused nothing, or another chat', () => {
    const faults = ['card-1@1: Telegram never refused a message to chat 1001'];
    expect(broken([WANTED, UNDELIVERABLE], {})).toEqual(faults);
    expect(broken([WANTED, UNDELIVERABLE], { refusing: ['1002'] })).toEqual(faults);
  });

  it('must be there, and the log must know of it', () => {
    expect(broken([WANTED], { sent: ['1001 7'] })).toEqual(['card-1: nobody was told how task-1 ended, attempt 1: CardWanted']);
  });
});
