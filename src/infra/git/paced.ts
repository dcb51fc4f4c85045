import { setImmediate } from 'node:timers/promises';

/** Longest stretch of work before everybody else gets a turn. */
const SLICE_MS = 8;
const ITEMS_PER_LOOK = 128;

/** Does `work` for each item, and lets the event loop breathe in between. */
export const paced = async <T>(items: Iterable<T>, work: (item: T) => void): Promise<void> => {
  let since = performance.now();
  let done = 0;
  for (const item of items) {
    work(item);
    done++;
    if (done % ITEMS_PER_LOOK !== 0 || performance.now() - since < SLICE_MS) continue;
    await setImmediate();
    since = performance.now();
  }
};
