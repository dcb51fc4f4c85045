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

/** The condition on a column `repo` that one of these patterns names it: `*`, `org/*` or a name. */
export const covered = (patterns: readonly string[]): Condition => {
  if (patterns.includes('*')) return { sql: '', values: [] };
  const alternatives = patterns.map((pattern) => (pattern.endsWith('/*') ? 'instr(repo, ?) = 1' : 'repo = ?'));
  return {
    sql: `AND (${alternatives.join(' OR ') || 'FALSE'})`,
    values: patterns.map((pattern) => (pattern.endsWith('/*') ? pattern.slice(0, -1) : pattern)),
  };
};
