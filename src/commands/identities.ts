import { randomBytes } from 'node:crypto';
import type { PersonCommand } from '../domain/person/commands.ts';
import { type AccountChannel, INVITATION_CODE_BYTES, invitationCode, invitationCodeHash } from '../domain/person/identity.ts';
import { isAccountOf, type Person } from '../domain/person/index.ts';
import { DomainError } from '../domain/refusals.ts';
import type { Text } from '../domain/text.ts';
import type { Dispatch, Dispatched } from './dispatch.ts';
import type { Session } from './door.ts';
import type { People } from './people.ts';
import type { Clock } from './ports/clock.ts';
import type { PeopleQueries } from './ports/people-queries.ts';

export interface IdentitiesOptions {
  readonly people: People;
  readonly queries: PeopleQueries;
  readonly dispatch: Dispatch;
  readonly clock: Clock;
}

export interface Invited {
  readonly invitationId: string;
  /** Said this once; only its hash is stored. */
  readonly code: string;
  readonly expiresAt: string;
  readonly position: string | null;
}

const SERVICE = 'system:identities';
const HOUR_MS = 3_600_000;

/**
 * Which person an account is. An account is one person: a link is refused while another has it, and should two links be stored at the same
 * moment, by two processes, the earlier in the log has it and the later one is taken back by whoever made it (had that process died before,
 * its link would count once the earlier is ended).
 */
export const createIdentities = ({ people, queries, dispatch, clock }: IdentitiesOptions) => {
  /** As their streams say now: what was unlinked is gone at once. */
  const byIdentity = async (channel: AccountChannel, subject: string): Promise<Person | undefined> => {
    for (const personId of queries.peopleByIdentity(channel, subject)) {
      const person = await people.get(personId);
      if (person && isAccountOf(person, channel, subject)) return person;
    }
    return undefined;
  };

  const send = (actor: string, channel: string, command: PersonCommand): Promise<Dispatched> =>
    dispatch({ id: clock.uuid(), ...command, actor, channel, at: clock.now() });

  const text = (subject: string): Text => ({ text: subject, salt: clock.uuid() });

  /** Before: nobody is told to be somebody whom another is already. */
  const refuseTaken = async (personId: string, channel: AccountChannel, subject: string): Promise<void> => {
    await queries.fresh();
    const holder = await byIdentity(channel, subject);
    if (holder && holder.personId !== personId) throw new DomainError('identity-taken');
  };

  /** After: every link before this one is seen by now. */
  const settle = async (personId: string, channel: AccountChannel, subject: string, { position }: Dispatched): Promise<void> => {
    await queries.fresh(position);
    const holder = await byIdentity(channel, subject);
    if (!holder || holder.personId === personId) return;
    await send(SERVICE, 'system', { type: 'UnlinkIdentity', data: { personId, channel, subject } });
    throw new DomainError('identity-taken');
  };

  return {
    byIdentity,

    /** An admin says whose the account is. Throws `DomainError` `identity-taken` while it is somebody else's, and what dispatch throws. */
    async link(session: Session, personId: string, channel: AccountChannel, subject: string): Promise<Dispatched> {
      await refuseTaken(personId, channel, subject);
      const data = { personId, channel, subject: text(subject) };
      const linked = await send(session.personId, session.channel, { type: 'LinkIdentity', data });
      await settle(personId, channel, subject, linked);
      return linked;
    },

    unlink: (session: Session, personId: string, channel: AccountChannel, subject: string): Promise<Dispatched> =>
      send(session.personId, session.channel, { type: 'UnlinkIdentity', data: { personId, channel, subject } }),

    /** Makes a code that lets whoever has it link one account to the person. It replaces an open one. */
    async invite(session: Session, personId: string, channel: AccountChannel, hours: number): Promise<Invited> {
      const [invitationId, code] = [clock.uuid(), invitationCode(randomBytes(INVITATION_CODE_BYTES))];
      const codeHash = invitationCodeHash(code);
      if (codeHash === undefined) throw new Error('an invitation was made with a code that is none');
      const expiresAt = new Date(Date.parse(clock.now()) + hours * HOUR_MS).toISOString();
      const data = { personId, invitationId, codeHash, channel, expiresAt };
      const { position } = await send(session.personId, session.channel, { type: 'Invite', data });
      return { invitationId, code, expiresAt, position };
    },

    /**
     * Links the account to whom the code invites: having it is the proof. Safe to repeat: an account that is somebody already is told who.
     * Throws `DomainError` `invitation-invalid` for every code that is not good, `identity-taken` for one of another person. Who guesses is
     * for the surface to slow down.
     */
    async redeem(channel: AccountChannel, subject: string, typed: string): Promise<Person> {
      const codeHash = invitationCodeHash(typed);
      const holder = await byIdentity(channel, subject);
      const personId = codeHash && queries.personByInvitation(codeHash);
      if (codeHash === undefined || personId === undefined) {
        if (holder) return holder;
        throw new DomainError('invitation-invalid');
      }
      await refuseTaken(personId, channel, subject);
      const data = { personId, codeHash, channel, subject: text(subject) };
      try {
        // Its id is made of nothing: the number of an account could be guessed from it, also after an erasure.
        await settle(personId, channel, subject, await send(SERVICE, channel, { type: 'RedeemInvitation', data }));
      } catch (error) {
        // The same message may be taken twice at once: then this account has used the code up itself.
        const isUsed = error instanceof DomainError && error.code === 'invitation-invalid';
        const person = isUsed ? await people.get(personId) : null;
        if (!person || !isAccountOf(person, channel, subject)) throw error;
      }
      const person = await people.get(personId);
      if (!person) throw new DomainError('person-not-found');
      return person;
    },
  };
};

export type Identities = ReturnType<typeof createIdentities>;
