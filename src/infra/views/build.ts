import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Batch, EventStore, Position, RecordedEvent } from '../../domain/event-store.ts';
import { ERASURES, type Projection } from '../../projections/projection.ts';
import { type Changes, createFolding, noChanges } from './folding.ts';
import { createTables, type StoredStream, tableName, viewTables } from './view-tables.ts';

/** Longest run of folding before it is written and the thread hears what it is told, in milliseconds; writing takes about as long again. */
const FOLD_MS = 25;

/** A position that only moved, past events of other kinds, is written down this often, in milliseconds, and when the build is closed. */
const SAVE_MS = 1_000;

/** Streams whose folded state is kept in memory: those that change are mostly those that just did. */
const STATES_MAX = 256;

export interface BuildId {
  readonly version: number;
  readonly build: number;
}

/** One projection in tables of its own, with the position up to which it was folded. */
export interface Build extends BuildId {
  readonly projection: Projection;
  /** What the names of the streams it folds begin with. */
  readonly streamPrefix: string;
  /** The real name of a table of the projection. */
  readonly named: (table: string) => string;
  position(): Position | null;
  /** How many events were folded so far. */
  events(): number;
  /** Tries again to fold the streams that were parked: newer code may know their events. Resolves to those that go on. */
  unpark(): Promise<ReadonlySet<string>>;
  /**
   * Folds the batch and calls `onCommit` with the streams of each commit. Events it has seen are passed over, and so are those of other kinds.
   * Throws what SQLite or the store throws; then what is stored holds together, and the rest may be sent again.
   */
  apply(batch: Batch, onCommit: (streams: ReadonlySet<string>) => void): Promise<void>;
  /** Writes the position down. */
  save(): void;
}

const ensureTables = (database: DatabaseSync, projection: Projection, { version, build }: BuildId): void => {
  const named = (table: string): string => tableName(table, version, build);
  if (database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(named(projection.name))) return;
  try {
    database.exec('BEGIN');
    createTables(database, projection, named);
    const made = JSON.stringify([projection.name, ...Object.keys(projection.tables)].map(named));
    database
      .prepare("INSERT INTO builds (name, version, build, state, tables, events) VALUES (?, ?, ?, 'building', ?, 0)")
      .run(projection.name, version, build, made);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
};

/** Opens the tables of one build, which are made when they are missing. */
export const openBuild = (database: DatabaseSync, store: EventStore, projection: Projection, id: BuildId): Build => {
  const { version, build } = id;
  const streamPrefix = `${projection.kind.name}-`;
  const named = (table: string): string => tableName(table, version, build);
  const key = named(projection.name);
  const where = 'WHERE name = ? AND version = ? AND build = ?';

  ensureTables(database, projection, id);
  const tables = viewTables(database, projection, named);
  const folding = createFolding(projection, store);
  const move = database.prepare(`UPDATE builds SET position = ?, events = ? ${where}`);
  const notePark = database.prepare(
    'INSERT OR REPLACE INTO parked (tables, stream, revision, type, needs) VALUES (?, ?, ?, ?, ?)',
  );
  const release = database.prepare('DELETE FROM parked WHERE tables = ? AND stream = ?');
  const states = new Map<string, StoredStream>();
  const parked = new Set(
    database
      .prepare('SELECT stream FROM parked WHERE tables = ? ORDER BY stream')
      .all(key)
      .map(({ stream }) => String(stream)),
  );
  const listed = database.prepare(`SELECT position, events FROM builds ${where}`).get(projection.name, version, build);
  let position = (listed?.position ?? null) as Position | null; // Written below.
  let events = Number(listed?.events ?? 0);
  let lastId = tables.lastId();
  let saved = position;
  let savedAt = performance.now();

  const save = (reached: Position | null, folded: number): void => {
    move.run(reached, folded, projection.name, version, build);
    saved = reached;
    savedAt = performance.now();
  };

  let turn: Promise<unknown> = Promise.resolve();
  /** One after the other: what is folded meanwhile would be lost by who began before. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };

  const current = ({ stream, revision }: RecordedEvent, changes: Changes): StoredStream => {
    // Nothing is known before a stream's first event, so it need not be looked for.
    const known = changes.folded.get(stream) ?? states.get(stream) ?? (revision > 0 ? tables.find(stream) : undefined);
    if (known) return known;
    changes.isNew.add(stream);
    return { id: ++lastId, state: undefined };
  };

  const remember = (folded: ReadonlyMap<string, StoredStream>): void => {
    for (const [stream, latest] of folded) {
      states.delete(stream);
      states.set(stream, latest);
    }
    for (const oldest of states.keys()) {
      if (states.size <= STATES_MAX) break;
      states.delete(oldest);
    }
  };

  const commit = (changes: Changes, reached: Position | null, more: number, released: readonly string[] = []): void => {
    try {
      database.exec('BEGIN IMMEDIATE');
      for (const [stream, { id, state }] of changes.folded) {
        const shown = folding.show(stream, changes);
        if (changes.folded.has(stream)) tables.save({ id, stream, state, shown }, changes.isNew.has(stream));
      }
      for (const stream of released) release.run(key, stream);
      for (const [stream, { revision, type, needs }] of changes.parked) notePark.run(key, stream, revision, type, needs);
      save(reached, events + more);
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      // What is in memory was folded further than what is stored.
      states.clear();
      lastId = tables.lastId();
      throw error;
    }
    position = reached;
    events += more;
    for (const stream of released) parked.delete(stream);
    remember(changes.folded);
    for (const stream of changes.parked.keys()) {
      parked.add(stream);
      states.delete(stream);
    }
  };

  return {
    projection,
    streamPrefix,
    version,
    build,
    named,
    position: () => position,
    events: () => events,

    unpark: () =>
      inTurn(async () => {
        const goOn = new Set<string>();
        for (const stream of [...parked]) {
          const changes = noChanges();
          if (position === null) continue;
          const known = tables.find(stream);
          if (!known) changes.isNew.add(stream);
          await folding.refold(stream, known?.id ?? ++lastId, position, changes);
          folding.show(stream, changes);
          if (changes.parked.has(stream)) continue;
          commit(changes, position, 0, [stream]);
          goOn.add(stream);
        }
        return goOn;
      }),

    apply: ({ events: sent, checkpoint }, onCommit) =>
      inTurn(async () => {
        const unseen = sent.filter(
          (event) => event.stream.startsWith(streamPrefix) && (position === null || event.position > position),
        );
        if (unseen.length === 0 && checkpoint !== null && (position === null || checkpoint > position)) {
          position = checkpoint;
          if (performance.now() > savedAt + SAVE_MS) save(position, events);
          onCommit(new Set());
        }
        let index = 0;
        while (index < unseen.length) {
          const changes = noChanges();
          const first = index;
          const until = performance.now() + FOLD_MS;
          for (; index < unseen.length && performance.now() < until; index++) {
            const event = unseen[index];
            if (!event) break;
            const { stream, type } = event;
            if (ERASURES.has(type)) await folding.refold(stream, current(event, changes).id, event.position, changes);
            else if (!parked.has(stream) && !changes.parked.has(stream)) {
              const again = folding.fold(event, current(event, changes), changes);
              if (again) await again;
            }
          }
          const reached = index === unseen.length ? checkpoint : unseen[index - 1]?.position;
          if (reached && (position === null || reached > position)) {
            commit(changes, reached, index - first);
            // What was erased also stands in the write-ahead log, until that is written back and cut.
            if (unseen.slice(first, index).some(({ type }) => ERASURES.has(type)))
              database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
            onCommit(new Set(changes.folded.keys()));
          }
          if (index < unseen.length) await nextTurn();
        }
      }),

    save: () => {
      if (position !== saved) save(position, events);
    },
  };
};
