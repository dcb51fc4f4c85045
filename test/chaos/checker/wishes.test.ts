import { InputFile } from 'grammy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refusalOf, type Stage, setStage } from '../../support/telegram/stage.ts';
import type { Logged } from './records.ts';
import { brokenMessages } from './wishes.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await setStage();
});
afterEach(() => stage.tg.stop());

const broken = (type: string, data: Logged['data']): readonly string[] => {
  const event = (stream: string, revision: number, of: string, its: Logged['data']): Logged => ({
    ...{ stream, revision, id: `${stream}@${revision}`, type: of, data: its, metadata: {} },
  });
  const chat = { text: String(stage.chat.id), salt: '' };
  const log = [event('card-1', 0, 'CardWanted', { taskId: '1', chat }), event('card-1', 1, type, { key: 'end-1', ...data })];
  const stories = new Map([['task-1', [event('task-1', 0, 'TaskCompleted', { attempt: 1 })]]]);
  return brokenMessages(log, stories, { telegram: stage.tg, writers: [stage.ann], group: null }, []);
};

describe('What Telegram recorded', () => {
  it('has the messages of the bot, and not those of people', async () => {
    const { message_id: sent } = await stage.api.sendMessage(stage.chat.id, 'done');
    expect(broken('CardPosted', { attempt: 1, messageId: sent })).toEqual([]);
    expect(broken('CardPosted', { attempt: 1, messageId: sent - 1 })).toEqual([
      `card-1@1: message ${sent - 1} was never sent to chat 11`,
    ]);
  });

  it('has refused messages and files, and calls nothing else a refusal', async () => {
    const { tg, api, ann, chat } = stage;
    const faults = ['card-1@1: Telegram never refused a message to chat 11'];
    const refused = (): readonly string[] => broken('CardUndeliverable', { reason: 'blocked' });
    tg.fault('sendMessage', { error: 429, retryAfter: 1 });
    await refusalOf(api.sendMessage(chat.id, 'x'));
    await refusalOf(api.editMessageText(chat.id, 999, 'x'));
    await refusalOf(api.sendMessage(99, 'x'));
    expect(refused()).toEqual(faults);
    tg.as(ann).block();
    await refusalOf(api.sendDocument(chat.id, new InputFile(Buffer.from('x'), 'x.txt')));
    expect(refused()).toEqual([]);
  });
});
