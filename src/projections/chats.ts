import { z } from 'zod';
import { type Chat, chatKind } from '../domain/chat/index.ts';
import { Uuid } from '../domain/ids.ts';
import { textOf } from '../domain/text.ts';
import type { Projection } from './projection.ts';

/** A chat as an admin sees one. */
export const ChatView = z.object({
  chatId: Uuid,
  channel: z.string(),
  /** The id it is reached by now. */
  subject: z.string(),
  title: z.string(),
  allowed: z.boolean(),
  /** Since when it is allowed, or forbidden. */
  since: z.iso.datetime({ precision: 3 }),
});
export type ChatView = z.infer<typeof ChatView>;

const chatView = ({ chatId, channel, subject, title, isAllowed, since }: Chat): ChatView => ({
  chatId,
  channel,
  subject: textOf(subject),
  title: textOf(title),
  allowed: isAllowed,
  since,
});

/** Chats that were ever allowed, by the id each is reached by now. */
export const chatsProjection: Projection<Chat> = {
  name: 'chats',
  version: 1,
  kind: chatKind,
  tables: {
    chat_places: {
      columns: { channel: 'TEXT NOT NULL', subject: 'TEXT NOT NULL' },
      rowsPerStream: 'one',
      indexes: ['subject, channel'],
    },
  },
  fold: (chat, event) => chatKind.evolve(chat ?? null, event) ?? undefined,
  show: (chat) => ({
    document: JSON.stringify(chatView(chat)),
    rows: { chat_places: [{ channel: chat.channel, subject: textOf(chat.subject) }] },
  }),
};
