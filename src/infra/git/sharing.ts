import { boundedMap } from './bounded-map.ts';

const KEYS_MAX = 1_000;

interface Shared<T> {
  readonly since: number;
  readonly result: Promise<T>;
  running: boolean;
}

/** Runs `work` once for all who ask for the same key while it runs, or less than `ageMs` after it began. A failure is not kept. */
export const shared = <T>(work: (key: string) => Promise<T>, ageMs: number, now: () => number): ((key: string) => Promise<T>) => {
  const known = boundedMap<string, Shared<T>>(KEYS_MAX);
  return (key) => {
    const before = known.get(key);
    if (before !== undefined && (before.running || now() - before.since < ageMs)) return before.result;
    const fresh: Shared<T> = { since: now(), result: work(key), running: true };
    known.set(key, fresh);
    const ended = (): void => {
      fresh.running = false;
    };
    fresh.result.then(ended, () => {
      ended();
      known.delete(key);
    });
    return fresh.result;
  };
};

/** What `work` comes to, or the reason of the signal as soon as it is aborted; `work` goes on for whoever else waits for it. */
export const unlessAborted = async <T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([aborted.promise, work]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
};

/** One after the other, in the order of the calls; a failure stops nobody behind it. */
export const createLock = (): (<T>(work: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
};
