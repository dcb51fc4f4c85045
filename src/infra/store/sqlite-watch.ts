import type { DatabaseSync } from 'node:sqlite';

/** Between two looks for commits of other processes, in milliseconds. One look takes about 3 µs. */
const POLL_MS = 50;

export interface Watch {
  /** Something was appended on this connection. */
  changed(): void;
  /** Resolves at the next change since the last one that was noticed, or when `signal` aborts. May resolve for nothing. */
  change(signal?: AbortSignal): Promise<void>;
  close(): void;
}

/**
 * Own commits wake at once, and so do those of other threads of this process, which tell each other by the log's id. Those of other processes are
 * seen by `PRAGMA data_version`, which is asked only while someone waits.
 */
export const watchLog = (database: DatabaseSync, storeId: string): Watch => {
  const others = new BroadcastChannel(`log ${storeId}`);
  const dataVersion = database.prepare('PRAGMA data_version');
  const waiting = new Set<() => void>();
  let seen = dataVersion.get()?.data_version;
  let timer: NodeJS.Timeout | undefined;

  const wake = (): void => {
    clearInterval(timer);
    timer = undefined;
    for (const resolve of waiting) resolve();
    waiting.clear();
  };

  const look = (): void => {
    const now = dataVersion.get()?.data_version;
    if (now === seen) return;
    seen = now;
    wake();
  };

  others.onmessage = look;
  // Waiting for a commit keeps no thread alive.
  others.unref();

  return {
    changed: () => {
      others.postMessage(null);
      wake();
    },
    change: (signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          signal?.removeEventListener('abort', abort);
          resolve();
        };
        const abort = (): void => {
          waiting.delete(done);
          if (waiting.size === 0) wake();
          resolve();
        };
        if (signal?.aborted) return resolve();
        signal?.addEventListener('abort', abort, { once: true });
        waiting.add(done);
        timer ??= setInterval(look, POLL_MS);
        look();
      }),
    close: () => {
      others.close();
      wake();
    },
  };
};
