import type { DatabaseSync } from 'node:sqlite';
import { chatStream } from '../../domain/chat/index.ts';
import { ChatView } from '../../projections/chats.ts';

/** Chats, by the id each is reached by now. */
export const chatQueries = (database: DatabaseSync, named: (table: string) => string) => {
  const chats = named('chats');
  const bySubject = database.prepare(
    `SELECT c.stream FROM ${named('chat_places')} p JOIN ${chats} c ON c.id = p.id
     WHERE p.subject = ? AND p.channel = ? ORDER BY p.id LIMIT 1`,
  );
  const all = database.prepare(`SELECT document FROM ${chats} WHERE document IS NOT NULL ORDER BY id`);

  return {
    /** The id of the chat; the first that was allowed, should two be reached by the same. */
    chatBySubject(channel: string, subject: string): string | undefined {
      const row = bySubject.get(subject, channel);
      return row && String(row.stream).slice(chatStream('').length);
    },
    listChats: (): readonly ChatView[] => all.all().map(({ document }) => ChatView.parse(JSON.parse(String(document)))),
  };
};
