import type { Update } from 'grammy/types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refusalOf, type Stage, setStage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await setStage();
});
afterEach(() => stage.tg.stop());

const textsOf = (updates: readonly Update[]): readonly string[] =>
  updates.flatMap(({ message }) => (message?.text === undefined ? [] : [message.text]));

describe('A private chat', () => {
  it('does not exist before the person writes; people of a group are known and may not be written to', async () => {
    const { tg, api, ann } = stage;
    const ben = tg.person({ id: 12, firstName: 'Ben' });
    expect(await refusalOf(api.sendMessage(ben.id, 'x'))).toBe('400 Bad Request: chat not found');
    expect(await refusalOf(api.sendMessage(99, 'x'))).toBe('400 Bad Request: chat not found');
    const group = tg.group({ title: 'Team', members: [ann, ben] });
    tg.as(ann).addBot(group);
    expect(await refusalOf(api.sendMessage(ben.id, 'x'))).toBe("403 Forbidden: bot can't initiate conversation with a user");
    tg.as(ben).send(tg.privateChat(ben), '/start');
    await api.sendMessage(ben.id, 'x');
  });

  it('can be blocked and opened again, and the bot is told', async () => {
    const { tg, api, ann, chat } = stage;
    const { message_id: id } = await api.sendMessage(chat.id, 'x');
    tg.as(ann).block();
    for (const call of [
      api.sendMessage(chat.id, 'y'),
      api.editMessageText(chat.id, id, 'y'),
      api.sendChatAction(chat.id, 'typing'),
    ]) {
      expect(await refusalOf(call)).toBe('403 Forbidden: bot was blocked by the user');
    }
    expect(() => tg.as(ann).send(chat, 'x')).toThrow('Ann blocked the bot');
    tg.as(ann).unblock();
    await api.sendMessage(chat.id, 'y');
    expect(
      (await api.getUpdates()).flatMap(({ my_chat_member: change }) =>
        change === undefined ? [] : [change.new_chat_member.status],
      ),
    ).toEqual(['kicked', 'member']);
  });
});

describe('A group', () => {
  it('is unknown until the bot is added, and shut when it was removed', async () => {
    const { tg, api, ann } = stage;
    const group = tg.group({ title: 'Team', members: [ann] });
    expect(await refusalOf(api.sendMessage(group.id, 'x'))).toBe('400 Bad Request: chat not found');
    tg.as(ann).addBot(group);
    const { chat, from } = await api.sendMessage(group.id, 'x');
    expect([chat, from?.id]).toEqual([{ id: group.id, type: 'supergroup', title: 'Team' }, tg.bot.id]);
    tg.as(ann).removeBot(group);
    expect(await refusalOf(api.sendMessage(group.id, 'x'))).toBe('403 Forbidden: bot was kicked from the supergroup chat');
    tg.as(ann).addBot(group);
    await api.leaveChat(group.id);
    expect(await refusalOf(api.sendMessage(group.id, 'x'))).toBe('403 Forbidden: bot is not a member of the supergroup chat');
  });

  it('is heard in privacy mode only where the bot is meant', async () => {
    const { tg, api, ann } = stage;
    const group = tg.group({ title: 'Team', members: [ann] });
    tg.as(ann).addBot(group);
    const { message_id: id } = await api.sendMessage(group.id, 'question');
    const said = tg.as(ann).send(group, 'among us');
    tg.as(ann).send(group, 'a reply among us', { replyTo: said });
    tg.as(ann).send(group, '/task@other_bot x');
    tg.as(ann).send(group, 'see /usr/bin and mail a@countersign_bot.org');
    tg.as(ann).send(group, '/task x');
    tg.as(ann).send(group, '/task@countersign_bot y');
    tg.as(ann).send(group, 'hey @Countersign_Bot');
    tg.as(ann).send(group, 'the answer', { replyTo: { id } });
    expect(textsOf(await api.getUpdates({ offset: -4 }))).toEqual([
      '/task x',
      '/task@countersign_bot y',
      'hey @Countersign_Bot',
      'the answer',
    ]);
    expect(tg.as(ann).edit(said, 'still among us').updateId).toBeUndefined();
    expect(tg.messages(group)).toHaveLength(10);
  });

  it('marks answers with a thread that is no topic', async () => {
    const { tg, api, ann } = stage;
    const group = tg.group({ title: 'Team', members: [ann], privacy: false });
    tg.as(ann).addBot(group);
    const first = tg.as(ann).send(group, 'one');
    tg.as(ann).send(group, 'three', { replyTo: tg.as(ann).send(group, 'two', { replyTo: first }) });
    const [update] = await api.getUpdates({ offset: -1 });
    expect(update?.message?.message_thread_id).toBe(first.id);
    expect(update?.message?.is_topic_message).toBeUndefined();
  });

  it('is heard whole without privacy mode, and by an administrator', async () => {
    const { tg, ann } = stage;
    const open = tg.group({ title: 'Open', members: [ann], privacy: false });
    tg.as(ann).addBot(open);
    expect(tg.as(ann).send(open, 'x').updateId).toBeDefined();
    const team = tg.group({ title: 'Team', members: [ann] });
    tg.as(ann).addBot(team, { administrator: true });
    expect(tg.as(ann).send(team, 'x').updateId).toBeDefined();
  });

  it('becomes a supergroup: calls with the old id say where it is', async () => {
    const { tg, api, ann } = stage;
    const group = tg.group({ title: 'Team', members: [ann], basic: true });
    tg.as(ann).addBot(group);
    await api.sendMessage(group.id, 'x');
    const next = tg.as(ann).migrate(group);
    const { body } = await stage.raw('sendMessage', { chat_id: group.id, text: 'x' });
    expect(body).toEqual({
      ok: false,
      error_code: 400,
      description: 'Bad Request: group chat was upgraded to a supergroup chat',
      parameters: { migrate_to_chat_id: next.id },
    });
    await api.sendMessage(next.id, 'x');
    const moved = (await api.getUpdates()).flatMap(({ message }) => [message?.migrate_to_chat_id, message?.migrate_from_chat_id]);
    expect(moved.filter((id) => id !== undefined)).toEqual([next.id, group.id]);
  });

  it('tells its members, and lets administrators write in its name', async () => {
    const { tg, api, ann } = stage;
    const ben = tg.person({ id: 12, firstName: 'Ben' });
    const group = tg.group({ title: 'Team', members: [ann, ben] });
    tg.as(ann).addBot(group);
    expect((await api.getChatAdministrators(group.id)).map(({ user, status }) => [user.id, status])).toEqual([
      [ann.id, 'creator'],
    ]);
    expect((await api.getChatMember(group.id, ben.id)).status).toBe('member');
    expect(await refusalOf(api.getChatMember(group.id, 99))).toBe('400 Bad Request: user not found');
    tg.as(ann).send(group, '/approve', { anonymous: true });
    expect((await api.getUpdates({ offset: -1 }))[0]?.message).toMatchObject({
      from: { username: 'GroupAnonymousBot' },
      sender_chat: { id: group.id },
    });
  });
});

describe('A forum', () => {
  it('has topics that must exist', async () => {
    const { tg, api, ann } = stage;
    const forum = tg.group({ title: 'Forum', members: [ann], forum: true });
    tg.as(ann).addBot(forum);
    const thread = tg.as(ann).topic(forum, 'Releases');
    await api.sendMessage(forum.id, 'x', { message_thread_id: thread });
    expect(tg.messages(forum).at(-1)?.thread).toBe(thread);
    for (const wrong of [1, 999]) {
      expect(await refusalOf(api.sendMessage(forum.id, 'x', { message_thread_id: wrong }))).toBe(
        '400 Bad Request: message thread not found',
      );
    }
    expect(await refusalOf(api.sendMessage(stage.chat.id, 'x', { message_thread_id: thread }))).toBe(
      '400 Bad Request: message thread not found',
    );
    tg.as(ann).send(forum, '/status', { thread });
    expect((await api.getUpdates({ offset: -1 }))[0]?.message).toMatchObject({
      message_thread_id: thread,
      is_topic_message: true,
      reply_to_message: { message_id: thread, forum_topic_created: { name: 'Releases' } },
    });
    expect(await refusalOf(api.createForumTopic(forum.id, 'x'))).toBe('400 Bad Request: not enough rights to create a topic');
    tg.as(ann).addBot(forum, { administrator: true });
    const { message_thread_id: own } = await api.createForumTopic(forum.id, 'x');
    await api.sendMessage(forum.id, 'x', { message_thread_id: own });
  });
});

describe('Menus', () => {
  it('are those of the narrowest scope', async () => {
    const { tg, api, ann, chat } = stage;
    const menu = (command: string) => [{ command, description: 'x' }];
    await api.setMyCommands(menu('help'));
    await api.setMyCommands(menu('approve'), { scope: { type: 'chat', chat_id: chat.id } });
    const ben = tg.person({ id: 12, firstName: 'Ben' });
    expect([tg.menu(chat, ann), tg.menu(tg.privateChat(ben), ben)]).toEqual([menu('approve'), menu('help')]);
    expect(await api.getMyCommands({ scope: { type: 'chat', chat_id: chat.id } })).toEqual(menu('approve'));
    await api.deleteMyCommands({ scope: { type: 'chat', chat_id: chat.id } });
    expect(tg.menu(chat, ann)).toEqual(menu('help'));
  });

  it('are refused when Telegram would not take them', async () => {
    const { api } = stage;
    expect(await refusalOf(api.setMyCommands([{ command: 'Help', description: 'x' }]))).toBe(
      '400 Bad Request: BOT_COMMAND_INVALID',
    );
    expect(await refusalOf(api.setMyCommands([{ command: 'help', description: '' }]))).toBe(
      '400 Bad Request: BOT_COMMAND_DESCRIPTION_INVALID',
    );
    expect(await refusalOf(api.setMyCommands([], { scope: { type: 'chat', chat_id: 99 } }))).toBe(
      '400 Bad Request: chat not found',
    );
    expect(await stage.raw('setMyCommands', { commands: [], scope: { type: 'everybody' } })).toMatchObject({ status: 400 });
    await api.setMyDescription('x');
    await api.setChatMenuButton({ menu_button: { type: 'commands' } });
  });
});

describe('Other calls', () => {
  it('react, pin, copy and forward', async () => {
    const { tg, api, ann, chat } = stage;
    const sent = tg.as(ann).send(chat, 'Fix it');
    await api.setMessageReaction(chat.id, sent.id, [{ type: 'emoji', emoji: '👀' }]);
    await api.pinChatMessage(chat.id, sent.id);
    expect(tg.messages(chat).at(-1)).toMatchObject({ reaction: '👀', pinned: true });
    expect((await api.getChat(chat.id)).pinned_message?.message_id).toBe(sent.id);
    await api.copyMessage(chat.id, chat.id, sent.id);
    await api.forwardMessage(chat.id, chat.id, sent.id);
    expect(tg.messages(chat).slice(-2)).toMatchObject([
      { text: 'Fix it', forwarded: false },
      { text: 'Fix it', forwarded: true },
    ]);
    expect(await refusalOf(api.setMessageReaction(chat.id, sent.id, [{ type: 'emoji', emoji: '🤖' as '👀' }]))).toBe(
      '400 Bad Request: REACTION_INVALID',
    );
    expect(await stage.raw('sendChatAction', { chat_id: chat.id, action: 'sleeping' })).toMatchObject({ status: 400 });
    expect(await api.logOut()).toBe(true);
    expect(await api.close()).toBe(true);
    expect(await refusalOf(api.close())).toBe('429 Too Many Requests: retry after 600');
  });
});
