import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClientRecord, ClientRecords, ClientStream } from './eventstoredb-client.ts';
import { isMissingStream, storeError, storeSilent } from './eventstoredb-errors.ts';

/** Records handled between two waits. */
const CHUNK_RECORDS = 500;

const alarm = () => {
  let ring: () => void = () => undefined;
  return {
    ring: () => ring(),
    /** `false` when nothing rang within `ms`. */
    rings: (ms: number): Promise<boolean> =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), ms);
        ring = () => {
          clearTimeout(timer);
          resolve(true);
        };
      }),
  };
};

const readUpTo = (stream: ClientStream, limit: number): ClientRecord[] => {
  const records: ClientRecord[] = [];
  for (let item = stream.read(); item !== null; item = records.length < limit ? stream.read() : null) {
    if (item.event) records.push(item.event);
  }
  return records;
};

/**
 * The records of a stream as they come, at most `limit` at a time; an empty list after each silence of `quietMs`. Ends with the stream, or when
 * `signal` aborts; the call behind it is then over too. Throws what the stream emitted, once everything before it was read.
 */
export async function* chunksOf(
  stream: ClientStream,
  limit: number,
  quietMs: number,
  signal?: AbortSignal,
): AsyncGenerator<readonly ClientRecord[]> {
  const { ring, rings } = alarm();
  // The client emits errors without destroying the stream, so the stream does not remember them. Unheard, a late one would end the process.
  let fate: { readonly error?: unknown } | undefined;
  stream.on('readable', ring);
  stream.on('error', (error) => {
    fate ??= { error };
    ring();
  });
  stream.on('end', () => {
    fate ??= {};
    ring();
  });
  signal?.addEventListener('abort', ring);
  try {
    while (!signal?.aborted) {
      const records = readUpTo(stream, limit);
      if (records.length > 0) {
        yield records;
      } else if (fate) {
        if ('error' in fate) throw fate.error;
        return;
      } else if (await rings(quietMs)) {
        // What came with the first one belongs to the same chunk.
        await nextTurn();
      } else {
        yield [];
      }
    }
  } finally {
    signal?.removeEventListener('abort', ring);
    cancel(stream);
  }
}

/** What had arrived is read and dropped: a call with unread records never ends, and closing the client waits for it. */
const cancel = (stream: ClientStream): void => {
  const cancelled = stream.cancel?.() ?? stream.unsubscribe?.();
  cancelled?.catch(() => undefined);
  stream.removeAllListeners('readable');
  stream.resume();
};

/** The records of an iterator that nobody can cancel. After a silence it is let go of, and ends by itself. */
async function* iterated(records: ClientRecords, timeoutMs: number): AsyncGenerator<ClientRecord> {
  const iterator = records[Symbol.asyncIterator]();
  while (true) {
    const next = iterator.next();
    next.catch(() => undefined); // Nobody waits for it any more after a silence.
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(storeSilent()), timeoutMs);
    const { done, value } = await Promise.race([next, late.promise]).finally(() => clearTimeout(timer));
    if (done) return;
    if (value.event) yield value.event;
  }
}

/** The records of a stream of the client's. */
async function* streamed(stream: ClientStream, timeoutMs: number): AsyncGenerator<ClientRecord> {
  for await (const records of chunksOf(stream, CHUNK_RECORDS, timeoutMs)) {
    if (records.length === 0) throw storeSilent();
    yield* records;
  }
}

/**
 * The records of a read, nothing for a missing stream. The clients give reads no deadline, so `timeoutMs` bounds each wait. Throws
 * `StoreUnavailable`.
 */
export async function* recordsOf(read: ClientStream | ClientRecords, timeoutMs: number): AsyncGenerator<ClientRecord> {
  try {
    yield* 'readableLength' in read ? streamed(read, timeoutMs) : iterated(read, timeoutMs);
  } catch (error) {
    if (!isMissingStream(error)) throw storeError(error);
  }
}
