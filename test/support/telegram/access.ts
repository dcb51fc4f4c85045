import { badRequest, forbidden } from './refusal.ts';
import type { ChatState, StoredMessage, World } from './world.ts';

/** People that the bot has seen but that never wrote to it exist; it only can't write to them. */
const isSeen = (world: World, id: number): boolean =>
  [...world.chats.values()].some((chat) => chat.standing !== 'unmet' && chat.kind !== 'private' && chat.members.has(id));

const BARRED = {
  unmet: 'bot is not a member of the',
  out: 'bot is not a member of the',
  kicked: 'bot was kicked from the',
} as const;

/** The chat that the bot may write to; throws the refusal that the real server gives. */
export const writableChat = (world: World, id: number): ChatState => {
  const chat = world.chats.get(id);
  if (chat?.kind === 'private') {
    if (chat.standing === 'kicked') throw forbidden('bot was blocked by the user');
    if (chat.standing !== 'unmet') return chat;
    if (isSeen(world, id)) throw forbidden("bot can't initiate conversation with a user");
  }
  // A chat that the bot never met does not exist for it.
  if (chat === undefined || chat.standing === 'unmet') throw badRequest('chat not found');
  if (chat.migratedTo !== undefined) {
    throw badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: chat.migratedTo });
  }
  if (chat.standing === 'out' || chat.standing === 'kicked') {
    throw forbidden(`${BARRED[chat.standing]} ${chat.kind === 'group' ? 'group' : 'supergroup'} chat`);
  }
  return chat;
};

/** A message of a chat that was not deleted; `what` stands in the refusal. */
export const messageOf = (chat: ChatState, id: number, what: string): StoredMessage => {
  const message = chat.messages.get(id);
  if (message === undefined || message.deleted) throw badRequest(`${what} not found`);
  return message;
};

/** The topic of a forum that a message goes to. The general topic has no number that may be named. */
export const threadOf = (chat: ChatState, thread: number | undefined): number | undefined => {
  if (thread !== undefined && !chat.topics.has(thread)) throw badRequest('message thread not found');
  return thread;
};

export const replyOf = (
  chat: ChatState,
  reply:
    | {
        readonly message_id: number;
        readonly chat_id?: number | undefined;
        readonly allow_sending_without_reply?: boolean | undefined;
      }
    | undefined,
): number | undefined => {
  if (reply === undefined) return undefined;
  const message = reply.chat_id === undefined || reply.chat_id === chat.id ? chat.messages.get(reply.message_id) : undefined;
  if (message !== undefined && !message.deleted) return message.id;
  if (reply.allow_sending_without_reply === true) return undefined;
  throw badRequest('message to be replied not found');
};
