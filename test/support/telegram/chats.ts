import { z } from 'zod';
import { messageOf, threadOf, writableChat } from './access.ts';
import { chatId, integer, type Method, method } from './parameters.ts';
import { badRequest } from './refusal.ts';
import { chatOnWire, fileOnWire, messageOnWire } from './wire.ts';
import type { ChatState, World } from './world.ts';

/** What a bot may fetch. */
export const DOWNLOAD_BYTES_MAX = 20 * 1024 * 1024;
const TOPIC_NAME_CHARACTERS_MAX = 128;

const memberOnWire = (world: World, chat: ChatState, id: number): object => {
  if (id === world.bot.id) {
    const status = chat.standing === 'unmet' || chat.standing === 'out' ? 'left' : chat.standing;
    return { user: world.bot, status };
  }
  const user = world.people.get(id);
  if (user === undefined) throw badRequest('user not found');
  const status = chat.members.get(id) ?? 'left';
  return { user, status, ...(status === 'creator' ? { is_anonymous: false } : {}) };
};

/** The methods about chats, their members and files. */
export const chatMethods = (world: World): Readonly<Record<string, Method>> => {
  /** Administrators as Telegram lists them: other bots are left out. */
  const administrators = (chat: ChatState): readonly object[] => {
    if (chat.kind === 'private') throw badRequest('there are no administrators in the private chat');
    const people = [...chat.members].filter(([, status]) => status !== 'member').map(([id]) => memberOnWire(world, chat, id));
    return chat.standing === 'administrator' ? [...people, memberOnWire(world, chat, world.bot.id)] : people;
  };

  return {
    getChat: method({ chat_id: chatId }, (parameters) => {
      const chat = writableChat(world, parameters.chat_id);
      const pinned = [...chat.messages.values()].findLast((message) => message.pinned && !message.deleted);
      return {
        ...chatOnWire(world, chat),
        accent_color_id: 0,
        max_reaction_count: 11,
        accepted_gift_types: {},
        ...(pinned === undefined ? {} : { pinned_message: messageOnWire(world, chat, messageOf(chat, pinned.id, 'message')) }),
      };
    }),
    getChatMember: method({ chat_id: chatId, user_id: integer }, (parameters) =>
      memberOnWire(world, writableChat(world, parameters.chat_id), parameters.user_id),
    ),
    getChatAdministrators: method({ chat_id: chatId }, (parameters) => administrators(writableChat(world, parameters.chat_id))),
    getChatMemberCount: method({ chat_id: chatId }, (parameters) => writableChat(world, parameters.chat_id).members.size + 1),
    leaveChat: method({ chat_id: chatId }, (parameters) => {
      const chat = writableChat(world, parameters.chat_id);
      if (chat.kind === 'private') throw badRequest("chat member status can't be changed in private chats");
      chat.standing = 'out';
      world.changed();
      return true;
    }),
    createForumTopic: method({ chat_id: chatId, name: z.string(), icon_color: integer.optional() }, ({ chat_id: id, name }) => {
      const chat = writableChat(world, id);
      if (!chat.forum) throw badRequest('the chat is not a forum');
      if (chat.standing !== 'administrator') throw badRequest('not enough rights to create a topic');
      if (name === '' || [...name].length > TOPIC_NAME_CHARACTERS_MAX) throw badRequest('TOPIC_TITLE_EMPTY');
      const fields = { forum_topic_created: { name, icon_color: 7_322_096 as const } };
      const message = world.post(chat, { from: world.bot, content: { kind: 'service', fields } });
      chat.topics.set(message.id, name);
      return { message_thread_id: message.id, name, icon_color: 7_322_096 };
    }),
    deleteForumTopic: method({ chat_id: chatId, message_thread_id: integer }, (parameters) => {
      const chat = writableChat(world, parameters.chat_id);
      if (chat.standing !== 'administrator') throw badRequest('not enough rights to delete the topic');
      chat.topics.delete(threadOf(chat, parameters.message_thread_id) ?? 0);
      return true;
    }),
    getFile: method({ file_id: z.string() }, ({ file_id: id }) => {
      if (id === '') throw badRequest('file_id not specified');
      const file = world.files.get(id);
      if (file === undefined) throw badRequest('wrong file_id or the file is temporarily unavailable');
      if (file.bytes.length > DOWNLOAD_BYTES_MAX) throw badRequest('file is too big');
      return { ...fileOnWire(file), file_path: `files/${file.id}` };
    }),
  };
};
