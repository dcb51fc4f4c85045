import { describe, expect, it } from 'vitest';
import { type Arrival, readUpdate } from '../../src/infra/telegram/update.ts';

const ANN = { id: 11, is_bot: false, first_name: 'Ann', username: 'ann' };
const BOT = { id: 7, is_bot: true, first_name: 'Countersign' };
const PRIVATE = { id: 11, type: 'private', first_name: 'Ann' };
const FORUM = { id: -1_001_234_567_890, type: 'supergroup', title: 'Forum', is_forum: true };
const said = (over: object = {}) => ({ message_id: 3, date: 1, chat: PRIVATE, from: ANN, text: '/help', ...over });
const read = (fields: object): Arrival | undefined => readUpdate({ update_id: 5, ...fields });

describe('A message', () => {
  it('says who wrote what where, with numbers as text', () => {
    expect(read({ message: said() })).toEqual({
      updateId: 5,
      kind: 'message',
      room: { place: { chat: '11', thread: null }, kind: 'private', title: '' },
      from: { id: '11', firstName: 'Ann' },
      messageId: 3,
      text: '/help',
      repliesTo: null,
    });
  });

  it('stands in a topic only where Telegram says that it is one', () => {
    const topic = { chat: FORUM, message_thread_id: 9 };
    expect(read({ message: said({ ...topic, is_topic_message: true }) })).toMatchObject({
      room: { place: { thread: 9 }, title: 'Forum' },
    });
    expect(read({ message: said(topic) })).toMatchObject({ room: { place: { thread: null } } });
  });

  it('brings the one it answers, or the part of it that was chosen', () => {
    const button = { text: 'x', callback_data: 'data' };
    const earlier = {
      message_id: 2,
      date: 1,
      chat: PRIVATE,
      from: BOT,
      text: 'one two',
      reply_markup: { inline_keyboard: [[{ text: 'u', url: 'https://x' }, button]] },
    };
    expect(read({ message: said({ reply_to_message: earlier }) })).toMatchObject({
      repliesTo: { messageId: 2, from: '7', text: 'one two', button: 'data' },
    });
    expect(read({ message: said({ reply_to_message: earlier, quote: { text: 'two', position: 4 } }) })).toMatchObject({
      repliesTo: { text: 'one two', chosen: 'two' },
    });
  });

  it('of nobody in particular is none', () => {
    for (const over of [
      { from: BOT },
      { from: undefined },
      { chat: { id: -5, type: 'channel', title: 'News' } },
      { text: undefined },
    ])
      expect(read({ message: said(over) }), JSON.stringify(over)).toMatchObject({ kind: 'nothing' });
    const mask = { id: 1_087_968_824, is_bot: true, first_name: 'Group' };
    expect(read({ message: said({ chat: FORUM, from: mask, sender_chat: FORUM }) })).toMatchObject({
      kind: 'anonymous',
      text: '/help',
    });
  });

  it('without words is seen when somebody meant to say something', () => {
    for (const medium of ['voice', 'photo', 'sticker', 'document', 'video_note', 'location'])
      expect(read({ message: said({ text: undefined, [medium]: {} }) })).toMatchObject({ kind: 'message', text: null });
    for (const service of ['pinned_message', 'new_chat_title', 'left_chat_member'])
      expect(read({ message: said({ text: undefined, [service]: {} }) })).toMatchObject({ kind: 'nothing' });
  });

  it('may say that a group has another id now, from either side', () => {
    const old = { id: -4, type: 'group', title: 'Old' };
    const moved = { updateId: 5, kind: 'migration', from: '-4', to: String(FORUM.id) };
    expect(read({ message: said({ chat: old, text: undefined, migrate_to_chat_id: FORUM.id }) })).toEqual(moved);
    expect(read({ message: said({ chat: FORUM, text: undefined, migrate_from_chat_id: -4 }) })).toEqual(moved);
  });
});

describe('A press', () => {
  it('says who pressed what under which message', () => {
    const message = { message_id: 2, date: 0, chat: FORUM };
    expect(read({ callback_query: { id: '99', from: ANN, message, data: 'x', chat_instance: '1' } })).toMatchObject({
      kind: 'press',
      from: { id: '11' },
      messageId: 2,
      messageFrom: null,
      queryId: '99',
      data: 'x',
    });
  });

  it('without a message, or of a bot, is only answered', () => {
    expect(read({ callback_query: { id: '99', from: ANN, inline_message_id: 'x', data: 'x' } })).toEqual({
      updateId: 5,
      kind: 'odd_press',
      queryId: '99',
    });
    expect(read({ callback_query: { id: '99', from: BOT, message: said(), data: 'x' } })).toMatchObject({ kind: 'odd_press' });
  });
});

describe('An edited message, a post of a channel, and whatever else there may be', () => {
  it('is nothing', () => {
    for (const kind of ['edited_message', 'channel_post', 'edited_channel_post', 'poll', 'something_new'])
      expect(read({ [kind]: said() })).toEqual({ updateId: 5, kind: 'nothing' });
  });
});
