import { setTimeout as pause } from 'node:timers/promises';
import type { EventStore, Position } from '../../domain/event-store.ts';
import type { Build } from './build.ts';
import { persevere } from './persevere.ts';

/** Most events read at once: few enough that they die young, which keeps memory low. */
const BATCH_EVENTS_MAX = 500;

/** After a batch at the end of the log, in milliseconds: what is stored meanwhile shares a transaction, what comes after a silence waits for nothing. */
const BATCH_PAUSE_MS = 10;

/** A build that is fed, and who is told of it. */
export interface Follower {
  readonly build: Build;
  /** Aborts when the build need not be kept up any more. */
  readonly signal: AbortSignal;
  /** After each commit, with the streams it touched; none: only its position moved. */
  onCommit(streams: ReadonlySet<string>): void;
  /** After everything there was has been folded; called again after each later batch. */
  onLive(): void;
}

export interface FeedOptions {
  readonly store: EventStore;
  readonly followers: readonly Follower[];
  readonly signal: AbortSignal;
}

/** Aborts when all of `signals` have. */
const allOf = (signals: readonly AbortSignal[]): AbortSignal => {
  const all = new AbortController();
  const check = (): void => {
    if (signals.every(({ aborted }) => aborted)) all.abort();
  };
  for (const signal of signals) signal.addEventListener('abort', check, { once: true });
  check();
  return all.signal;
};

const earliest = (followers: readonly Follower[]): Position | null =>
  followers.reduce<Position | null | undefined>((least, { build }) => {
    const position = build.position();
    return least === undefined || (least !== null && (position ?? '') < least) ? position : least;
  }, undefined) ?? null;

/**
 * Folds the log into builds, from the position of the earliest on, until `signal` or all of theirs abort or the store is closed. The log is read
 * once for all of them. Throws what waiting does not mend.
 */
export const feed = ({ store, followers, signal: closing }: FeedOptions): Promise<void> => {
  const signal = AbortSignal.any([closing, allOf(followers.map((follower) => follower.signal))]);
  const fed = (): readonly Follower[] => followers.filter((follower) => !follower.signal.aborted);
  const streamPrefixes = followers.map(({ build }) => build.streamPrefix);
  return persevere(signal, async (gotSomewhere) => {
    for (const { build } of fed()) await build.unpark();
    for await (const batch of store.subscribe({ after: earliest(fed()), streamPrefixes, batchSize: BATCH_EVENTS_MAX, signal })) {
      for (const { build, onCommit } of fed()) {
        await build.apply(batch, onCommit);
        if (signal.aborted) return;
      }
      if (batch.live) for (const { onLive } of fed()) onLive();
      gotSomewhere();
      if (batch.live) await pause(BATCH_PAUSE_MS);
    }
  });
};
