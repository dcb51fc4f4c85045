import { type Card, cardKind } from '../domain/card.ts';
import type { Projection } from './projection.ts';

/** `end-2` is the end of attempt 2. */
const endedAttempt = ({ posted, undeliverable }: Card): number => {
  const [, attempt = '0'] = /^end-(\d+)$/.exec(undeliverable?.key ?? posted.at(-1)?.key ?? '') ?? [];
  return Number(attempt);
};

/** Which chats follow which tasks, and what was posted there. */
export const cardsProjection: Projection<Card> = {
  name: 'cards',
  version: 2,
  kind: cardKind,
  tables: {
    card_list: {
      columns: {
        task_id: 'TEXT NOT NULL',
        chat: 'TEXT NOT NULL',
        ended_attempt: 'INTEGER NOT NULL',
        undeliverable: 'INTEGER NOT NULL',
      },
      rowsPerStream: 'one',
      indexes: ['task_id', 'chat, undeliverable'],
    },
    card_messages: {
      columns: { chat: 'TEXT NOT NULL', message_id: 'INTEGER NOT NULL', key: 'TEXT NOT NULL', attempt: 'INTEGER NOT NULL' },
      rowsPerStream: 'many',
      indexes: ['chat, message_id'],
    },
  },
  fold: (card, event) => cardKind.evolve(card, event),
  show: (card) => ({
    document: JSON.stringify(card),
    rows: {
      card_list: [
        {
          task_id: card.taskId,
          chat: card.chat,
          ended_attempt: endedAttempt(card),
          undeliverable: card.undeliverable === null ? 0 : 1,
        },
      ],
      card_messages: card.posted.map(({ key, attempt, chat, messageId }) => ({
        chat,
        message_id: messageId,
        key,
        attempt,
      })),
    },
  }),
};
