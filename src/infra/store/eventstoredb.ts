import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JSONType } from '@eventstore/db-client';
import { type AppendResult, type EventStore, type Position, WrongExpectedRevision } from '../../domain/event-store.ts';
import { encoded } from './encoded-event.ts';
import { type ClientModule, type ClientPosition, connect, credentialsOf } from './eventstoredb-client.ts';
import { isNotLeader, storeClosed, storeError } from './eventstoredb-errors.ts';
import { renewingReads } from './eventstoredb-reads.ts';
import { clientPosition, positionOf, recorded, STORE_STREAM } from './eventstoredb-record.ts';
import { follow } from './eventstoredb-subscription.ts';

/** Longest wait for an answer of the server, in milliseconds. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Events read backwards in one go to find the last of ours: first, and when none was among them. */
const HEAD_EVENTS = 8;
const READ_EVENTS = 1_000;

/** Kept like heart-beats, of which only the last one is there to read. */
const PROBE_STREAM = 'worker-probe';

/** Longest silence of a subscription before it is checked, in milliseconds. */
const QUIET_MS = 60_000;

export interface EventStoreDbOptions {
  /** A connection string, such as `esdb://user:password@host:2113`. Never logged: it may hold a password. */
  readonly url: string;
  /** `@eventstore/db-client` or its successor. Never both in one process: they register the same names in a global. */
  readonly client: ClientModule;
  readonly answerTimeoutMs?: number;
  readonly quietMs?: number;
}

/**
 * The log on an EventStoreDB or KurrentDB server (22.6 or later), single node or cluster. Connects when it is first used. Throws an `Error` that
 * says what to do when the connection string is unusable.
 */
export const openEventStoreDb = ({
  url,
  client,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
  quietMs = QUIET_MS,
}: EventStoreDbOptions): EventStore => {
  const credentials = credentialsOf(url);
  // An outage seen by one subscription closes the channel of its client for everyone on it.
  const [writes, subscriptions] = [connect(client, url), connect(client, url)];
  const { read, close: closeReads } = renewingReads(() => connect(client, url), answerTimeoutMs);
  const closing = new AbortController();
  const bounded = new Set<string>();
  let id: Promise<string> | undefined;

  const ready = (): void => {
    if (closing.signal.aborted) throw storeClosed();
  };

  /** The successor calls the revision by another name and ignores the old one without a word, so it is given both. */
  const appendOptions = (expected: bigint | 'no_stream' | 'any') => ({
    expectedRevision: expected,
    streamState: expected,
    credentials,
    deadline: answerTimeoutMs,
  });

  const append: EventStore['append'] = async (stream, events, expected): Promise<AppendResult> => {
    ready();
    encoded(events);
    // Encoding them has shown that JSON can hold the data.
    const proposed = events.map((event) => client.jsonEvent({ ...event, data: event.data as JSONType }));
    const options = appendOptions(typeof expected === 'number' ? BigInt(expected) : expected);
    try {
      if (expected === 'any') await keepLastOnly(stream);
      const { success, nextExpectedRevision, position } = await throughLeader(() =>
        writes.appendToStream(stream, proposed, options),
      );
      // `?throwOnAppendFailure=false` in the connection string makes a refusal look like this.
      if (!success) throw new WrongExpectedRevision(stream);
      return {
        revision: Number(nextExpectedRevision),
        position: position ? positionOf(position) : await positionAt(stream, nextExpectedRevision),
      };
    } catch (error) {
      throw storeError(error, stream);
    }
  };

  /** A node that does not lead has stored nothing and names the one that does, to which the client then turns. */
  const throughLeader = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      if (!isNotLeader(error)) throw error;
      await nextTurn();
      return call();
    }
  };

  /** A stream without expected revisions holds heart-beats, of which only the last one says anything. */
  const keepLastOnly = async (stream: string): Promise<void> => {
    if (bounded.has(stream)) return;
    await throughLeader(() => writes.setStreamMetadata(stream, { maxCount: 1 }, appendOptions('any')));
    bounded.add(stream);
  };

  const readStream = (
    stream: string,
    fromRevision: bigint | 'start' | 'end',
    direction: 'forwards' | 'backwards',
    maxCount: number,
  ) => read((from) => from.readStream(stream, { fromRevision, direction, maxCount }));

  const positionAt = async (stream: string, revision: bigint): Promise<Position> => {
    for await (const { position } of readStream(stream, revision, 'forwards', 1)) if (position) return positionOf(position);
    throw new Error(`event ${revision} of ${stream} is missing right after it was appended`);
  };

  const head = async (): Promise<Position | null> => {
    ready();
    let before: ClientPosition | 'end' = 'end';
    // The server's own events may lie behind the last of ours, and a read is not given up in the middle.
    for (let maxCount = HEAD_EVENTS; ; maxCount = READ_EVENTS) {
      let seen = 0;
      const fromPosition: ClientPosition | 'end' = before;
      for await (const record of read((from) => from.readAll({ fromPosition, direction: 'backwards', maxCount }))) {
        const event = recorded(record);
        if (event) return event.position;
        seen += 1;
        before = record.position ?? before;
      }
      if (seen < maxCount) return null;
    }
  };

  const findStoreId = async (): Promise<string> => {
    const event = { id: randomUUID(), type: 'StoreCreated', data: { storeId: randomUUID() }, metadata: {} };
    try {
      await append(STORE_STREAM, [event], 'no_stream');
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
    }
    for await (const record of readStream(STORE_STREAM, 'start', 'forwards', 1)) {
      return String(Reflect.get(Object(record.data), 'storeId'));
    }
    throw new Error(`${STORE_STREAM} is empty right after it was written`);
  };

  return {
    storeId: async () => {
      ready();
      id ??= findStoreId();
      id.catch(() => {
        id = undefined;
      });
      return id;
    },

    append,

    async *readStream(stream, { from = 0, direction = 'forwards', limit = Number.MAX_SAFE_INTEGER } = {}) {
      ready();
      if (limit <= 0) return;
      for await (const record of readStream(stream, direction === 'forwards' ? BigInt(from) : 'end', direction, limit)) {
        const event = recorded(record);
        if (event) yield event;
      }
    },

    async *readAll({ after = null, limit = Number.MAX_SAFE_INTEGER } = {}) {
      ready();
      const fromPosition = after === null ? 'start' : clientPosition(after);
      let left = limit;
      if (left <= 0) return;
      const maxCount = Number.MAX_SAFE_INTEGER;
      for await (const record of read((from) => from.readAll({ fromPosition, direction: 'forwards', maxCount }))) {
        const event = recorded(record);
        // A read begins with the event at the position, a subscription after it.
        if (!event || event.position === after) continue;
        yield event;
        left -= 1;
        if (left === 0) return;
      }
    },

    head,

    probe: async () => {
      await append(PROBE_STREAM, [{ id: randomUUID(), type: 'StoreProbed', data: {}, metadata: {} }], 'any');
    },

    async *subscribe(options) {
      const signal = options.signal ? AbortSignal.any([closing.signal, options.signal]) : closing.signal;
      const open = (position: Position | null, highWaterMark: number) =>
        subscriptions.subscribeToAll(
          {
            fromPosition: position === null ? 'start' : clientPosition(position),
            filter: client.streamNameFilter({ regex: '^[^$]', checkpointInterval: 1000 }),
          },
          { highWaterMark },
        );
      yield* follow({ head, open, quietMs }, options, signal);
    },

    close: async () => {
      closing.abort();
      await Promise.all([writes.dispose(), closeReads(), subscriptions.dispose()]);
    },
  };
};
