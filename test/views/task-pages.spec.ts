import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { taskQueries } from '../../src/infra/views/task-queries.ts';
import { createTables } from '../../src/infra/views/view-tables.ts';
import { tasksProjection } from '../../src/projections/tasks.ts';

const TASKS = 50_000;
const RUNS = 5;

/** Many tasks of `acme/shop` after one of each of two other repositories; an odd one is done, and a hundredth is Bert’s. */
const manyTasks = () => {
  const database = new DatabaseSync(':memory:');
  createTables(database, tasksProjection, (table) => table);
  database.exec(`INSERT INTO task_list (id, status, repo, requested_by, channel, summary)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${TASKS})
    SELECT n, iif(n % 2, 'COMPLETED', 'FAILED'), iif(n = 1, 'other/one', iif(n = 2, 'other/two', 'acme/shop')),
      iif(n % 100, 'anna', 'bert'), 'http', n FROM numbers`);
  return taskQueries(database, (table) => table);
};

/** The least of several, in milliseconds. */
const time = (work: () => unknown): number =>
  Math.min(
    ...Array.from({ length: RUNS }, () => {
      const begin = performance.now();
      work();
      return performance.now() - begin;
    }),
  );

describe('A page of tasks', () => {
  const tasks = manyTasks();

  it.each([
    [{ repositories: ['other/*'] }, ['2', '1']],
    [{ repositories: ['other/two', 'other/one'] }, ['2', '1']],
    [{ repositories: ['other/*'], status: 'FAILED' }, ['2']],
    [{ repositories: ['other/*'], statuses: ['FAILED', 'COMPLETED'], repo: 'other/one' }, ['1']],
    [{ repositories: ['other/*'], repo: 'acme/shop' }, []],
    [{ repositories: ['other/*'], requestedBy: 'bert' }, []],
    [{ requestedBy: 'carl', repo: 'acme/shop' }, []],
    [{ repositories: ['*', 'other/*'] }, ['50000', '49999', '49998']],
    [{ repositories: ['acme/*', 'other/one'] }, ['50000', '49999', '49998']],
    [{ repositories: ['acme/shop', 'other/one'], status: 'COMPLETED' }, ['49999', '49997', '49995']],
  ] as const)('of %j costs its reader as little as the page of whoever may read everything', (filter, shown) => {
    const usual = time(() => tasks.listTasks({ limit: 3 }));
    expect(tasks.listTasks({ limit: 3, ...filter }).tasks).toEqual(shown);
    expect(time(() => tasks.listTasks({ limit: 3, ...filter }))).toBeLessThan(50 * usual);
  });
});
