import type { Digest } from '../domain/canonical.ts';
import { type Person, personKind } from '../domain/person/index.ts';
import { DomainError } from '../domain/refusals.ts';
import type { Loaded, Streams } from './streams.ts';

/** Most people whose fold is kept in memory; the oldest is read anew. */
const KEPT_MAX = 1_000;

/**
 * People as their streams say it now: each look reads what came since the last one, so a right that was taken back is gone at once, in every
 * process.
 */
export const createPeople = (streams: Streams) => {
  const kept = new Map<string, Loaded<Person | null>>();

  const get = async (personId: string): Promise<Person | null> => {
    const loaded = await streams.load(personKind, personId, kept.get(personId));
    kept.delete(personId);
    if (loaded.state) kept.set(personId, loaded);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
    return loaded.state;
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
