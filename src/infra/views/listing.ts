/** The cursor is none that a page gave. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor';
}

const PAGE_ROWS_MAX = 100;

/** How many rows a page of `limit` has: 1 to 100. */
export const pageSize = (limit: number): number => Math.max(1, Math.min(limit, PAGE_ROWS_MAX));

/** Names the row after which the next page begins. */
export const encodeCursor = (id: number): string => Buffer.from(`t${id}`).toString('base64url');

/** Throws `InvalidCursor`. */
export const decodeCursor = (cursor: string): number => {
  const match = /^t([1-9]\d{0,14})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match) throw new InvalidCursor('This cursor is none that a page gave. Begin without one.');
  return Number(match[1]);
};

/** Begins with `AND`, or is nothing. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly string[];
}

export const both = (one: Condition, other: Condition): Condition => ({
  sql: `${one.sql} ${other.sql}`,
  values: [...one.values, ...other.values],
});

/** Columns that have a value, those that are not asked for left out. */
export const equal = (columns: Readonly<Record<string, string | undefined>>): Condition => {
  const asked = Object.entries(columns).flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]));
  return { sql: asked.map(({ column }) => `AND ${column} = ?`).join(' '), values: asked.map(({ value }) => value) };
};

/** No values: whatever the column is. */
export const oneOf = (column: string, values: readonly string[]): Condition => ({
  sql: values.length === 0 ? '' : `AND ${column} IN (${values.map(() => '?').join(', ')})`,
  values,
});

/** The condition on a column `repo` that one of these patterns names it: `*`, `org/*` or a name. */
export const covered = (patterns: readonly string[]): Condition => {
  if (patterns.includes('*')) return { sql: '', values: [] };
  const alternatives = patterns.map((pattern) => (pattern.endsWith('/*') ? 'instr(repo, ?) = 1' : 'repo = ?'));
  return {
    sql: `AND (${alternatives.join(' OR ') || 'FALSE'})`,
    values: patterns.map((pattern) => (pattern.endsWith('/*') ? pattern.slice(0, -1) : pattern)),
  };
};
