import { z } from 'zod';
import type { Place } from './place.ts';

/** What the bot asks Telegram for. Edited messages are not among them: what was asked for once is not asked for again by an edit. */
export const ALLOWED_UPDATES = ['message', 'callback_query', 'my_chat_member'] as const;

const Id = z.int().transform(String);

const User = z.object({ id: Id, is_bot: z.boolean(), first_name: z.string().default('') });

const Chat = z.object({ id: Id, type: z.enum(['private', 'group', 'supergroup', 'channel']), title: z.string().default('') });

const Buttons = z.object({ inline_keyboard: z.array(z.array(z.object({ callback_data: z.string().optional() }))) });

/** A message that another one answers, or whose button was pressed. One that is too old has no words and no sender any more. */
const Earlier = z.object({
  message_id: z.int(),
  chat: Chat,
  from: User.optional(),
  text: z.string().optional(),
  caption: z.string().optional(),
  reply_markup: Buttons.optional(),
  message_thread_id: z.int().optional(),
  is_topic_message: z.boolean().optional(),
});

const Message = z.looseObject({
  ...Earlier.shape,
  sender_chat: z.object({ id: Id }).optional(),
  reply_to_message: Earlier.optional(),
  /** The part of it that was chosen to be answered. */
  quote: z.object({ text: z.string() }).optional(),
  migrate_to_chat_id: Id.optional(),
  migrate_from_chat_id: Id.optional(),
});
type Message = z.infer<typeof Message>;

const Press = z.object({ id: z.string(), from: User, message: Earlier.optional(), data: z.string().optional() });

const Membership = z.object({ chat: Chat, from: User, new_chat_member: z.object({ status: z.string() }) });

const Update = z.object({
  update_id: z.int(),
  message: Message.optional(),
  callback_query: Press.optional(),
  my_chat_member: Membership.optional(),
});

/** A chat that something came from. */
export interface Room {
  readonly place: Place;
  readonly kind: 'private' | 'group';
  readonly title: string;
}

/** The account that something came from. */
export interface Sender {
  readonly id: string;
  readonly firstName: string;
}

/** The message that was answered. */
export interface Answered {
  readonly messageId: number;
  readonly from: string | null;
  /** All of it. */
  readonly text: string;
  /** The part of it that was chosen to be answered; all of it when none was. */
  readonly chosen: string;
  /** Data of its first button. */
  readonly button: string | null;
}

export type Arrival = { readonly updateId: number } & (
  | {
      readonly kind: 'message';
      readonly room: Room;
      readonly from: Sender;
      readonly messageId: number;
      /** `null`: it holds something else than text. */
      readonly text: string | null;
      readonly repliesTo: Answered | null;
    }
  | {
      readonly kind: 'press';
      readonly room: Room;
      readonly from: Sender;
      readonly messageId: number;
      /** Who sent the message with the button. */
      readonly messageFrom: string | null;
      readonly queryId: string;
      readonly data: string;
    }
  /** A button without its message, or of nobody who may press one: it is only answered. */
  | { readonly kind: 'odd_press'; readonly queryId: string }
  /** `isMember`: the bot was added to the group, or unblocked by the person. */
  | { readonly kind: 'membership'; readonly room: Room; readonly from: Sender; readonly isMember: boolean }
  | { readonly kind: 'migration'; readonly from: string; readonly to: string }
  /** Somebody wrote in the name of a group or a channel, so nobody knows who. */
  | { readonly kind: 'anonymous'; readonly room: Room; readonly messageId: number; readonly text: string }
  | { readonly kind: 'nothing' }
);

/** What people send by mistake when they mean to say something. Other messages without text are about the chat itself. */
const MEDIA = [
  'voice',
  'audio',
  'photo',
  'video',
  'video_note',
  'animation',
  'sticker',
  'document',
  'contact',
  'location',
  'poll',
  'story',
];

const roomOf = ({ chat, ...message }: Pick<Message, 'chat' | 'message_thread_id' | 'is_topic_message'>): Room => ({
  // A reply in an ordinary supergroup has a thread, too; only one of a forum is a topic.
  place: { chat: chat.id, thread: message.is_topic_message ? (message.message_thread_id ?? null) : null },
  kind: chat.type === 'private' ? 'private' : 'group',
  title: chat.title,
});

const senderOf = ({ id, first_name }: z.infer<typeof User>): Sender => ({ id, firstName: first_name });

const answeredOf = (
  { message_id, from, text, caption, reply_markup }: z.infer<typeof Earlier>,
  quote: string | undefined,
): Answered => ({
  messageId: message_id,
  from: from?.id ?? null,
  text: text ?? caption ?? '',
  chosen: quote ?? text ?? caption ?? '',
  button: reply_markup?.inline_keyboard.flat().find(({ callback_data }) => callback_data !== undefined)?.callback_data ?? null,
});

const messageOf = (updateId: number, message: Message): Arrival => {
  const { chat, from, sender_chat, text, migrate_to_chat_id: to, reply_to_message: earlier } = message;
  if (to !== undefined) return { updateId, kind: 'migration', from: chat.id, to };
  if (message.migrate_from_chat_id !== undefined)
    return { updateId, kind: 'migration', from: message.migrate_from_chat_id, to: chat.id };
  if (chat.type === 'channel') return { updateId, kind: 'nothing' };
  const room = roomOf(message);
  if (sender_chat !== undefined && text !== undefined)
    return { updateId, kind: 'anonymous', room, messageId: message.message_id, text };
  if (sender_chat !== undefined || !from || from.is_bot) return { updateId, kind: 'nothing' };
  if (text === undefined && !MEDIA.some((medium) => medium in message)) return { updateId, kind: 'nothing' };
  return {
    updateId,
    kind: 'message',
    room,
    from: senderOf(from),
    messageId: message.message_id,
    text: text ?? null,
    repliesTo: earlier ? answeredOf(earlier, message.quote?.text) : null,
  };
};

const pressOf = (updateId: number, { id: queryId, from, message, data }: z.infer<typeof Press>): Arrival =>
  from.is_bot || !message || message.chat.type === 'channel'
    ? { updateId, kind: 'odd_press', queryId }
    : {
        updateId,
        kind: 'press',
        room: roomOf(message),
        from: senderOf(from),
        messageId: message.message_id,
        messageFrom: message.from?.id ?? null,
        queryId,
        data: data ?? '',
      };

/** What an update says; `undefined` for what is none. Everything in it is of others: ids are text from here on. */
export const readUpdate = (json: unknown): Arrival | undefined => {
  const parsed = Update.safeParse(json);
  if (!parsed.success) return undefined;
  const { update_id: updateId, message, callback_query: press, my_chat_member: membership } = parsed.data;
  if (message) return messageOf(updateId, message);
  if (press) return pressOf(updateId, press);
  if (membership && membership.chat.type !== 'channel') {
    const isMember = /^(?:member|administrator|creator|restricted)$/.test(membership.new_chat_member.status);
    return { updateId, kind: 'membership', room: roomOf(membership), from: senderOf(membership.from), isMember };
  }
  return { updateId, kind: 'nothing' };
};

/** Updates of one chat are taken in order. A group that became a supergroup goes by either id, so nobody waits for that. */
export const chatOf = (arrival: Arrival): string => ('room' in arrival ? arrival.room.place.chat : '');
