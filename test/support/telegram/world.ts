import type { Message, MessageEntity, User } from 'grammy/types';
import type { InlineKeyboard, Markup } from './keyboard.ts';

export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly mime: string;
  readonly bytes: Buffer;
}

/** What a service message says, in the Bot API's fields. */
export type ServiceFields = Pick<
  Message,
  | 'new_chat_members'
  | 'left_chat_member'
  | 'migrate_to_chat_id'
  | 'migrate_from_chat_id'
  | 'forum_topic_created'
  | 'pinned_message'
  | 'group_chat_created'
>;

export type Content =
  | { readonly kind: 'text'; readonly text: string; readonly entities: readonly MessageEntity[] }
  | {
      readonly kind: 'document' | 'photo' | 'voice';
      readonly text: string;
      readonly entities: readonly MessageEntity[];
      readonly file: StoredFile;
    }
  | { readonly kind: 'service'; readonly fields: ServiceFields };

export interface StoredMessage {
  readonly id: number;
  readonly chatId: number;
  readonly from: User;
  /** Set when a person writes in the name of the group. */
  readonly anonymous: boolean;
  /** Unix seconds. */
  readonly date: number;
  readonly thread: number | undefined;
  readonly replyTo: number | undefined;
  readonly silent: boolean;
  readonly forwarded: boolean;
  readonly album: string | undefined;
  readonly other: Markup['other'];
  readonly placeholder: string | undefined;
  content: Content;
  keyboard: InlineKeyboard;
  /** Unix seconds; `undefined` while it says what it said first. */
  editDate: number | undefined;
  deleted: boolean;
  pinned: boolean;
  /** The bot's own. */
  reaction: string | undefined;
  /** What it said before each edit, oldest first. */
  readonly earlier: string[];
}

/**
 * How the bot stands in a chat. `unmet`: the person never wrote, or the bot was never in the group. `out`: it left, or was taken out without
 * a ban. `kicked`: banned, or blocked by the person.
 */
export type Standing = 'unmet' | 'member' | 'administrator' | 'out' | 'kicked';

export interface ChatState {
  readonly id: number;
  readonly kind: 'private' | 'group' | 'supergroup';
  readonly title: string;
  readonly forum: boolean;
  readonly privacy: boolean;
  /** People, not the bot. */
  readonly members: ReadonlyMap<number, 'creator' | 'administrator' | 'member'>;
  readonly messages: Map<number, StoredMessage>;
  readonly topics: Map<number, string>;
  standing: Standing;
  migratedTo: number | undefined;
}

/** Everything there is: people, chats, messages, files, and the one bot. */
export interface World {
  readonly bot: User;
  readonly people: Map<number, User>;
  readonly chats: Map<number, ChatState>;
  readonly files: Map<string, StoredFile>;
  /** Milliseconds of the server's own clock. */
  now(): number;
  advance(ms: number): void;
  nextId(of: 'message' | 'chat' | 'file' | 'callback' | 'album'): number;
  post(chat: ChatState, message: NewMessage): StoredMessage;
  /** Tells everybody who waits for a change. */
  changed(): void;
  /** Calls back after every change until the returned function is called. */
  onChange(listener: () => void): () => void;
}

export interface NewMessage {
  readonly from: User;
  readonly content: Content;
  readonly anonymous?: boolean;
  readonly thread?: number | undefined;
  readonly replyTo?: number | undefined;
  readonly silent?: boolean;
  readonly forwarded?: boolean;
  readonly album?: string | undefined;
  readonly markup?: Markup;
}

export const createWorld = (bot: User): World => {
  const listeners = new Set<() => void>();
  const counters = { message: 0, chat: 0, file: 0, callback: 0, album: 0 };
  let shiftMs = 0;
  const now = (): number => Date.now() + shiftMs;
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const nextId = (of: keyof typeof counters): number => ++counters[of];

  return {
    bot,
    people: new Map(),
    chats: new Map(),
    files: new Map(),
    now,
    advance: (ms) => {
      shiftMs += ms;
    },
    nextId,
    post: (chat, { from, content, anonymous, thread, replyTo, silent, forwarded, album, markup }) => {
      // Supergroups count their messages by themselves; all other chats share the numbers of the account.
      const id = chat.kind === 'supergroup' ? chat.messages.size + 1 : nextId('message');
      const message: StoredMessage = {
        id,
        chatId: chat.id,
        from,
        anonymous: anonymous ?? false,
        date: Math.floor(now() / 1000),
        thread,
        replyTo,
        silent: silent ?? false,
        forwarded: forwarded ?? false,
        album,
        other: markup?.other,
        placeholder: markup?.placeholder,
        content,
        keyboard: markup?.inline ?? [],
        editDate: undefined,
        deleted: false,
        pinned: false,
        reaction: undefined,
        earlier: [],
      };
      chat.messages.set(id, message);
      changed();
      return message;
    },
    changed,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};
