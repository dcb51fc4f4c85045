import type { InlineKeyboardButton, MessageEntity, User } from 'grammy/types';
import type { ChatState, ServiceFields, StoredMessage } from './world.ts';

/** A message as people see it. */
export interface SeenMessage {
  readonly id: number;
  readonly chatId: number;
  readonly from: User;
  /** The text, or the caption of a file; empty for a service message. */
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  readonly buttons: readonly (readonly InlineKeyboardButton[])[];
  readonly edited: boolean;
  /** What it said before each edit, oldest first. */
  readonly earlier: readonly string[];
  readonly deleted: boolean;
  readonly silent: boolean;
  readonly thread: number | undefined;
  readonly replyTo: number | undefined;
  readonly file:
    | { readonly kind: 'document' | 'photo' | 'voice'; readonly name: string; readonly mime: string; readonly bytes: Buffer }
    | undefined;
  readonly album: string | undefined;
  /** Says that people are asked to reply, and what stands in their input field. */
  readonly forceReply: { readonly placeholder: string | undefined } | undefined;
  readonly service: ServiceFields | undefined;
  readonly pinned: boolean;
  readonly forwarded: boolean;
  /** What the bot reacted with. */
  readonly reaction: string | undefined;
  /** Unix seconds. */
  readonly date: number;
}

export const seen = (message: StoredMessage): SeenMessage => {
  const { content } = message;
  return {
    id: message.id,
    chatId: message.chatId,
    from: message.from,
    text: content.kind === 'service' ? '' : content.text,
    entities: content.kind === 'service' ? [] : content.entities,
    buttons: message.keyboard,
    edited: message.editDate !== undefined,
    earlier: [...message.earlier],
    deleted: message.deleted,
    silent: message.silent,
    thread: message.thread,
    replyTo: message.replyTo,
    file:
      'file' in content
        ? { kind: content.kind, name: content.file.name, mime: content.file.mime, bytes: content.file.bytes }
        : undefined,
    album: message.album,
    forceReply: message.other === 'force_reply' ? { placeholder: message.placeholder } : undefined,
    service: content.kind === 'service' ? content.fields : undefined,
    pinned: message.pinned,
    forwarded: message.forwarded,
    reaction: message.reaction,
    date: message.date,
  };
};

/** All messages of a chat, oldest first; those that were deleted say so. */
export const seenIn = (chat: ChatState): readonly SeenMessage[] => [...chat.messages.values()].map(seen);
