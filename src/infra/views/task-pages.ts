import type { DatabaseSync } from 'node:sqlite';
import { covers } from '../../domain/person/state.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { both, type Condition, covered, decodeCursor, encodeCursor, equal, oneOf, pageSize } from './listing.ts';

export interface TaskFilter {
  readonly status?: TaskView['status'];
  /** Any of these. */
  readonly statuses?: readonly TaskView['status'][];
  readonly repo?: string;
  readonly requestedBy?: string;
  /** Only of repositories that one of these patterns names: `*`, `org/*` or a name. */
  readonly repositories?: readonly string[];
  /** Goes on after the page that gave it. */
  readonly cursor?: string;
  readonly limit: number;
}

interface TaskPage {
  /** Each a `TaskSummary` as JSON text, newest first. */
  readonly tasks: readonly string[];
  /** `null`: there are no more. */
  readonly next: string | null;
}

/** Among so many tasks before the cursor most pages are found. Only for one that is not, the indexes are asked. */
const NEAR_TASKS_MAX = 1_000;

/**
 * Pages of tasks, newest first. However many tasks there are and however rare those that are asked for, what is read is near the cursor, or at most a
 * page of each repository in each status. Only of a person’s tasks those are read as well, one by one, that are of other repositories.
 */
export const taskPages = (database: DatabaseSync, list: string) => {
  const newest = database.prepare(`SELECT max(id) AS id FROM ${list}`);
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  const shown = (where: string, values: readonly (string | number)[]) => {
    const sql = `SELECT id, summary FROM ${list} WHERE ${where} ORDER BY id DESC LIMIT ?`;
    const prepared = statements.get(sql) ?? database.prepare(sql);
    // Patterns of repositories are part of the text: a few prepared statements a kind of reader, not one for each.
    if (statements.size < 100) statements.set(sql, prepared);
    return prepared.all(...values);
  };

  /** From each repository to the next: as many steps in an index as there are repositories, however many tasks each has. */
  const oneOfRepositories = ({ sql, values }: Condition): Condition => ({
    sql: `AND repo IN (
      WITH RECURSIVE known(repo) AS (
        SELECT min(repo) FROM ${list} UNION ALL
        SELECT (SELECT min(repo) FROM ${list} WHERE repo > known.repo) FROM known WHERE repo IS NOT NULL
      ) SELECT repo FROM known WHERE repo IS NOT NULL ${sql})`,
    values,
  });

  /** Pages follow each other without gaps or repetitions, whatever is added meanwhile. Throws `InvalidCursor`. */
  return ({ status, statuses = [], repo, requestedBy, repositories = ['*'], cursor, limit }: TaskFilter): TaskPage => {
    const before = cursor === undefined ? Number(newest.get()?.id ?? 0) + 1 : decodeCursor(cursor);
    const wanted = pageSize(limit);
    const isReadable = repo === undefined || repositories.some((pattern) => covers(pattern, repo));
    const place = repo !== undefined && isReadable ? equal({ repo }) : covered(isReadable ? repositories : []);
    const asked = both(equal({ requested_by: requestedBy, status }), oneOf('status', statuses));

    const near = () => {
      const { sql, values } = both(place, asked);
      return shown(`id < ? AND id >= ? ${sql}`, [before, before - NEAR_TASKS_MAX, ...values, wanted + 1]);
    };

    /** Each of these indexes has the ids of equal rows in their order, so of those no more are read than may be shown. */
    const anywhere = () => {
      const isOfPerson = requestedBy !== undefined;
      const isOfPlaces = !isOfPerson && place.sql !== '';
      const columns = [
        ...(isOfPerson ? ['requested_by'] : []),
        ...(isOfPlaces ? ['repo'] : []),
        ...(status === undefined && statuses.length === 0 ? [] : ['status']),
      ];
      const index = columns.length === 0 ? '' : `INDEXED BY ${list}_by_${columns.join('_')}`;
      const { sql, values } = both(isOfPlaces && repo === undefined ? oneOfRepositories(place) : place, asked);
      const ids = `SELECT id FROM ${list} ${index} WHERE id < ? ${sql} ORDER BY id DESC LIMIT ?`;
      return shown(`id IN (${ids})`, [before, ...values, wanted + 1, wanted + 1]);
    };

    const close = near();
    const rows = close.length > wanted || before <= NEAR_TASKS_MAX ? close : anywhere();
    const page = rows.slice(0, wanted);
    const last = page.at(-1);
    return {
      tasks: page.map(({ summary }) => String(summary)),
      next: rows.length > wanted && last ? encodeCursor(Number(last.id)) : null,
    };
  };
};
