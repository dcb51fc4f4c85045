import { cardStream } from '../domain/card.ts';
import { sealed } from '../domain/event.ts';
import { type EventStore, WrongExpectedRevision } from '../domain/event-store.ts';
import type { PersonCommand } from '../domain/person/commands.ts';
import { personEvents } from '../domain/person/events.ts';
import { withoutTexts } from '../domain/text.ts';
import type { Dispatch, Dispatched } from './dispatch.ts';
import type { Session } from './door.ts';
import type { Clock } from './ports/clock.ts';
import type { PeopleQueries } from './ports/people-queries.ts';
import type { RedactionOptions } from './redaction.ts';

export interface ErasureOptions extends Pick<RedactionOptions, 'erase'> {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  readonly dispatch: Dispatch;
  readonly queries: Pick<PeopleQueries, 'cardsIn' | 'fresh' | 'peopleByIdentity'>;
  readonly clock: Clock;
}

/**
 * Makes a person nobody, then forgets them: rights, tokens, accounts and codes end first, as facts, and from then on nothing is added; then
 * the cards in their own chats are forgotten, and every text of the stream is erased from the log; then that is said, for which the views and
 * the audit are made anew from what is left. Cut off in between, the same again goes on from there. Throws what dispatch throws, before
 * anything is erased.
 */
export const createErasure = ({ store, erase, dispatch, queries, clock }: ErasureOptions) => {
  /** Where every text of a stream stood, and its last revision. */
  const eraseTexts = async (stream: string): Promise<{ readonly revisions: number[]; readonly last: number }> => {
    const revisions: number[] = [];
    let last = -1;
    for await (const event of store.readStream(stream)) {
      last = event.revision;
      const { data, fields } = withoutTexts(event.data);
      if (fields.length === 0) continue;
      await erase(stream, event.revision, data);
      revisions.push(event.revision);
    }
    return { revisions, last };
  };

  /** Nothing is recorded of a card after it was forgotten; what was recorded meanwhile is erased as well. */
  const forgetCard = async ({ personId, channel }: Session, cardId: string): Promise<void> => {
    const stream = cardStream(cardId);
    const { revisions, last } = await eraseTexts(stream);
    const fact = { type: 'CardForgotten', data: { cardId, revisions } };
    const command = { id: clock.uuid(), ...fact, actor: personId, channel, at: clock.now() };
    try {
      await store.append(stream, sealed(stream, [fact], command, last + 1, ''), last);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      await forgetCard({ personId, channel }, cardId);
    }
  };

  /** The accounts that were ever theirs and are nobody's now: the private chat with an account has its number. */
  const chatsOf = async (personId: string): Promise<ReadonlySet<string>> => {
    const accounts = new Set<string>();
    for await (const { type, data } of store.readStream(personId)) {
      if (type !== 'IdentityLinked') continue;
      const { channel, subject } = personEvents.IdentityLinked.parse(data);
      if ('text' in subject && queries.peopleByIdentity(channel, subject.text).length === 0) accounts.add(subject.text);
    }
    return accounts;
  };

  return async (session: Session, personId: string): Promise<Dispatched> => {
    const send = (command: PersonCommand): Promise<Dispatched> =>
      dispatch({ id: clock.uuid(), ...command, actor: session.personId, channel: session.channel, at: clock.now() });

    await send({ type: 'ErasePerson', data: { personId } });
    await queries.fresh();
    for (const chat of await chatsOf(personId)) {
      for (const cardId of queries.cardsIn(chat)) await forgetCard(session, cardId);
    }
    const { revisions } = await eraseTexts(personId);
    return send({ type: 'ForgetPerson', data: { personId, revisions } });
  };
};

export type Erasure = ReturnType<typeof createErasure>;
