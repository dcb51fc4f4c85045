import { DomainError } from '../domain/refusals.ts';

interface Known {
  /** Not fewer than were waiting when they were counted, and were filed since. */
  waiting: number;
  readonly filing: Set<Promise<unknown>>;
  /** While it is counted nothing of this person is filed. */
  counting: Promise<void> | undefined;
}

/** Most people who are remembered; who is forgotten is counted anew. */
const PEOPLE_MAX = 1_000;

export interface WaitingLimitOptions {
  /** Requests of this person that wait now: for a worker, or for a person. */
  readonly count: (personId: string) => Promise<number>;
  readonly max: number;
}

/**
 * Lets a person file requests while fewer than `max` of theirs wait. Counting grows with what there is to count, so it is only done when what was
 * counted last and filed since comes to the limit. Soft: requests that wait again, or were filed by another process, are not seen before.
 */
export const createWaitingLimit = ({ count, max }: WaitingLimitOptions) => {
  const people = new Map<string, Known>();

  const knownOf = (personId: string): Known => {
    const known = people.get(personId);
    if (known) return known;
    if (people.size >= PEOPLE_MAX) people.clear();
    const fresh: Known = { waiting: max, filing: new Set(), counting: undefined };
    people.set(personId, fresh);
    return fresh;
  };

  /** Once what is being filed is filed, so that it is counted once and not left out. */
  const recount = (personId: string, known: Known): Promise<void> => {
    const counted = async (): Promise<void> => {
      await Promise.allSettled(known.filing);
      known.waiting = await count(personId);
    };
    known.counting ??= counted().finally(() => {
      known.counting = undefined;
    });
    return known.counting;
  };

  /** Files by calling `file`. Throws `DomainError` `too-many-waiting` before that, unless `isKnown`: what was filed already is no more. */
  return async <Filed>(personId: string, isKnown: () => boolean, file: () => Promise<Filed>): Promise<Filed> => {
    const known = knownOf(personId);
    if (known.waiting >= max) await recount(personId, known);
    if (known.waiting >= max) {
      if (isKnown()) return file();
      throw new DomainError('too-many-waiting');
    }
    known.waiting++;
    const filed = file();
    known.filing.add(filed);
    try {
      return await filed;
    } finally {
      known.filing.delete(filed);
    }
  };
};
