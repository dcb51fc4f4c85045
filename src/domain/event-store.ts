import type { NewEvent } from './event.ts';

/** A place in the log: opaque, fixed width, so `<` on the strings is the order of the log. */
export type Position = string & { readonly __position: unique symbol };

/** Revision of the last event the writer has seen; `no_stream` when there must be none yet; `any` is for heart-beats only. */
export type ExpectedRevision = number | 'no_stream' | 'any';

export interface RecordedEvent extends NewEvent {
  readonly stream: string;
  /** 0 for the first event of the stream. */
  readonly revision: number;
  readonly position: Position;
}

export interface AppendResult {
  /** Revision and position of the last event appended. */
  readonly revision: number;
  readonly position: Position;
}

export interface ReadStreamOptions {
  /** First revision to read, inclusive; 0 by default. */
  readonly from?: number;
  /** `backwards` begins at the last event and ignores `from`. */
  readonly direction?: 'forwards' | 'backwards';
  readonly limit?: number;
}

export interface ReadAllOptions {
  /** Events after this position, exclusive; from the beginning by default. */
  readonly after?: Position | null;
  readonly limit?: number;
}

export interface Batch {
  readonly events: readonly RecordedEvent[];
  /** Covers every event up to it, matched by the filter or not. `null`: nothing known yet. */
  readonly checkpoint: Position | null;
  /** The subscriber has seen everything there was when the batch was made. */
  readonly live: boolean;
}

export interface SubscribeOptions {
  /** Events after this position, exclusive. */
  readonly after: Position | null;
  /** Only events of streams whose name begins with one of these. */
  readonly streamPrefixes?: readonly string[];
  /** Most events in one batch. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

/**
 * The log. Both adapters (src/infra/store) pass one contract suite. Facts and figures: docs/architecture.md, "The event store".
 */
export interface EventStore {
  /** The same for the life of the log; a checkpoint of another store is worthless. */
  storeId(): Promise<string>;
  /**
   * Appends all of `events` or none, durable when it resolves. Idempotent for the same ids at the same expected revision.
   * Throws `WrongExpectedRevision` or `StoreUnavailable` (outcome unknown: send the same again), `EventTooLarge` when all together are over 1 MiB.
   */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult>;
  /** In order of revision; nothing for a stream that does not exist. Throws `StoreUnavailable`. */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent>;
  /** In order of position. Throws `StoreUnavailable`. */
  readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent>;
  /** Position of the last event of the log; `null` when it is empty. */
  head(): Promise<Position | null>;
  /** Catches up, then stays live: ordered, at least once, reconnects by itself. Ends when `signal` aborts or the store is closed. */
  subscribe(options: SubscribeOptions): AsyncIterable<Batch>;
  /** Really writes where appends go, and leaves nothing that anybody reads. Throws what an append would: `StoreUnavailable`, `StoreFull`, `StoreDenied`. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** Someone appended after the expected revision: load again and decide again. */
export class WrongExpectedRevision extends Error {
  override readonly name = 'WrongExpectedRevision';
  readonly stream: string;
  constructor(stream: string, options?: ErrorOptions) {
    super(`${stream} has moved on since it was read`, options);
    this.stream = stream;
  }
}

/** The store did not answer. Whether an append happened is unknown; the same append may be sent again. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/** The disk under the log is full. Nothing was written; it heals when space is freed. */
export class StoreFull extends StoreUnavailable {
  override readonly name: string = 'StoreFull';
}

/** The store refuses the user it is asked as. Trying again changes nothing; the message says what to do. */
export class StoreDenied extends Error {
  override readonly name = 'StoreDenied';
}

/** An append over 1 MiB: large texts are artifacts, the event carries the digest. */
export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';
}

/** Most bytes of data and metadata, as JSON, of all events of one append together. Source: EventStoreDB limits an append so. */
export const EVENT_BYTES_MAX = 1024 * 1024;
