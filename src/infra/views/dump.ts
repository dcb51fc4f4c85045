import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { canonicalJson } from '../../domain/canonical.ts';

/** Columns that hold JSON: their keys may stand in any order, for what was read back and what was folded in one go. */
const JSON_COLUMNS = new Set(['document', 'state', 'summary']);

const plain = (row: Record<string, SQLOutputValue>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      JSON_COLUMNS.has(column) && typeof value === 'string' ? JSON.parse(value) : value,
    ]),
  );

/** Every row of the given tables (shown name, real name), as canonical JSON in an order that only their contents give. */
export function* dumpTables(database: DatabaseSync, tables: readonly (readonly [string, string])[]): Iterable<string> {
  for (const [shown, real] of tables) {
    for (const row of database.prepare(`SELECT * FROM ${real} ORDER BY id, rowid`).iterate()) {
      yield canonicalJson({ table: shown, row: plain(row) });
    }
  }
}
