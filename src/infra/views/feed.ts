import { setTimeout as pause } from 'node:timers/promises';
import type { EventStore } from '../../domain/event-store.ts';
import type { Build } from './build.ts';
import { persevere } from './persevere.ts';

/** Most events read at once: few enough that they die young, which keeps memory low. */
const BATCH_EVENTS_MAX = 250;

/** After a batch at the end of the log, in milliseconds: what is stored meanwhile shares a transaction, what comes after a silence waits for nothing. */
const BATCH_PAUSE_MS = 5;

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
export const feed = ({ store, build, signal, onCommit, onLive }: FeedOptions): Promise<void> => {
  const streamPrefixes = [`${build.projection.kind.name}-`];
  return persevere(signal, async (gotSomewhere) => {
    await build.unpark();
    for await (const batch of store.subscribe({ after: build.position(), streamPrefixes, batchSize: BATCH_EVENTS_MAX, signal })) {
      await build.apply(batch, onCommit);
      if (signal.aborted) return;
      if (batch.live) onLive();
      gotSomewhere();
      if (batch.live) await pause(BATCH_PAUSE_MS);
    }
  });
};
