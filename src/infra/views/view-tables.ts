import type { DatabaseSync } from 'node:sqlite';
import type { Projection, Shown, Table } from '../../projections/projection.ts';

/** Stands for the state of a stream that is over: it is not stored, and folded again from the log when something follows. */
export const IN_LOG_ONLY = Symbol('in the log only');

/** One stream as it is stored: its number, and what it was folded to. */
export interface StoredStream {
  readonly id: number;
  /** `undefined`: the stream is known, but nothing of it can be shown. */
  readonly state: unknown;
}

export interface StreamToStore extends StoredStream {
  readonly stream: string;
  readonly shown: Shown | undefined;
}

/** Names the tables of one build: `tasks_v2`, and `tasks_v2_3` for the third time version 2 is built. */
export const tableName = (table: string, version: number, build: number): string =>
  `${table}_v${version}${build === 1 ? '' : `_${build}`}`;

const indexTable = (name: string, { columns, rowsPerStream, indexes }: Table): string => {
  const id = rowsPerStream === 'one' ? 'id INTEGER PRIMARY KEY' : 'id INTEGER NOT NULL';
  const all = rowsPerStream === 'one' ? indexes : ['id', ...indexes];
  const defined = Object.entries(columns).map(([column, type]) => `${column} ${type}`);
  return [
    `CREATE TABLE ${name} (${[id, ...defined].join(', ')}) STRICT;`,
    ...all.map((list) => `CREATE INDEX ${name}_by_${list.replaceAll(', ', '_')} ON ${name} (${list});`),
  ].join('\n');
};

/** The documents come before the states: a reader of one does not load the other. */
const mainTable = (name: string): string => `CREATE TABLE ${name} (
  id INTEGER PRIMARY KEY, stream TEXT NOT NULL UNIQUE, document TEXT, state TEXT
) STRICT;`;

export const createTables = (database: DatabaseSync, projection: Projection, named: (table: string) => string): void => {
  database.exec(mainTable(named(projection.name)));
  for (const [table, definition] of Object.entries(projection.tables)) database.exec(indexTable(named(table), definition));
};

const rowWriter = (database: DatabaseSync, name: string, { columns }: Table) => {
  const names = Object.keys(columns);
  const clear = database.prepare(`DELETE FROM ${name} WHERE id = ?`);
  const insert = database.prepare(`INSERT INTO ${name} (id, ${names.join(', ')}) VALUES (?${', ?'.repeat(names.length)})`);
  return (id: number, isNew: boolean, rows: Shown['rows'][string]): void => {
    if (!isNew) clear.run(id);
    for (const row of rows) insert.run(id, ...names.map((column) => row[column] ?? null));
  };
};

/** Reads and writes the streams of one build. Writing belongs in a transaction. */
export const viewTables = (database: DatabaseSync, projection: Projection, named: (table: string) => string) => {
  const main = named(projection.name);
  const find = database.prepare(`SELECT id, state, document IS NOT NULL AS is_shown FROM ${main} WHERE stream = ?`);
  const last = database.prepare(`SELECT max(id) AS id FROM ${main}`);
  const insert = database.prepare(`INSERT INTO ${main} (id, stream, document, state) VALUES (?, ?, ?, ?)`);
  const update = database.prepare(`UPDATE ${main} SET document = ?, state = ? WHERE id = ?`);
  const writers = Object.entries(projection.tables).map(
    ([table, definition]) => [table, rowWriter(database, named(table), definition)] as const,
  );

  return {
    find(stream: string): StoredStream | undefined {
      const row = find.get(stream);
      if (!row) return undefined;
      const unstored = row.is_shown ? IN_LOG_ONLY : undefined;
      return { id: Number(row.id), state: row.state === null ? unstored : JSON.parse(String(row.state)) };
    },
    lastId: (): number => Number(last.get()?.id ?? 0),
    save({ id, stream, state, shown }: StreamToStore, isNew: boolean): void {
      const document = shown?.document ?? null;
      const folded = state === undefined || projection.isOver?.(state) ? null : JSON.stringify(state);
      if (isNew) insert.run(id, stream, document, folded);
      else update.run(document, folded, id);
      for (const [table, write] of writers) write(id, isNew, shown?.rows[table] ?? []);
    },
  };
};
