import { setTimeout as pause } from 'node:timers/promises';
import { type EventStore, StoreUnavailable } from '../../domain/event-store.ts';
import type { Build } from './build.ts';
import { isDiskTrouble } from './view-file.ts';

/** Most events read at once. */
const BATCH_EVENTS_MAX = 1_000;

/** Before the log is asked again when it or the disk did not answer, in milliseconds. */
const RETRY_MS = { first: 100, max: 5_000 } as const;

export interface FeedOptions {
  readonly store: EventStore;
  readonly build: Build;
  readonly signal: AbortSignal;
  /** After each commit, with the streams it touched. */
  readonly onCommit: (streams: ReadonlySet<string>) => void;
  /** After everything there was has been folded; called again after each later batch. */
  readonly onLive: () => void;
}

/** Folds the log into a build, from its position on, until `signal` aborts or the store is closed. Throws what waiting does not mend. */
export const feed = async ({ store, build, signal, onCommit, onLive }: FeedOptions): Promise<void> => {
  let wait: number = RETRY_MS.first;
  let unparked = false;
  while (!signal.aborted) {
    try {
      if (!unparked) await build.unpark();
      unparked = true;
      const streamPrefixes = [`${build.projection.kind.name}-`];
      for await (const batch of store.subscribe({
        after: build.position(),
        streamPrefixes,
        batchSize: BATCH_EVENTS_MAX,
        signal,
      })) {
        await build.apply(batch, onCommit);
        if (signal.aborted) return;
        if (batch.live) onLive();
        wait = RETRY_MS.first;
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof StoreUnavailable) && !isDiskTrouble(error)) throw error;
    }
    await pause(wait, undefined, { signal }).catch(() => undefined);
    wait = Math.min(wait * 2, RETRY_MS.max);
  }
};
