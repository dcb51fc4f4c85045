import type { EventStore } from '../domain/event-store.ts';
import type { PersonCommand } from '../domain/person/commands.ts';
import { withoutTexts } from '../domain/text.ts';
import type { Dispatch, Dispatched } from './dispatch.ts';
import type { Session } from './door.ts';
import type { Clock } from './ports/clock.ts';
import type { RedactionOptions } from './redaction.ts';

export interface ErasureOptions extends Pick<RedactionOptions, 'erase'> {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly dispatch: Dispatch;
  readonly clock: Clock;
}

/**
 * Makes a person nobody, then forgets them: rights, tokens, accounts and codes end first, as facts, and from then on nothing is added; then
 * every text of the stream is erased from the log; then that is said, for which the views and the audit are made anew from what is left. Cut
 * off in between, the same again goes on from there. Throws what dispatch throws, before anything is erased.
 */
export const createErasure = ({ store, erase, dispatch, clock }: ErasureOptions) => {
  return async (session: Session, personId: string): Promise<Dispatched> => {
    const send = (command: PersonCommand): Promise<Dispatched> =>
      dispatch({ id: clock.uuid(), ...command, actor: session.personId, channel: session.channel, at: clock.now() });

    await send({ type: 'ErasePerson', data: { personId } });
    const revisions: number[] = [];
    for await (const event of store.readStream(personId)) {
      const { data, fields } = withoutTexts(event.data);
      if (fields.length === 0) continue;
      await erase(personId, event.revision, data);
      revisions.push(event.revision);
    }
    return send({ type: 'ForgetPerson', data: { personId, revisions } });
  };
};

export type Erasure = ReturnType<typeof createErasure>;
