import { InputFile } from 'grammy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refusalOf, type Stage, setStage } from './stage.ts';

const DAY_MS = 24 * 60 * 60_000;
const button = { text: 'Approve', callback_data: 'approve' };

let stage: Stage;
beforeEach(async () => {
  stage = await setStage();
});
afterEach(() => stage.tg.stop());

describe('A call', () => {
  it('is refused without the token, with a wrong one, and to a method that there is not', async () => {
    const { tg, raw } = stage;
    const status = async (path: string) => {
      const answer = await fetch(`${tg.apiRoot}/${path}`);
      return `${answer.status} ${await answer.text()}`;
    };
    expect(await status('getMe')).toBe('404 {"ok":false,"error_code":404,"description":"Not Found"}');
    expect(await status(`bot123:${'x'.repeat(35)}/getMe`)).toBe('401 {"ok":false,"error_code":401,"description":"Unauthorized"}');
    expect(await raw('sendMesage')).toEqual({
      status: 404,
      body: { ok: false, error_code: 404, description: 'Not Found: method not found' },
    });
    expect(await raw('GETME')).toMatchObject({ status: 200, body: { ok: true, result: { is_bot: true } } });
  });

  it.each([
    [{ chat_id: 11, text: 'x', parseMode: 'HTML' }, 'unknown parameter "parseMode"'],
    [{ chat_id: 11, text: 5 }, 'can\'t parse parameter "text"'],
    [{ chat_id: 11 }, 'message text is empty'],
    [{ text: 'x' }, 'chat_id is empty'],
    [{ chat_id: '', text: 'x' }, 'chat_id is empty'],
    [{ chat_id: '@nobody', text: 'x' }, 'chat not found'],
    [{ chat_id: 11.5, text: 'x' }, 'can\'t parse parameter "chat_id"'],
    [{ chat_id: 11, text: 'x', disable_notification: 'yes' }, 'can\'t parse parameter "disable_notification"'],
    [{ chat_id: 11, text: 'x', reply_to_message_id: 1 }, 'unknown parameter "reply_to_message_id"'],
    [{ chat_id: 11, text: 'x', reply_parameters: { messageId: 1 } }, 'can\'t parse parameter "reply_parameters.message_id"'],
    [{ chat_id: 11, text: 'x', parse_mode: 'Markdown' }, 'unsupported parse_mode'],
  ])('with the parameters %j is refused', async (parameters, words) => {
    expect(await stage.raw('sendMessage', parameters)).toEqual({
      status: 400,
      body: { ok: false, error_code: 400, description: `Bad Request: ${words}` },
    });
  });

  it('may come as a form or in the address', async () => {
    const { tg } = stage;
    const url = `${tg.apiRoot}/bot${tg.token}/sendMessage`;
    const form = new URLSearchParams({
      chat_id: '11',
      text: 'form',
      reply_markup: JSON.stringify({ inline_keyboard: [[button]] }),
    });
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(200);
    expect((await fetch(`${url}?chat_id=11&text=address`)).status).toBe(200);
    expect(tg.messages({ id: 11 }).map(({ text, buttons }) => [text, buttons.length])).toEqual([
      ['hello', 0],
      ['form', 1],
      ['address', 0],
    ]);
  });
});

describe('A message', () => {
  it('is seen as it was sent', async () => {
    const { tg, api, chat } = stage;
    const hello = tg.messages(chat)[0];
    await api.sendMessage(chat.id, '<b>Hi</b>', {
      parse_mode: 'HTML',
      disable_notification: true,
      reply_parameters: { message_id: hello?.id ?? 0 },
      reply_markup: { force_reply: true, input_field_placeholder: 'why' },
    });
    expect(await tg.waitForMessage(chat, ({ text }) => text === 'Hi')).toMatchObject({
      entities: [{ type: 'bold', offset: 0, length: 2 }],
      silent: true,
      replyTo: hello?.id,
      forceReply: { placeholder: 'why' },
      edited: false,
      from: { id: tg.bot.id },
    });
  });

  it('has 1 to 4096 characters after its marks are parsed, counted as characters', async () => {
    const { api, chat } = stage;
    await api.sendMessage(chat.id, '😀'.repeat(4096));
    await api.sendMessage(chat.id, `<b>${'x'.repeat(4096)}</b>`, { parse_mode: 'HTML' });
    expect(await refusalOf(api.sendMessage(chat.id, 'x'.repeat(4097)))).toBe('400 Bad Request: message is too long');
    expect(await refusalOf(api.sendMessage(chat.id, '<b> </b>', { parse_mode: 'HTML' }))).toBe(
      '400 Bad Request: text must be non-empty',
    );
    expect(await refusalOf(api.sendMessage(chat.id, ''))).toBe('400 Bad Request: message text is empty');
    expect(await refusalOf(api.sendMessage(chat.id, 'a_b', { parse_mode: 'MarkdownV2' }))).toBe(
      "400 Bad Request: can't parse entities: Can't find end of Italic entity at byte offset 1",
    );
  });

  it('is refused as a reply to what is not there', async () => {
    const { tg, api, ann, chat } = stage;
    const gone = tg.as(ann).send(chat, 'wait');
    tg.as(ann).delete(gone);
    expect(await refusalOf(api.sendMessage(chat.id, 'x', { reply_parameters: { message_id: gone.id } }))).toBe(
      '400 Bad Request: message to be replied not found',
    );
    await api.sendMessage(chat.id, 'x', { reply_parameters: { message_id: gone.id, allow_sending_without_reply: true } });
  });

  it.each([
    [[[{ text: 'x', callback_data: 'é'.repeat(33) }]], 'BUTTON_DATA_INVALID'],
    [
      [[{ text: 'x', callback_data: '' }]],
      "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ],
    [[[{ text: ' ', callback_data: 'x' }]], 'inline keyboard button text must be non-empty'],
    [
      [[{ text: 'x', url: 'http://localhost:1/' }]],
      "inline keyboard button URL 'http://localhost:1/' is invalid: Wrong HTTP URL",
    ],
    [[[{ text: 'x', url: 'https://a.org', callback_data: 'x' }]], "can't parse inline keyboard button: more than one action"],
    [[{ text: 'x', callback_data: 'x' }], 'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'],
    [[[{ text: 'x', data: 'x' }]], `can't parse inline keyboard button: Unrecognized key: "data"`],
    [Array.from({ length: 101 }, () => [button]), 'reply markup is too long'],
  ])('is refused with wrong buttons (%#)', async (inline_keyboard, words) => {
    const { body } = await stage.raw('sendMessage', { chat_id: 11, text: 'x', reply_markup: { inline_keyboard } });
    expect(body).toMatchObject({ description: `Bad Request: ${words}` });
  });

  it('may have data of 64 bytes', async () => {
    const data = 'x'.repeat(64);
    const { reply_markup: markup } = await stage.api.sendMessage(11, 'x', {
      reply_markup: { inline_keyboard: [[{ text: 'x', callback_data: data }]] },
    });
    expect(markup?.inline_keyboard).toEqual([[{ text: 'x', callback_data: data }]]);
  });
});

describe('An edit', () => {
  it('replaces text and buttons, and buttons that are not named again go', async () => {
    const { tg, api, chat } = stage;
    const { message_id: id } = await api.sendMessage(chat.id, 'one', { reply_markup: { inline_keyboard: [[button]] } });
    await api.editMessageText(chat.id, id, 'two');
    expect(tg.messages(chat).at(-1)).toMatchObject({ text: 'two', earlier: ['one'], edited: true, buttons: [] });
    await api.editMessageReplyMarkup(chat.id, id, { reply_markup: { inline_keyboard: [[button]] } });
    expect(tg.messages(chat).at(-1)?.buttons).toEqual([[button]]);
  });

  it('that changes nothing is refused, also when it is only written otherwise', async () => {
    const { api, chat } = stage;
    const { message_id: id } = await api.sendMessage(chat.id, '<b>x</b>', { parse_mode: 'HTML' });
    const words =
      '400 Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message';
    expect(await refusalOf(api.editMessageText(chat.id, id, ' <strong>x</strong> ', { parse_mode: 'HTML' }))).toBe(words);
    expect(await refusalOf(api.editMessageReplyMarkup(chat.id, id))).toBe(words);
    await api.editMessageText(chat.id, id, 'x');
  });

  it('is refused for what is gone, is not the bot’s, has a forced reply, or is of another kind', async () => {
    const { tg, api, chat, ann } = stage;
    const { message_id: id } = await api.sendMessage(chat.id, 'one');
    expect(await refusalOf(api.editMessageText(chat.id, 999, 'x'))).toBe('400 Bad Request: message to edit not found');
    expect(await refusalOf(api.editMessageCaption(chat.id, id, { caption: 'x' }))).toBe(
      '400 Bad Request: there is no caption in the message to edit',
    );
    expect(await refusalOf(api.editMessageText(chat.id, tg.messages(chat)[0]?.id ?? 0, 'x'))).toBe(
      "400 Bad Request: message can't be edited",
    );
    const forced = await api.sendMessage(chat.id, 'why?', { reply_markup: { force_reply: true } });
    expect(await refusalOf(api.editMessageText(chat.id, forced.message_id, 'x'))).toBe(
      "400 Bad Request: message can't be edited",
    );
    const file = await api.sendDocument(chat.id, new InputFile(Buffer.from('x'), 'a.txt'));
    expect(await refusalOf(api.editMessageText(chat.id, file.message_id, 'x'))).toBe(
      '400 Bad Request: there is no text in the message to edit',
    );
    tg.as(ann).delete({ id, chatId: chat.id });
    expect(await refusalOf(api.editMessageText(chat.id, id, 'x'))).toBe('400 Bad Request: message to edit not found');
  });

  it('of a message that is too old to delete is allowed, its deletion is not', async () => {
    const { tg, api, chat } = stage;
    const { message_id: id } = await api.sendMessage(chat.id, 'one');
    tg.advance(3 * DAY_MS);
    await api.editMessageText(chat.id, id, 'two');
    expect(await refusalOf(api.deleteMessage(chat.id, id))).toBe("400 Bad Request: message can't be deleted for everyone");
    expect(await refusalOf(api.deleteMessage(chat.id, 999))).toBe('400 Bad Request: message to delete not found');
  });
});

describe('Files', () => {
  it('come as bytes with a caption, alone and in albums', async () => {
    const { tg, api, chat } = stage;
    await api.sendDocument(chat.id, new InputFile(Buffer.from('diff --git'), 'täsk 1.diff'), {
      caption: '<i>c</i>',
      parse_mode: 'HTML',
    });
    expect(tg.messages(chat).at(-1)).toMatchObject({
      text: 'c',
      file: { kind: 'document', name: 'täsk 1.diff', bytes: Buffer.from('diff --git') },
    });
    const file = (name: string) => ({ type: 'document' as const, media: new InputFile(Buffer.from(name), name) });
    await api.sendMediaGroup(chat.id, [file('a.txt'), file('b.txt')]);
    expect(
      new Set(
        tg
          .messages(chat)
          .slice(-2)
          .map(({ album: id }) => id),
      ).size,
    ).toBe(1);
    expect(await refusalOf(api.sendMediaGroup(chat.id, [file('a.txt')]))).toContain(
      'there must be from 2 to 10 messages in an album',
    );
    expect(await refusalOf(api.sendDocument(chat.id, new InputFile(Buffer.from('x'), 'a'), { caption: 'x'.repeat(1025) }))).toBe(
      '400 Bad Request: message caption is too long',
    );
    expect(await refusalOf(api.sendDocument(chat.id, new InputFile(Buffer.alloc(0), 'a')))).toBe(
      '400 Bad Request: file must be non-empty',
    );
    expect(await refusalOf(api.sendDocument(chat.id, 'nothing'))).toBe(
      '400 Bad Request: wrong file identifier/HTTP URL specified',
    );
  });

  it('may be sent in a form by hand', async () => {
    const { tg, chat } = stage;
    const form = new FormData();
    form.set('document', new Blob(['bytes']), 'x.bin');
    form.set('chat_id', `${chat.id}`);
    const answer = await fetch(`${tg.apiRoot}/bot${tg.token}/sendDocument`, { method: 'POST', body: form });
    expect([answer.status, tg.messages(chat).at(-1)?.file?.bytes.toString()]).toEqual([200, 'bytes']);
  });

  it('of people are fetched up to 20 MB', async () => {
    const { tg, api, ann, chat } = stage;
    const small = tg.as(ann).document(chat, { bytes: Buffer.from('intent'), name: 'a.md', caption: '/task' });
    tg.as(ann).document(chat, { bytes: Buffer.alloc(20 * 1024 * 1024 + 1) });
    const documents = (await api.getUpdates()).flatMap(({ message }) =>
      message?.document === undefined ? [] : [message.document],
    );
    const { file_path: path } = await api.getFile(documents[0]?.file_id ?? '');
    const fetched = await fetch(`${tg.apiRoot}/file/bot${tg.token}/${path}`);
    expect([await fetched.text(), small.text]).toEqual(['intent', '/task']);
    expect(await refusalOf(api.getFile(documents[1]?.file_id ?? ''))).toBe('400 Bad Request: file is too big');
    expect(await refusalOf(api.getFile('nothing'))).toBe('400 Bad Request: wrong file_id or the file is temporarily unavailable');
  });
});
