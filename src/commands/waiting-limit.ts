import { DomainError } from '../domain/refusals.ts';

interface Known {
  /** Not fewer than were waiting when they were counted, and were filed since. */
  waiting: number;
  filing: number;
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
    const fresh = { waiting: max, filing: 0 };
    people.set(personId, fresh);
    return fresh;
  };

  /** Files by calling `file`. Throws `DomainError` `too-many-waiting` before that, unless `isKnown`: what was filed already is no more. */
  return async <Filed>(personId: string, isKnown: () => boolean, file: () => Promise<Filed>): Promise<Filed> => {
    const known = knownOf(personId);
    if (known.waiting >= max) {
      const counted = await count(personId);
      // Those that are being filed at this moment may not be counted yet.
      known.waiting = counted + known.filing;
    }
    if (known.waiting >= max) {
      if (isKnown()) return file();
      throw new DomainError('too-many-waiting');
    }
    known.waiting++;
    known.filing++;
    try {
      return await file();
    } finally {
      known.filing--;
    }
  };
};
