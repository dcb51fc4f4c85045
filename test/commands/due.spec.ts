import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AdmissionLimits, Weighed } from '../../src/commands/admission.ts';
import { dueSteps } from '../../src/commands/due.ts';
import type { Process } from '../../src/commands/execution.ts';
import { createTables } from '../../src/infra/views/view-tables.ts';
import { workQueries } from '../../src/infra/views/work-queries.ts';
import { tasksProjection } from '../../src/projections/tasks.ts';
import { NOON } from '../domain/task/samples.ts';

const ADMISSION: AdmissionLimits = { runningMax: 4, runningPerRepositoryMax: 2, runningHereMax: 4, lightMax: 16 };
const MANY = 50_000;
/** Measured as 2.5, and as 30 where every row is read. In milliseconds. */
const LOOK_MS_MAX = 10;

/** The work of a view with `count` steps of 20 people on one repository, and a later one on another. */
const backlog = (count: number) => {
  const database = new DatabaseSync(':memory:');
  onTestFinished(() => database.close());
  database.exec('CREATE TABLE parked (stream TEXT NOT NULL, tables TEXT NOT NULL) STRICT');
  createTables(database, tasksProjection, (table) => table);
  const fill = (from: number, to: number, repo: string): void =>
    database.exec(`
      WITH RECURSIVE n(id) AS (SELECT ${from} UNION ALL SELECT id + 1 FROM n WHERE id < ${to})
      INSERT INTO tasks (id, stream) SELECT id, 'task-' || id FROM n;
      INSERT INTO work (id, key, kind, not_before, repo, person)
      SELECT id, 'prepare-1-1', 'prepare', '', '${repo}', 'person-' || (id % 20) FROM tasks WHERE id >= ${from}`);
  fill(1, count, 'acme/hangs');
  fill(count + 1, count + 1, 'acme/answers');
  return workQueries(database, (table) => table);
};

const prepares = [{ effects: { prepare: { weight: 'light' } } }] as unknown as readonly Process[]; // All that is looked at.

const underWay = (count: number): readonly Weighed[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ stream: `task-${index + 1}`, step: { key: 'prepare-1-1', kind: 'prepare' } },
    ...{ repo: 'acme/hangs', person: 'person-1', weight: 'light', here: true },
  }));

describe('What is looked at while one repository has all the light steps it may have', () => {
  it.for([{ isAlone: true }, { isAlone: false }])('is of others, in a moment however many wait for it: %o', ({ isAlone }) => {
    const due = dueSteps(backlog(MANY), prepares, ADMISSION, isAlone);
    const looks = Array.from({ length: 9 }, () => {
      const begun = performance.now();
      expect(due(NOON, underWay(8)).map(({ stream }) => stream)).toEqual([`task-${MANY + 1}`]);
      return performance.now() - begun;
    });
    expect(Math.min(...looks)).toBeLessThan(LOOK_MS_MAX);
  });

  it('is nothing of its own, where few wait', () => {
    const due = dueSteps(backlog(20), prepares, ADMISSION, true);
    expect(due(NOON, underWay(7))).toHaveLength(21);
    expect(due(NOON, underWay(8)).map(({ stream }) => stream)).toEqual(['task-21']);
  });
});
