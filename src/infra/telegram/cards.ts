import type { Clock } from '../../commands/ports/clock.ts';
import { type Card, type CardEvent, cardIdOf, cardKind, cardStream, type Undeliverable } from '../../domain/card.ts';
import { sealed } from '../../domain/event.ts';
import { type EventStore, StoreUnavailable, WrongExpectedRevision } from '../../domain/event-store.ts';
import type { Text } from '../../domain/text.ts';
import { happened } from '../../domain/upcasters.ts';
import type { Place } from './place.ts';

/** Who speaks in the streams of cards. */
const ACTOR = 'system:telegram';
const CHANNEL = 'telegram';
/** Before what could not be stored is stored again, in milliseconds. */
const AGAIN_MS = 1_000;

export interface WantedCard {
  readonly taskId: string;
  readonly place: Place;
  /** Id of the message that asked for the task. */
  readonly replyTo: number | null;
  /** Id of the person whose private chat it is. */
  readonly owner?: string | null;
}

export const wantedCardId = ({ taskId, place: { chat, thread }, owner = null }: WantedCard): string =>
  cardIdOf(taskId, chat, thread, owner);

export interface CardsOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  readonly clock: Clock;
  /** Resolves after so many milliseconds; rejects when the process stops. */
  readonly pause: (ms: number) => Promise<void>;
}

/** The streams of cards: facts about messages, which nobody decides on, so they are appended as they come. */
export const createCards = ({ store, clock, pause }: CardsOptions) => {
  const text = (words: string): Text => ({ text: words, salt: clock.uuid() });

  const load = async (cardId: string): Promise<{ readonly card: Card | undefined; readonly revision: number }> => {
    let card: Card | undefined;
    let revision = -1;
    for await (const event of store.readStream(cardStream(cardId))) {
      card = cardKind.evolve(card, happened(cardKind, event));
      ({ revision } = event);
    }
    return { card, revision };
  };

  /** Resolves once it is stored, however long the store is away: what was sent and is not recorded would be sent again. */
  const record = async (event: CardEvent): Promise<void> => {
    const stream = cardStream(event.data.cardId);
    const command = { id: clock.uuid(), type: event.type, data: event.data, actor: ACTOR, channel: CHANNEL, at: clock.now() };
    for (;;) {
      try {
        const { card, revision } = await load(event.data.cardId);
        // Forgotten: whose chat it was is to be found nowhere any more.
        if (card?.chat === '') return;
        await store.append(stream, sealed(stream, [event], command, revision + 1, ''), revision < 0 ? 'no_stream' : revision);
        return;
      } catch (error) {
        if (error instanceof StoreUnavailable) await pause(AGAIN_MS);
        else if (!(error instanceof WrongExpectedRevision)) throw error;
      }
    }
  };

  return {
    load: async (cardId: string): Promise<Card | undefined> => (await load(cardId)).card,
    /** A second call for the same task and place changes nothing. Throws `StoreUnavailable`: whoever asked asks again. */
    want: async (card: WantedCard): Promise<void> => {
      const { taskId, place, replyTo } = card;
      const { chat, thread } = place;
      const cardId = wantedCardId(card);
      const stream = cardStream(cardId);
      const event: CardEvent = { type: 'CardWanted', data: { cardId, taskId, chat: text(chat), thread, replyTo } };
      const command = { id: cardId, type: event.type, data: event.data, actor: ACTOR, channel: CHANNEL, at: clock.now() };
      try {
        await store.append(stream, sealed(stream, [event], command, 0, ''), 'no_stream');
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision)) throw error;
      }
    },
    posted: (cardId: string, key: string, attempt: number, { chat, thread }: Place, messageId: number): Promise<void> =>
      record({ type: 'CardPosted', data: { cardId, key, attempt, chat: text(chat), thread, messageId } }),
    undeliverable: (cardId: string, key: string, reason: Undeliverable): Promise<void> =>
      record({ type: 'CardUndeliverable', data: { cardId, key, reason } }),
    moved: (cardId: string, chat: string): Promise<void> => record({ type: 'CardMoved', data: { cardId, chat: text(chat) } }),
  };
};

export type Cards = ReturnType<typeof createCards>;
