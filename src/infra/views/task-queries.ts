import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { KnownTask } from '../../commands/ports/task-queries.ts';
import { taskStream } from '../../domain/ids.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { taskText } from '../../projections/tasks.ts';
import { taskPages } from './task-pages.ts';

export type { TaskFilter } from './task-pages.ts';

/** The public JSON of a task, and what a reader's rights are judged by. */
export interface FoundTask {
  readonly taskId: string;
  readonly repo: string;
  readonly requestedBy: string;
  readonly status: TaskView['status'];
  /** A `TaskView` as JSON text. */
  readonly json: string;
}

/** `abcdef12-34` and `abcdef1234` begin the same ids; `undefined` when none begins so, or it is too short to stand for one. */
const idPrefix = (typed: string): string | undefined => {
  const digits = typed.toLowerCase().replaceAll('-', '');
  if (!/^[0-9a-f]{6,32}$/.test(digits)) return undefined;
  const groups = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)];
  return groups.filter((group) => group !== '').join('-');
};

/** Tasks, one or a page of them. */
export const taskQueries = (database: DatabaseSync, named: (table: string) => string) => {
  const [tasks, list] = [named('tasks'), named('task_list')];
  const found = `SELECT t.stream, t.document, l.summary, l.repo, l.requested_by, l.status FROM ${tasks} t JOIN ${list} l ON l.id = t.id`;
  const get = database.prepare(`${found} WHERE t.stream = ?`);
  const begin = database.prepare(`${found} WHERE t.stream >= ? AND t.stream < ? ORDER BY t.stream LIMIT 2`);
  const waiting = database.prepare(
    `SELECT count(*) AS count FROM ${list} WHERE requested_by = ?
     AND status IN ('CREATED', 'WAIT_CLARIFY', 'WAIT_APPROVE_WRITE', 'WAIT_APPROVE_PATCH')`,
  );
  const latest = database.prepare(`SELECT summary FROM ${list} WHERE requested_by = ? AND channel = ? ORDER BY id DESC LIMIT 1`);
  const count = database.prepare(`SELECT status, count(*) AS count FROM ${list} GROUP BY status`);

  const task = (row: Record<string, SQLOutputValue>): FoundTask => ({
    taskId: String(row.stream).slice(taskStream('').length),
    repo: String(row.repo),
    requestedBy: String(row.requested_by),
    status: row.status as FoundTask['status'], // Written by the projection.
    json: taskText(String(row.summary), String(row.document)),
  });

  const byPrefix = (typed: string): FoundTask | 'none' | 'ambiguous' => {
    const prefix = idPrefix(typed);
    if (prefix === undefined) return 'none';
    const [first, second] = begin.all(taskStream(prefix), taskStream(`${prefix}g`)); // "g" follows every digit and the dash.
    if (!first) return 'none';
    return second ? 'ambiguous' : task(first);
  };

  return {
    getTask(taskId: string): FoundTask | undefined {
      const row = get.get(taskStream(taskId));
      return row && task(row);
    },
    /** By the beginning of its id, 6 hexadecimal digits at least, with or without dashes. */
    findTaskByPrefix: byPrefix,
    /** What a command about a task needs to know, by its id or the beginning of it. */
    find(typed: string): KnownTask | 'none' | 'ambiguous' {
      const known = byPrefix(typed);
      if (typeof known === 'string') return known;
      const { taskId, attempt, approval, approvals }: TaskView = JSON.parse(known.json); // Written by the projection.
      const given = approvals.filter((one) => one.attempt === attempt).map(({ digest }) => digest);
      return { taskId, attempt, approvalDigest: approval?.digest ?? null, approvedDigests: given };
    },
    listTasks: taskPages(database, list),
    /** The person's latest task that was filed on this channel: a `TaskSummary` as JSON text. */
    lastFiled(personId: string, channel: string): string | undefined {
      const summary = latest.get(personId, channel)?.summary;
      return typeof summary === 'string' ? summary : undefined;
    },
    /** Requests of the person that are not allowed to run or to be delivered yet. */
    countWaiting: (personId: string): number => Number(waiting.get(personId)?.count),
    countByStatus: (): Readonly<Record<string, number>> =>
      Object.fromEntries(count.all().map((row) => [String(row.status), Number(row.count)])),
  };
};
