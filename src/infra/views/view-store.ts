import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventStore, Position } from '../../domain/event-store.ts';
import type { Projection } from '../../projections/projection.ts';
import { type Build, type BuildId, openBuild } from './build.ts';
import { tableName } from './view-tables.ts';

/** Rows deleted between two turns of the event loop. */
const DISCARDED_ROWS_MAX = 200;

/** A build as the file lists it. Code of another version can read it, and cannot go on with it. */
export interface ListedBuild extends BuildId {
  readonly name: string;
  /** What is discarded is being removed: it is never gone on with. */
  readonly state: 'building' | 'answering' | 'discarded';
  readonly named: (table: string) => string;
  readonly tables: readonly string[];
  readonly position: Position | null;
  readonly events: number;
}

const listed = (row: Record<string, SQLOutputValue>): ListedBuild => {
  const [version, build] = [Number(row.version), Number(row.build)];
  return {
    name: String(row.name),
    version,
    build,
    state: row.state as ListedBuild['state'], // The table allows no other.
    named: (table) => tableName(table, version, build),
    tables: JSON.parse(String(row.tables)),
    position: row.position as Position | null, // Written by a build.
    events: Number(row.events),
  };
};

/** The builds in one views file. */
export const viewStore = (database: DatabaseSync, store: EventStore) => {
  const all = database.prepare('SELECT * FROM builds WHERE name = ? ORDER BY version, build');
  const answer = database.prepare(
    `UPDATE builds SET state = CASE WHEN version = ? AND build = ? THEN 'answering' ELSE 'discarded' END WHERE name = ?`,
  );
  const forget = database.prepare('DELETE FROM builds WHERE name = ? AND version = ? AND build = ?');
  const forgetParked = database.prepare('DELETE FROM parked WHERE tables = ?');
  const exists = database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?');
  const list = (name: string): readonly ListedBuild[] => all.all(name).map(listed);

  return {
    list,

    /** Opens a build of today's version, which is made when it is missing. */
    open: (projection: Projection, build: number): Build =>
      openBuild(database, store, projection, { version: projection.version, build }),

    /** A number no build of today's version has. */
    nextBuild: ({ name, version }: Projection): number =>
      Math.max(0, ...list(name).map((known) => (known.version === version ? known.build : 0))) + 1,

    /** From now on, and after a restart, this build answers and the others are to be discarded. */
    letAnswer: ({ projection, version, build }: Build): void => {
      answer.run(version, build, projection.name);
    },

    /**
     * Removes what is discarded, but for the build that is still read, a few rows at a time: dropping a large table at once would keep others from
     * writing. May be cut short, and begun again.
     */
    async removeDiscarded(projection: Projection, read: BuildId, signal: AbortSignal): Promise<void> {
      for (const { name, version, build, tables, named, state } of list(projection.name)) {
        if (state !== 'discarded' || (version === read.version && build === read.build)) continue;
        for (const table of tables) {
          if (!exists.get(table)) continue;
          const erase = database.prepare(
            `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} LIMIT ${DISCARDED_ROWS_MAX})`,
          );
          while (!signal.aborted && Number(erase.run().changes) > 0) await nextTurn();
          if (signal.aborted) return;
          database.exec(`DROP TABLE ${table}`);
        }
        // A text that was erased after this build was replaced still stands in the file, until the write-ahead log is written back.
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        forgetParked.run(named(name));
        forget.run(name, version, build);
      }
    },
  };
};

export type ViewStore = ReturnType<typeof viewStore>;
