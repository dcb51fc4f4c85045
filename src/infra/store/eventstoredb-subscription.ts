import { type Batch, type Position, StoreUnavailable, type SubscribeOptions } from '../../domain/event-store.ts';
import type { ClientStream } from './eventstoredb-client.ts';
import { storeError, storeSilent } from './eventstoredb-errors.ts';
import { positionOf, recorded } from './eventstoredb-record.ts';
import { chunksOf } from './eventstoredb-stream.ts';

/** First and longest wait before a lost subscription is made again, in milliseconds. */
const RETRY_MS = { first: 50, longest: 5000 };

/** Events of one batch when nobody says otherwise. */
const BATCH_EVENTS = 500;

export interface Feed {
  head(): Promise<Position | null>;
  /** Events of all streams but the server's own, after `position`. */
  open(position: Position | null, bufferEvents: number): ClientStream;
  /** Longest silence before it is checked that there is nothing to hear, in milliseconds. */
  readonly quietMs: number;
}

/** One subscription until it breaks, ends or is aborted. Throws `StoreUnavailable`. */
async function* followOnce(
  feed: Feed,
  after: Position | null,
  options: SubscribeOptions,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const { streamPrefixes, batchSize = BATCH_EVENTS } = options;
  const wanted = (stream: string): boolean => streamPrefixes?.some((prefix) => stream.startsWith(prefix)) ?? true;
  // The server does not say when a subscriber has caught up.
  const target = await feed.head();
  let position = after;
  let live = target === null || (position !== null && position >= target);
  if (live) yield { events: [], checkpoint: position, live };

  const stream = feed.open(position, batchSize);
  for await (const records of chunksOf(stream, batchSize, feed.quietMs, signal)) {
    const last = records.at(-1)?.position;
    if (last) {
      position = positionOf(last);
      live ||= target !== null && position >= target;
      const events = records
        .filter(({ streamId }) => wanted(streamId))
        .map(recorded)
        .filter((event) => event !== undefined);
      yield { events, checkpoint: position, live: live && stream.readableLength === 0 };
    } else {
      const head = await feed.head();
      if (head !== null && (position === null || head > position)) throw storeSilent();
    }
  }
  if (!signal.aborted) throw storeSilent();
}

const waitOr = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });

/**
 * Events of $all, made again from the last event seen whenever it breaks. Prefixes are looked at here and not by the server: so every event
 * that passes moves the checkpoint, and no checkpoint of the server, which some versions set past the end of the log, has to be trusted.
 */
export async function* follow(feed: Feed, options: SubscribeOptions, signal: AbortSignal): AsyncGenerator<Batch> {
  let position = options.after;
  let pauseMs = RETRY_MS.first;
  while (!signal.aborted) {
    try {
      for await (const batch of followOnce(feed, position, options, signal)) {
        position = batch.checkpoint;
        pauseMs = RETRY_MS.first;
        yield batch;
      }
    } catch (thrown) {
      const error = storeError(thrown);
      if (!(error instanceof StoreUnavailable)) throw error;
      await waitOr(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, RETRY_MS.longest);
    }
  }
}
