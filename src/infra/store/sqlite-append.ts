import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type AppendResult, type ExpectedRevision, StoreUnavailable, WrongExpectedRevision } from '../../domain/event-store.ts';
import type { EncodedEvent } from './encoded-event.ts';
import { positionOf } from './sqlite-position.ts';
import { inTransaction } from './sqlite-transaction.ts';

/** Most events of one group, unless one append alone has more: about 10 ms of work between two turns of the event loop. */
const GROUP_EVENTS_MAX = 256;

interface Append {
  readonly stream: string;
  readonly events: readonly EncodedEvent[];
  readonly expected: ExpectedRevision;
}

interface Waiting extends Append {
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** One append inside the open transaction. Throws `WrongExpectedRevision` before it has written anything. */
const prepareAppend = (database: DatabaseSync): ((append: Append) => AppendResult) => {
  const findStream = database.prepare('SELECT id, revision FROM streams WHERE name = ?');
  const makeStream = database.prepare('INSERT INTO streams (name, revision) VALUES (?, ?)');
  const moveStream = database.prepare('UPDATE streams SET revision = ? WHERE id = ?');
  const addEvent = database.prepare(
    'INSERT INTO events (stream_id, revision, id, type, data, metadata) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const findEvents = database.prepare(
    'SELECT id, position FROM events WHERE stream_id = ? AND revision BETWEEN ? AND ? ORDER BY revision',
  );

  /** The result of the earlier try, when exactly these events stand where this append wants them. */
  const repeated = (streamId: number, events: readonly EncodedEvent[], first: number): AppendResult | undefined => {
    const stored = findEvents.all(streamId, first, first + events.length - 1);
    const last = stored.at(-1);
    const same = stored.length === events.length && stored.every(({ id }, index) => id === events[index]?.id);
    return same && last ? { revision: first + events.length - 1, position: positionOf(Number(last.position)) } : undefined;
  };

  return ({ stream, events, expected }) => {
    const found = findStream.get(stream);
    const current = found ? Number(found.revision) : -1;
    const before = expected === 'any' ? current : expected === 'no_stream' ? -1 : expected;
    if (before !== current) {
      const result = found && repeated(Number(found.id), events, before + 1);
      if (result) return result;
      throw new WrongExpectedRevision(stream);
    }

    const revision = current + events.length;
    const streamId = found ? Number(found.id) : Number(makeStream.run(stream, revision).lastInsertRowid);
    if (found) moveStream.run(revision, streamId);
    let row = 0;
    events.forEach(({ id, type, data, metadata }, index) => {
      row = Number(addEvent.run(streamId, current + 1 + index, id, type, data, metadata).lastInsertRowid);
    });
    return { revision, position: positionOf(row) };
  };
};

const nextGroup = (queue: Waiting[]): readonly Waiting[] => {
  let events = 0;
  const rest = queue.findIndex((waiting, index) => {
    events += waiting.events.length;
    return index > 0 && events > GROUP_EVENTS_MAX;
  });
  return queue.splice(0, rest === -1 ? queue.length : rest);
};

export interface Appender {
  append(append: Append): Promise<AppendResult>;
  /** Resolves when everything that was asked for is stored or refused. */
  drained(): Promise<void>;
}

/**
 * Group commit: what is asked for in turns of the event loop that follow each other shares a transaction, and so one sync of the disk. A conflict
 * is found before anything of its append is written, so it stays with its caller. `onCommit` is called after each group that stored something.
 */
export const groupAppender = (database: DatabaseSync, onCommit: () => void): Appender => {
  const appendOne = prepareAppend(database);
  const queue: Waiting[] = [];
  let flushing: Promise<void> | undefined;

  /** What to tell the caller once the group is durable. */
  const attempt = (waiting: Waiting): (() => void) => {
    try {
      const result = appendOne(waiting);
      return () => waiting.resolve(result);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      return () => waiting.reject(error);
    }
  };

  /** Commands under way come one after the other, a turn of the event loop apart: as long as a turn brings more, the group waits for another. */
  const gathered = async (): Promise<void> => {
    let before: number;
    do {
      before = queue.length;
      await nextTurn();
    } while (queue.length > before && queue.length < GROUP_EVENTS_MAX);
  };

  const store = async (group: readonly Waiting[]): Promise<void> => {
    try {
      const answers = await inTransaction(database, () => group.map(attempt));
      for (const answer of answers) answer();
      onCommit();
    } catch (error) {
      // A disk that fails fails for all; a fault of one append is found by storing each alone.
      if (group.length > 1 && !(error instanceof StoreUnavailable)) for (const one of group) await store([one]);
      else for (const { reject } of group) reject(error);
    }
  };

  const flush = async (): Promise<void> => {
    while (queue.length > 0) {
      await gathered();
      await store(nextGroup(queue));
    }
    flushing = undefined;
  };

  return {
    append: (append) =>
      new Promise((resolve, reject) => {
        queue.push({ ...append, resolve, reject });
        flushing ??= flush();
      }),
    drained: async () => flushing,
  };
};
