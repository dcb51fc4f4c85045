import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Digest } from '../domain/canonical.ts';
import { type Person, personKind } from '../domain/person/index.ts';
import { DomainError } from '../domain/refusals.ts';
import type { Loaded, Streams } from './streams.ts';

/** Most people whose fold is kept in memory; the oldest is read anew. */
const KEPT_MAX = 1_000;

/**
 * People as their streams say it now: each look reads what came since the last one, so a right that was taken back is gone at once, in every
 * process. Who asks for the same person in one turn of the event loop shares a look, which begins after all of them asked.
 */
export const createPeople = (streams: Streams) => {
  const kept = new Map<string, Loaded<Person | null>>();

  /** Looks that have not begun. */
  const asked = new Map<string, Promise<Person | null>>();

  const look = async (personId: string): Promise<Person | null> => {
    await nextTurn();
    asked.delete(personId);
    const loaded = await streams.load(personKind, personId, kept.get(personId));
    kept.delete(personId);
    if (loaded.state) kept.set(personId, loaded);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
    return loaded.state;
  };

  const get = (personId: string): Promise<Person | null> => {
    const shared = asked.get(personId) ?? look(personId);
    asked.set(personId, shared);
    return shared;
  };

  return {
    get,
    /** The person a bearer token stands for. `personId` comes from a look-up by the token's hash. Throws `DomainError` `unauthorized`. */
    async byToken(personId: string | undefined, tokenHash: Digest, now: string): Promise<Person> {
      const person = personId === undefined ? null : await get(personId);
      const token = person?.tokens.find((issued) => issued.tokenHash === tokenHash);
      if (!person || !token || (token.expiresAt !== null && token.expiresAt <= now)) throw new DomainError('unauthorized');
      return person;
    },
  };
};

export type People = ReturnType<typeof createPeople>;
