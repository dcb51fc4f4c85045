import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers } from '../../src/domain/person/state.ts';
import { encodeCursor } from '../../src/infra/views/listing.ts';
import { type TaskFilter, taskPages } from '../../src/infra/views/task-pages.ts';
import { createTables } from '../../src/infra/views/view-tables.ts';
import { tasksProjection } from '../../src/projections/tasks.ts';

/** Tasks whose columns are these expressions of `n`, from 1 on. Their summaries begin with their number, and are as long as in life. */
const filled = (count: number, { repo = `'acme/shop'`, status = `iif(n % 2, 'COMPLETED', 'FAILED')`, person = `'anna'` }) => {
  const database = new DatabaseSync(':memory:');
  createTables(database, tasksProjection, (table) => table);
  database.exec(`INSERT INTO task_list (id, status, repo, requested_by, channel, summary)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
    SELECT n, ${status}, ${repo}, ${person}, 'http', n || printf('%.600c', ' ') FROM numbers`);
  return database;
};

const MANY = 50_000;
const RUNS = 5;
/** The slowest takes 5, beside other load. Reading a page of each of a thousand repositories takes 300. */
const PAGE_MS_MAX = 40;

/** The least of several, in milliseconds. */
const time = (work: () => unknown): number =>
  Math.min(
    ...Array.from({ length: RUNS }, () => {
      const begin = performance.now();
      work();
      return performance.now() - begin;
    }),
  );

const RARE = `iif(n % 997 = 0, 'RUNNING', iif(n % 2, 'COMPLETED', 'FAILED'))`;
const UNDER_WAY = ['CREATED', 'WAIT_CLARIFY', 'WAIT_APPROVE_WRITE', 'RUNNING', 'WAIT_APPROVE_PATCH', 'PR_CREATED'] as const;

describe.each([
  ['of a thousand repositories', `'org/' || (n * 7919 % 1000)`],
  ['of a thousand repositories, one after the other', `'org/' || printf('%04d', n / 50)`],
  ['of a thousand repositories that were worked on long ago', `iif(n <= 25000, 'org/', 'other/') || (n * 7919 % 1000)`],
  ['of twenty repositories', `'org/' || (n % 20)`],
  ['of which few are of the organisation', `iif(n % 5000 = 0, 'org/one', 'other/' || (n * 7919 % 1000))`],
])('A page among 50,000 tasks %s', (_, repo) => {
  const pages = taskPages(filled(MANY, { repo, status: RARE }), 'task_list');

  it.each<readonly [string, Omit<TaskFilter, 'limit'>]>([
    ['all that are readable', {}],
    ['a status that many have', { status: 'FAILED' }],
    ['a status that few have', { status: 'RUNNING' }],
    ['a status that none has', { status: 'WAIT_APPROVE_WRITE' }],
    ['statuses that few have', { statuses: UNDER_WAY }],
    ['statuses that most have', { statuses: ['COMPLETED', 'FAILED'] }],
  ])('is there at once, of %s', (_asked, filter) => {
    for (const repositories of [['org/*'], ['org/*', 'other/1', 'none/such'], ['*']])
      expect(time(() => pages({ repositories, limit: 100, ...filter }))).toBeLessThan(PAGE_MS_MAX);
  });
});

describe('The statements of a page', () => {
  const database = filled(3_000, { repo: `'org/' || (n % 20)`, status: RARE });

  /** What SQLite does with the list for the page: each step with the index it uses. */
  const steps = (filter: Omit<TaskFilter, 'limit'>): string[] => {
    const asked: string[] = [];
    const prepare = (sql: string) => {
      asked.push(sql);
      return database.prepare(sql);
    };
    taskPages({ prepare } as DatabaseSync, 'task_list')({ limit: 100, ...filter }); // The one method that is called.
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${asked.at(-1)}`).all();
    return plan.map(({ detail }) => String(detail)).filter((detail) => detail.includes('task_list'));
  };

  it.each<readonly [Omit<TaskFilter, 'limit'>, string]>([
    [{ repositories: ['none/*'] }, 'task_list_by_repo (repo=? AND rowid<?)'],
    [{ repositories: ['org/*'], status: 'RUNNING' }, 'task_list_by_repo_status (repo=? AND status=? AND rowid<?)'],
    [{ repositories: ['org/*'], statuses: UNDER_WAY }, 'task_list_by_repo_status (repo=? AND status=? AND rowid<?)'],
    [{ repositories: ['org/*', 'a/b'], repo: 'a/b' }, 'task_list_by_repo (repo=? AND rowid<?)'],
    [{ repositories: ['*'], repo: 'org/1', statuses: UNDER_WAY }, 'task_list_by_repo_status (repo=? AND status=? AND rowid<?)'],
    [{ repositories: ['*'], status: 'RUNNING' }, 'task_list_by_status (status=? AND rowid<?)'],
    [{ statuses: UNDER_WAY }, 'task_list_by_status (status=? AND rowid<?)'],
    [{ requestedBy: 'bert' }, 'task_list_by_requested_by (requested_by=? AND rowid<?)'],
    [{ requestedBy: 'anna', statuses: UNDER_WAY }, 'task_list_by_requested_by_status (requested_by=? AND status=? AND rowid<?)'],
  ])('read nothing but the shown ones and %j of the index', (filter, index) => {
    const [shown, found, ...repositories] = steps(filter);
    expect(shown).toBe('SEARCH task_list USING INTEGER PRIMARY KEY (rowid=?)');
    expect(found).toBe(`SEARCH task_list USING COVERING INDEX ${index}`);
    for (const step of repositories)
      expect(step).toMatch(/^SEARCH task_list USING COVERING INDEX task_list_by_repo( \(repo>\?\))?$/);
  });
});

describe('A page of tasks', () => {
  const REPOSITORIES = ['org/a', 'org/b', 'orga/a', 'other/a', 'other/b', 'rare/a'];
  const STATUSES = ['COMPLETED', 'FAILED', 'RUNNING', 'CREATED'] as const;
  const COUNT = 4_000;
  // Whose, where and what they are changes with their age, so that some are near a cursor and others are not.
  const database = filled(COUNT, {
    repo: `CASE WHEN n % 501 = 0 THEN 'rare/a' WHEN n < 1500 THEN iif(n % 3, 'org/a', 'org/b') WHEN n < 3000 THEN iif(n % 7, 'other/a', 'orga/a') ELSE iif(n % 40, 'other/b', 'org/a') END`,
    status: `CASE WHEN n % 301 = 0 THEN 'RUNNING' WHEN n % 1999 = 0 THEN 'CREATED' WHEN n % 5 < 3 THEN 'COMPLETED' ELSE 'FAILED' END`,
    person: `CASE WHEN n % 97 = 0 THEN 'carl' WHEN n < 2500 THEN 'anna' ELSE 'bert' END`,
  });
  const pages = taskPages(database, 'task_list');
  const tasks = database
    .prepare('SELECT id, status, repo, requested_by FROM task_list ORDER BY id DESC')
    .all()
    .map((row) => ({ id: Number(row.id), status: String(row.status), repo: String(row.repo), by: String(row.requested_by) }));

  const optional = <T>(values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
  const asked = fc.record({
    status: optional(STATUSES),
    statuses: fc.subarray([...STATUSES]),
    repo: optional([...REPOSITORIES, 'none/such', '*', 'org/*']),
    requestedBy: optional(['anna', 'bert', 'carl', 'dora']),
    repositories: fc.subarray([...REPOSITORIES, '*', 'org/*', 'rare/*', 'none/*', 'or%/*', 'org/']),
    before: fc.option(fc.integer({ min: 1, max: COUNT + 2_000 }), { nil: undefined }),
    limit: fc.integer({ min: 1, max: 100 }),
  });

  it('is what filtering all of them, newest first, gives', () => {
    const check = fc.property(asked, ({ status, statuses, repo, requestedBy, repositories, before, limit }) => {
      const wanted = tasks.filter(
        (task) =>
          (before === undefined || task.id < before) &&
          (status === undefined || task.status === status) &&
          (statuses.length === 0 || statuses.some((one) => one === task.status)) &&
          (repo === undefined || task.repo === repo) &&
          (requestedBy === undefined || task.by === requestedBy) &&
          repositories.some((pattern) => covers(pattern, task.repo)),
      );
      const exact = {
        ...(status && { status }),
        ...(repo !== undefined && { repo }),
        ...(requestedBy !== undefined && { requestedBy }),
      };
      const page = pages({
        ...exact,
        statuses,
        repositories,
        limit,
        ...(before !== undefined && { cursor: encodeCursor(before) }),
      });
      expect(page.tasks.map(Number)).toEqual(wanted.slice(0, limit).map(({ id }) => id));
      expect(page.next).toBe(wanted.length > limit ? encodeCursor(wanted[limit - 1]?.id ?? 0) : null);
    });
    fc.assert(check, { numRuns: 500 });
  });
});
