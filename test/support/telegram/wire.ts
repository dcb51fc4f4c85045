import type { Chat, Message, User } from 'grammy/types';
import type { ChatState, Content, StoredFile, StoredMessage, World } from './world.ts';

/** In whose name anonymous admins write, the same everywhere. */
export const ANONYMOUS_ADMIN: User = { id: 1_087_968_824, is_bot: true, first_name: 'Group', username: 'GroupAnonymousBot' };

export const chatOnWire = (world: World, { id, kind, title, forum }: ChatState): Chat => {
  if (kind === 'group') return { id, type: 'group', title };
  if (kind === 'supergroup') return { id, type: 'supergroup', title, ...(forum ? { is_forum: true as const } : {}) };
  const person = world.people.get(id);
  return {
    id,
    type: 'private',
    first_name: person?.first_name ?? '',
    ...(person?.username === undefined ? {} : { username: person.username }),
  };
};

export const fileOnWire = ({ id, bytes }: StoredFile): { file_id: string; file_unique_id: string; file_size: number } => ({
  file_id: id,
  file_unique_id: `u${id}`,
  file_size: bytes.length,
});

const captionOf = ({ text, entities }: { readonly text: string; readonly entities: readonly unknown[] }): object => ({
  ...(text === '' ? {} : { caption: text }),
  ...(entities.length === 0 ? {} : { caption_entities: entities }),
});

const contentOnWire = (content: Content): object => {
  if (content.kind === 'service') return content.fields;
  if (content.kind === 'text') {
    return { text: content.text, ...(content.entities.length === 0 ? {} : { entities: content.entities }) };
  }
  const file = fileOnWire(content.file);
  if (content.kind === 'photo') return { photo: [{ ...file, width: 800, height: 600 }], ...captionOf(content) };
  if (content.kind === 'voice') return { voice: { ...file, duration: 1, mime_type: content.file.mime }, ...captionOf(content) };
  return { document: { ...file, file_name: content.file.name, mime_type: content.file.mime }, ...captionOf(content) };
};

/** In a supergroup answers to answers are a thread too, named after the first of them; only a topic's messages are marked as such. */
const threadOnWire = (chat: ChatState, { id, thread, replyTo }: StoredMessage): object => {
  if (thread !== undefined) return { message_thread_id: thread, is_topic_message: true };
  if (chat.kind !== 'supergroup' || replyTo === undefined) return {};
  let root = chat.messages.get(replyTo);
  while (root?.replyTo !== undefined) root = chat.messages.get(root.replyTo);
  return root === undefined || root.id >= id ? {} : { message_thread_id: root.id };
};

/** What a message answers; in a topic, where it answers nothing, the message that opened the topic. */
const repliedBy = (chat: ChatState, { id, thread, replyTo }: StoredMessage): StoredMessage | undefined => {
  const replied = replyTo ?? (thread === id ? undefined : thread);
  return replied === undefined ? undefined : chat.messages.get(replied);
};

/** A message as the Bot API tells it; a message that is replied to stands in it without its own reply. */
export const messageOnWire = (world: World, chat: ChatState, message: StoredMessage, withReply = true): Message => {
  const replied = withReply ? repliedBy(chat, message) : undefined;
  const wire = {
    message_id: message.id,
    from: message.anonymous ? ANONYMOUS_ADMIN : message.from,
    ...(message.anonymous ? { sender_chat: chatOnWire(world, chat) } : {}),
    chat: chatOnWire(world, chat),
    date: message.date,
    ...threadOnWire(chat, message),
    ...(message.editDate === undefined ? {} : { edit_date: message.editDate }),
    ...(replied === undefined || replied.deleted ? {} : { reply_to_message: messageOnWire(world, chat, replied, false) }),
    ...(message.forwarded ? { forward_origin: { type: 'hidden_user', sender_user_name: 'Somebody', date: message.date } } : {}),
    ...(message.album === undefined ? {} : { media_group_id: message.album }),
    ...contentOnWire(message.content),
    ...(message.keyboard.length === 0 ? {} : { reply_markup: { inline_keyboard: message.keyboard } }),
  };
  return wire as Message; // The parts of it come from unions that TypeScript does not follow through spreads.
};
