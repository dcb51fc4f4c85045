import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { type Card, cardStream } from '../../domain/card.ts';
import { taskStream } from '../../domain/ids.ts';

/** A message of ours that somebody answers, or presses a button of. */
export interface MessageOfCard {
  readonly taskId: string;
  /** What it was about, such as `clarify-1-2`. */
  readonly key: string;
  readonly attempt: number;
}

const cardOf = (row: Record<string, SQLOutputValue>): Card => JSON.parse(String(row.document)); // Written by the projection.

/** Cards, by the task, the chat or a message. */
export const cardQueries = (database: DatabaseSync, named: (table: string) => string, tasks: (table: string) => string) => {
  const cards = named('cards');
  const listed = `SELECT c.document FROM ${named('card_list')} l JOIN ${cards} c ON c.id = l.id`;
  const get = database.prepare(`SELECT document FROM ${cards} WHERE stream = ?`);
  const ofTask = database.prepare(`${listed} WHERE l.task_id = ? ORDER BY l.id`);
  const ofChat = database.prepare(`${listed} WHERE l.chat = ? ORDER BY l.id DESC LIMIT ?`);
  const idsIn = database.prepare(
    `SELECT c.stream FROM ${named('card_list')} l JOIN ${cards} c ON c.id = l.id WHERE l.chat = ? ORDER BY l.id`,
  );
  const undelivered = database.prepare(`${listed} WHERE l.chat = ? AND l.undeliverable = 1 ORDER BY l.id DESC LIMIT ?`);
  const unfinished = database.prepare(
    `${listed} JOIN ${tasks('tasks')} t ON t.stream = '${taskStream('')}' || l.task_id JOIN ${tasks('task_list')} s ON s.id = t.id
     WHERE l.chat <> '' AND (s.status NOT IN ('COMPLETED', 'FAILED') OR l.ended_attempt < json_extract(s.summary, '$.attempt')) ORDER BY l.id`,
  );
  const byMessage = database.prepare(
    `SELECT l.task_id, m.key, m.attempt FROM ${named('card_messages')} m JOIN ${named('card_list')} l ON l.id = m.id
     WHERE m.chat = ? AND m.message_id = ? ORDER BY m.id DESC LIMIT 1`,
  );

  return {
    get(cardId: string): Card | undefined {
      const row = get.get(cardStream(cardId));
      return row && row.document !== null ? cardOf(row) : undefined;
    },
    ofTask: (taskId: string): readonly Card[] => ofTask.all(taskId).map(cardOf),
    /** The newest first. */
    ofChat: (chat: string, limit: number): readonly Card[] => ofChat.all(chat, limit).map(cardOf),
    /** Ids of all of them. */
    idsIn: (chat: string): readonly string[] => idsIn.all(chat).map(({ stream }) => String(stream).slice(cardStream('').length)),
    /** Those whose last message Telegram did not take, the newest first. */
    undelivered: (chat: string, limit: number): readonly Card[] => undelivered.all(chat, limit).map(cardOf),
    /** Cards of tasks that go on, and those whose end was not posted. */
    unfinished: (): readonly Card[] => unfinished.all().map(cardOf),
    byMessage(chat: string, messageId: number): MessageOfCard | undefined {
      const row = byMessage.get(chat, messageId);
      return row && { taskId: String(row.task_id), key: String(row.key), attempt: Number(row.attempt) };
    },
  };
};
