import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { canonicalJson } from '../../domain/canonical.ts';
import type { ViewStanding } from './slot.ts';
import { tableName } from './view-tables.ts';

/** Columns that hold JSON: their keys may stand in any order, for what was read back and what was folded in one go. */
const JSON_COLUMNS = new Set(['document', 'state', 'summary']);

const plain = (row: Record<string, SQLOutputValue>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      JSON_COLUMNS.has(column) && typeof value === 'string' ? JSON.parse(value) : value,
    ]),
  );

/** Every row of the builds that answer, as canonical JSON in an order that only their contents give. */
export function* dumpTables(database: DatabaseSync, views: readonly ViewStanding[]): Iterable<string> {
  const made = database.prepare('SELECT tables FROM builds WHERE name = ? AND version = ? AND build = ?');
  for (const { name, answering } of views) {
    const tables: readonly string[] = JSON.parse(String(made.get(name, answering.version, answering.build)?.tables));
    for (const real of tables) {
      const table = real.slice(0, -tableName('', answering.version, answering.build).length);
      for (const row of database.prepare(`SELECT * FROM ${real} ORDER BY id, rowid`).iterate()) {
        yield canonicalJson({ table, row: plain(row) });
      }
    }
  }
}
