import { z } from 'zod';
import type { Kind } from './decider.ts';
import type { Happened } from './event.ts';
import { derivedId, Uuid } from './ids.ts';
import { type MessageOf, message } from './message.ts';
import { Text, textOf } from './text.ts';

const cardId = Uuid;
const attempt = z.int().min(1);
const messageId = z.int().min(1);
const thread = z.int().min(1).nullable();
/** Names what a message is about, such as `end-2`: each is posted once. */
const key = z.string().min(1).max(100);

/** Why Telegram takes a message never. `refused`: this one, and perhaps not the next. */
export const Undeliverable = z.enum(['blocked', 'chat_gone', 'refused']);
export type Undeliverable = z.infer<typeof Undeliverable>;

/** Every event of a card. The id of a private chat is that of a person's account, so it is a text, which can be erased. */
export const cardEvents = {
  CardWanted: message('CardWanted', 'A chat follows a task from here on.', {
    cardId,
    taskId: Uuid,
    chat: Text,
    thread,
    replyTo: messageId.nullable(),
  }),
  CardPosted: message('CardPosted', 'Telegram took a message about the task.', {
    cardId,
    key,
    attempt,
    chat: Text,
    thread,
    messageId,
  }),
  CardUndeliverable: message('CardUndeliverable', 'Telegram will not take a message about the task.', {
    cardId,
    key,
    reason: Undeliverable,
  }),
  CardMoved: message('CardMoved', 'The chat is reached by another id from now on: a group became a supergroup.', {
    cardId,
    chat: Text,
  }),
  CardForgotten: message('CardForgotten', 'The person whose chat it is was erased, and every text of these events with them.', {
    cardId,
    revisions: z.array(z.int().min(0)),
  }),
} as const;
export type CardEvent = MessageOf<typeof cardEvents>;

/** A message that stands in the chat. */
export interface PostedCard {
  readonly key: string;
  readonly attempt: number;
  /** Where it was posted: what stands in another chat than the card's cannot be edited any more. */
  readonly chat: string;
  readonly messageId: number;
}

/** What a chat was shown of a task. */
export interface Card {
  readonly cardId: string;
  readonly taskId: string;
  /** Where it goes now; empty when it was erased. */
  readonly chat: string;
  readonly thread: number | null;
  /** Id of the message that asked for the task; in this chat. */
  readonly replyTo: number | null;
  /** Oldest first. */
  readonly posted: readonly PostedCard[];
  readonly undeliverable: { readonly key: string; readonly reason: Undeliverable } | null;
}

/**
 * One card for a task in a chat, or in a topic of it. `owner`: the person whose private chat it is, which is then not named by its id: that is
 * the number of their account, could be guessed from the name of the stream, and would outlive their erasure there.
 */
export const cardIdOf = (taskId: string, chat: string, topic: number | null, owner: string | null = null): string =>
  derivedId('card', taskId, owner ?? chat, topic ?? '');

/** The stream of a card is `card-<uuid>`. */
export const cardStream = (id: string): string => `card-${id}`;

/** Messages remembered: the older ones are never edited again. */
const POSTED_MAX = 50;

const chatOf = (chat: Text): string => ('text' in chat ? textOf(chat) : '');

/** `undefined`: nobody wants it. */
const evolveCard = (card: Card | undefined, event: CardEvent): Card | undefined => {
  if (event.type === 'CardWanted') {
    const { chat, ...wanted } = event.data;
    return card ?? { ...wanted, chat: chatOf(chat), posted: [], undeliverable: null };
  }
  if (!card) return undefined;
  switch (event.type) {
    case 'CardPosted': {
      const { key: posted, attempt: of, messageId: id, thread: topic } = event.data;
      const chat = chatOf(event.data.chat);
      const all = [...card.posted, { key: posted, attempt: of, chat, messageId: id }].slice(-POSTED_MAX);
      return { ...card, chat, thread: topic, posted: all, undeliverable: null };
    }
    case 'CardUndeliverable':
      return { ...card, undeliverable: { key: event.data.key, reason: event.data.reason } };
    case 'CardMoved':
      return { ...card, chat: chatOf(event.data.chat), replyTo: null };
    case 'CardForgotten':
      return { ...card, chat: '', replyTo: null, posted: [] };
  }
};

/** Nobody decides on cards, so there is no command: what happened to messages is recorded as it comes. */
export const cardKind: Kind<Card | undefined> = {
  name: 'card',
  commands: {},
  events: cardEvents,
  beginnings: {},
  initialState: undefined,
  streamOf: ({ id }) => cardStream(id),
  decide: () => [],
  evolve: (card, event) => evolveCard(card, event as CardEvent & Happened), // Parsed by the schema that its type names.
  nextStep: () => undefined,
  needs: () => [],
};
