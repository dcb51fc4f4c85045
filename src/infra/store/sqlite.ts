import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { hashHolds } from '../../domain/event.ts';
import { type Batch, type EventStore, type RecordedEvent, StoreUnavailable } from '../../domain/event-store.ts';
import { encoded } from './encoded-event.ts';
import { groupAppender } from './sqlite-append.ts';
import { storeClosed, storeError } from './sqlite-errors.ts';
import { openLogFile, storeIdOf, writeNothing } from './sqlite-file.ts';
import { positionOf, rowOf } from './sqlite-position.ts';
import { logReader } from './sqlite-read.ts';
import { inTransaction } from './sqlite-transaction.ts';
import { watchLog } from './sqlite-watch.ts';

/** Events read in one call; about 2 ms. */
const PAGE_EVENTS = 500;

/** Longest wait for those who read the log at the moment, and between two tries, in milliseconds. */
const CUT = { timeoutMs: 1_000, pauseMs: 15 } as const;

/** A text that was erased is still in the write-ahead log, until that is written back and cut. Throws `StoreUnavailable` while others read on. */
const cutWriteAheadLog = async (database: DatabaseSync): Promise<void> => {
  const cut = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  const deadline = performance.now() + CUT.timeoutMs;
  while (cut.get()?.busy !== 0) {
    if (performance.now() >= deadline)
      throw new StoreUnavailable('Another process reads the log, so the erased text is still in its files. Redact again.');
    await pause(CUT.pauseMs);
  }
};

export interface SqliteStore extends EventStore {
  /**
   * Replaces the data of one event by `data`, in which texts are erased, and overwrites what stood there in the file. Safe to repeat. Throws an
   * `Error` when the event's hash would not hold (then it is not a redaction, and nothing is changed) or when there is no such event.
   */
  redactEvent(stream: string, revision: number, data: unknown): Promise<void>;
}

/**
 * The log in one SQLite file, made when it is missing. One process owns it; others may read and append, but slowly. Throws an `Error` that says
 * what to do when the file is not one of ours.
 */
export const openSqliteStore = ({ file }: { readonly file: string }): SqliteStore => {
  const database = openLogFile(file);
  const id = storeIdOf(database);
  const reader = logReader(database);
  const watch = watchLog(database, id);
  const appender = groupAppender(database, watch.changed);
  const redact = database.prepare(
    'UPDATE events SET data = ? WHERE revision = ? AND stream_id = (SELECT id FROM streams WHERE name = ?)',
  );
  let open = true;

  const read = <T>(work: () => T): T => {
    if (!open) throw storeClosed();
    try {
      return work();
    } catch (error) {
      throw storeError(error);
    }
  };

  return {
    storeId: async () => id,

    append: async (stream, events, expected) => {
      if (!open) throw storeClosed();
      return appender.append({ stream, events: encoded(events), expected });
    },

    async *readStream(stream, { from = 0, direction = 'forwards', limit = Number.POSITIVE_INFINITY } = {}) {
      const step = direction === 'forwards' ? 1 : -1;
      let next = direction === 'forwards' ? from : Number.MAX_SAFE_INTEGER;
      let left = limit;
      while (left > 0) {
        const { events, end } = read(() => reader.streamPage(stream, next, Math.min(left, PAGE_EVENTS), direction));
        yield* events;
        const last = events.at(-1);
        if (end || !last) return;
        left -= events.length;
        next = last.revision + step;
        await nextTurn();
      }
    },

    async *readAll({ after = null, limit = Number.POSITIVE_INFINITY } = {}) {
      const head = read(reader.head);
      let row = rowOf(after);
      let left = limit;
      while (left > 0 && row < head) {
        const page = read(() => reader.page(row, Math.min(left, PAGE_EVENTS)));
        yield* page.events;
        left -= page.events.length;
        row = page.reached;
        await nextTurn();
      }
    },

    head: async () => {
      const row = read(reader.head);
      return row === 0 ? null : positionOf(row);
    },

    async *subscribe({ after, streamPrefixes, batchSize = PAGE_EVENTS, signal }) {
      let row = rowOf(after);
      let live: boolean | undefined;
      while (open && !signal?.aborted) {
        const { events, reached, end } = read(() => reader.page(row, batchSize, streamPrefixes));
        if (reached > row || end !== live) {
          row = reached;
          live = end;
          yield { events, checkpoint: row === 0 ? null : positionOf(row), live } satisfies Batch;
          await nextTurn();
        } else {
          await watch.change(signal);
        }
      }
    },

    probe: async () => {
      if (!open) throw storeClosed();
      await inTransaction(database, () => writeNothing(database));
    },

    redactEvent: async (stream, revision, data) => {
      if (!open) throw storeClosed();
      await inTransaction(database, () => {
        const event: RecordedEvent | undefined = reader.streamPage(stream, revision, 1, 'forwards').events[0];
        if (event?.revision !== revision) throw new Error(`there is no event ${revision} of ${stream}`);
        if (!hashHolds({ ...event, data }))
          throw new Error(`not a redaction of event ${revision} of ${stream}: its hash would not hold`);
        redact.run(JSON.stringify(data), revision, stream);
      });
      await cutWriteAheadLog(database);
    },

    close: async () => {
      if (!open) return;
      open = false;
      await appender.drained();
      watch.close();
      database.close();
    },
  };
};
