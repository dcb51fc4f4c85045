import type { Update } from 'grammy/types';
import { conflict } from './refusal.ts';
import type { UpdateQueue } from './update-queue.ts';

const LIMIT_MAX = 100;
const TIMEOUT_SECONDS_MAX = 50;

export interface Poll {
  readonly offset: number;
  readonly limit: number;
  readonly timeoutSeconds: number;
  /** Aborted when the caller went away. */
  readonly signal: AbortSignal;
}

export interface Poller {
  /** Waits for updates as `getUpdates` does. Rejects with 409 as soon as another call comes. */
  poll(poll: Poll): Promise<readonly Update[]>;
  /** Ends a poll that waits, for a webhook was set. */
  interrupt(): void;
}

export const createPoller = (queue: UpdateQueue): Poller => {
  let waiting: { wake(): void; refuse(error: Error): void } | undefined;

  const take = (offset: number, limit: number): readonly Update[] => {
    const all = queue.pending();
    const gone =
      offset < 0
        ? all.slice(0, Math.max(0, all.length + offset))
        : all.filter(({ update, again }) => update.update_id < offset && !again);
    for (const { update } of gone) queue.confirm(update.update_id);
    const taken = queue.pending().slice(0, limit);
    // What is given once more is not waited for: the bot confirmed it long ago.
    for (const queued of taken) queued.again = false;
    return taken.map(({ update }) => update);
  };

  queue.onPush(() => waiting?.wake());

  return {
    poll: ({ offset, limit, timeoutSeconds, signal }) => {
      const size = limit >= 1 && limit <= LIMIT_MAX ? limit : LIMIT_MAX;
      // The real server aborts the call that waits, whoever made it; the later one goes on.
      waiting?.refuse(conflict('terminated by other getUpdates request; make sure that only one bot instance is running'));
      waiting = undefined;
      const updates = take(offset, size);
      const seconds = Math.min(Math.max(timeoutSeconds, 0), TIMEOUT_SECONDS_MAX);
      if (updates.length > 0 || seconds === 0) return Promise.resolve(updates);
      return new Promise((resolve, reject) => {
        let over = false;
        const end = (settle: () => void): void => {
          if (over) return;
          over = true;
          clearTimeout(timer);
          if (waiting === self) waiting = undefined;
          settle();
        };
        const answer = (): void => end(() => resolve(take(offset, size)));
        const self = { wake: () => setImmediate(answer), refuse: (error: Error) => end(() => reject(error)) };
        const timer = setTimeout(answer, seconds * 1000);
        signal.addEventListener('abort', () => end(() => resolve([])), { once: true });
        waiting = self;
      });
    },
    interrupt: () => {
      waiting?.refuse(conflict('terminated by setWebhook request'));
      waiting = undefined;
    },
  };
};
