import { setImmediate } from 'node:timers/promises';

/** Longest stretch of work before everybody else gets a turn. */
export const SLICE_MS = 8;
const ITEMS_PER_LOOK = 32;

/** What `work` makes of each item, in their order. Lets the event loop breathe in between. */
export const paced = async <T, R>(items: Iterable<T>, work: (item: T) => R): Promise<R[]> => {
  const results: R[] = [];
  let since = performance.now();
  for (const item of items) {
    results.push(work(item));
    if (results.length % ITEMS_PER_LOOK !== 0 || performance.now() - since < SLICE_MS) continue;
    await setImmediate();
    since = performance.now();
  }
  return results;
};
