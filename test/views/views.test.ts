import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Happened } from '../../src/domain/event.ts';
import type { EventStore } from '../../src/domain/event-store.ts';
import { taskStream } from '../../src/domain/ids.ts';
import { redacted } from '../../src/domain/text.ts';
import type { SqliteStore } from '../../src/infra/store/sqlite.ts';
import { PROJECTIONS } from '../../src/infra/views/projections.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { TaskView } from '../../src/projections/task-view.ts';
import type { FoldedTask } from '../../src/projections/tasks.ts';
import { tasksProjection } from '../../src/projections/tasks.ts';
import {
  rerunRequested,
  taskCancelled,
  taskCreated,
  textRedacted,
  untilAgent,
  untilCompleted,
  untilPatchGate,
  untilPrepared,
} from '../domain/task/events.ts';
import { text } from '../domain/task/samples.ts';
import { aFolder, aStore, theViews } from './places.ts';
import { storyOf, taskIdOf, tell, tellMany } from './stories.ts';

/** The table of the list of tasks in the first build of today's version. */
const TASK_LIST = `task_list_v${tasksProjection.version}`;

const HISTORIES = [untilPrepared, untilAgent, untilPatchGate, untilCompleted];
const someHistory = (number: number): readonly Happened[] => HISTORIES[number % HISTORIES.length] ?? [];

const withTasks = (tasks: Projection): readonly Projection[] => [tasks, ...PROJECTIONS.filter(({ name }) => name !== tasks.name)];

/** A log of some tasks with its views, come to its end. */
const viewed = async (tasks = 0, options: Parameters<typeof theViews>[2] = {}) => {
  const folder = aFolder();
  const store = aStore(folder);
  await tellMany(store, tasks, someHistory);
  const views = await theViews(folder, store, options);
  await views.ready;
  return { folder, store, views };
};

/** Everything that stands in the files of the views. */
const onDisk = (folder: string): string =>
  ['views.db', 'views.db-wal'].map((name) => readFileSync(join(folder, name), 'latin1')).join('');

describe('The views of a log', () => {
  it('show what was appended once they have come to its position', async () => {
    const { store, views } = await viewed();

    expect(await views.waitFor(await tell(store, 1, untilCompleted), 5_000)).toBe(true);

    const task = views.queries.getTask(taskIdOf(1));
    expect(task).toMatchObject({ taskId: taskIdOf(1), repo: 'acme/shop', status: 'COMPLETED' });
    expect(TaskView.parse(JSON.parse(task?.json ?? ''))).toMatchObject({ status: 'COMPLETED', pullRequest: { number: 7 } });
  });

  it('say so when they do not come to a position in time', async () => {
    const { views } = await viewed(2);
    expect(await views.waitFor('9'.repeat(16), 20)).toBe(false);
  });

  it('come to positions of events that are none of theirs', async () => {
    const { store, views } = await viewed();
    const { position } = await store.append('worker-one', [{ id: 'x', type: 'Heard', data: {}, metadata: {} }], 'any');
    expect(await views.waitFor(position, 5_000)).toBe(true);
  });

  it('tell which streams each commit touched', async () => {
    const { store, views } = await viewed();
    const touched: string[] = [];
    const stop = views.onChange((streams) => touched.push(...streams));

    await views.waitFor(await tell(store, 1, untilPrepared), 5_000);
    stop();
    await views.waitFor(await tell(store, 2, untilPrepared), 5_000);

    expect(new Set(touched)).toEqual(new Set([taskStream(taskIdOf(1))]));
  });

  it('come back the same after they were deleted, all 10,000 tasks of them, and the audit byte for byte', async () => {
    const { folder, store, views } = await viewed();
    // Told while the views look on: in batches of all sizes, where the rebuild sees large ones.
    await tellMany(store, 10_200, (number) => (number % 50 ? [taskCreated()] : someHistory(number / 50)));
    const head = (await store.head()) ?? '';
    expect(await views.waitFor(head, 30_000)).toBe(true);
    expect(await views.waitForAudit(head, 30_000)).toBe(true);
    const live = [...views.dump()];
    const audit = readFileSync(join(folder, 'audit.jsonl'));
    await views.close();
    rmSync(join(folder, 'views.db'));
    rmSync(join(folder, 'audit.jsonl'));

    const rebuilt = await theViews(folder, store);
    await rebuilt.ready;

    expect(live.length).toBeGreaterThan(30_000);
    expect([...rebuilt.dump()]).toEqual(live);
    expect(await rebuilt.waitForAudit(head, 30_000)).toBe(true);
    expect(readFileSync(join(folder, 'audit.jsonl')).equals(audit)).toBe(true);
  });

  it('come back the same when they are rebuilt while they answer and the log goes on', async () => {
    const { store, views } = await viewed(300);
    const progress: (readonly [string, number, number | undefined])[] = [];

    const rebuilt = views.rebuild(({ name, events, expected }) => progress.push([name, events, expected]));
    await views.waitFor(await tell(store, 1_000, untilCompleted), 5_000);
    expect(views.queries.getTask(taskIdOf(1_000))?.status).toBe('COMPLETED');
    await rebuilt;
    await views.waitFor(await tell(store, 1_001, untilCompleted), 5_000);
    const live = [...views.dump()];
    await views.rebuild();

    expect([...views.dump()]).toEqual(live);
    expect(views.queries.listTasks({ limit: 1 }).tasks[0]).toContain(taskIdOf(1_001));
    expect(progress.find(([name]) => name === 'tasks')?.[2]).toBeGreaterThan(300);
  });

  it('go on where they were after a restart', async () => {
    const { folder, store, views } = await viewed(20);
    const before = views.status().map(({ events }) => events);
    await views.close();

    const again = await theViews(folder, store);
    expect(again.status().map(({ events }) => events)).toEqual(before);
    await again.waitFor(await tell(store, 1_000, untilCompleted), 5_000);
    expect(again.queries.getTask(taskIdOf(1_000))?.status).toBe('COMPLETED');
  });

  it('fold a task that was over again from the log when something follows', async () => {
    const { folder, store, views } = await viewed();
    await views.waitFor(await tell(store, 1, untilCompleted), 5_000);
    const stateOf = (dump: Iterable<string>): unknown =>
      Array.from(dump, (line) => JSON.parse(line)).find(({ table }) => table === 'tasks').row.state;
    expect(stateOf(views.dump())).toBeNull();
    await views.close();

    const again = await theViews(folder, store);
    const rerun = [...untilCompleted, rerunRequested(), taskCancelled({ attempt: 2 })];
    await again.waitFor(await tell(store, 1, rerun.slice(0, -1), untilCompleted.length), 5_000);
    expect(stateOf(again.dump())).toMatchObject({ task: { attempt: 2, pullRequest: { number: 7 } } });
    await again.waitFor(await tell(store, 1, rerun, rerun.length - 1), 5_000);

    const live = [...again.dump()];
    await again.rebuild();
    expect([...again.dump()]).toEqual(live);
    expect(JSON.parse(again.queries.getTask(taskIdOf(1))?.json ?? '')).toMatchObject({ attempt: 2, errorCode: 'CANCELLED' });
  });

  it('are built anew when they are of another log', async () => {
    const { folder, views } = await viewed(20);
    await views.close();
    const other = aStore(folder, 'other.db');
    await tell(other, 77, untilPrepared);

    const again = await theViews(folder, other);
    await again.ready;
    expect(again.queries.listTasks({ limit: 100 }).tasks).toHaveLength(1);
    await again.waitForAudit((await other.head()) ?? '', 5_000);
    expect(again.auditHead().sequence).toBe(untilPrepared.length);
  });

  it('are built anew when their file is damaged', async () => {
    const { folder, store, views } = await viewed(20);
    const live = [...views.dump()];
    await views.close();
    writeFileSync(join(folder, 'views.db'), 'no database at all, but long enough to be looked at '.repeat(200));

    const again = await theViews(folder, store);
    await again.ready;
    expect([...again.dump()]).toEqual(live);
  });

  it('are built anew when the machine died under them, for a file that was not synced may be torn', async () => {
    const { folder, store, views } = await viewed(20);
    const live = [...views.dump()];
    await views.close();
    const torn = new DatabaseSync(join(folder, 'views.db'));
    torn.exec(`DELETE FROM ${TASK_LIST}; UPDATE about SET value = 'an earlier one' WHERE key = 'machine start'`);
    torn.close();

    const again = await theViews(folder, store);
    await again.ready;
    expect([...again.dump()]).toEqual(live);
  });

  it('go on where they were when only the process died', async () => {
    const { folder, store, views } = await viewed(20);
    const before = views.status().map(({ events }) => events);
    const died = aFolder();
    for (const suffix of ['', '-wal']) copyFileSync(join(folder, `views.db${suffix}`), join(died, `views.db${suffix}`));

    const again = await theViews(died, store);
    expect(again.status().map(({ events }) => events)).toEqual(before);
    expect([...again.dump()]).toEqual([...views.dump()]);
  });

  it.each([0.25, 0.5, 0.75, 0.9])('are built anew when their file is damaged from %d of it on', async (part) => {
    const { folder, store, views } = await viewed(200);
    const file = join(folder, 'views.db');
    await views.close();
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xa5, Math.floor(bytes.length * part)));

    // Some damage is seen at once; some ends the views when they come to it, and the next start builds them anew.
    const damaged = await theViews(folder, store);
    const ended = damaged.done.catch((error: unknown) => error);
    for (let number = 0; number < 200; number += HISTORIES.length) await tell(store, number, untilAgent, untilPrepared.length);
    const head = (await store.head()) ?? '';
    await Promise.race([ended, damaged.waitFor(head, 10_000)]);
    await damaged.close();

    const again = await theViews(folder, store);
    await again.ready;
    expect(await again.waitFor(head, 5_000)).toBe(true);
    expect(again.queries.listTasks({ limit: 100, status: 'WAIT_APPROVE_WRITE' }).tasks).toEqual([]);
    expect(again.queries.listTasks({ limit: 100, status: 'RUNNING' }).tasks).toHaveLength(100);
  });

  it('no longer hold a text that was erased, not even where nobody looks', async () => {
    const { folder, store, views } = await viewed();
    const words = 'Fix what Anna Example of Example Street told us.';
    const history = [taskCreated({ intent: text(words) }), textRedacted()];
    await views.waitFor(await tell(store, 3, history.slice(0, 1)), 5_000);
    expect(onDisk(folder)).toContain(words);

    for await (const { stream, revision, data } of store.readStream(taskStream(taskIdOf(3)))) {
      await store.redactEvent(stream, revision, { ...(data as object), intent: redacted(text(words)) });
    }
    await views.waitFor(await tell(store, 3, history, 1), 5_000);

    expect(JSON.parse(views.queries.getTask(taskIdOf(3))?.json ?? '').intent).toBe('[redacted]');
    expect(onDisk(folder)).not.toContain(words);
    const live = [...views.dump()];
    await views.close();
    rmSync(join(folder, 'views.db'));
    const rebuilt = await theViews(folder, store);
    await rebuilt.ready;
    expect([...rebuilt.dump()]).toEqual(live);
  });
});

describe('A view of a raised version', () => {
  const raised: Projection = {
    ...tasksProjection,
    version: tasksProjection.version + 1,
    show: (state) => {
      const shown = tasksProjection.show(state as FoldedTask); // The state is the same as in the version before.
      return { ...shown, document: shown.document.replace('{', '{"raised":true,') };
    },
  };

  /** A store that lets the reading from the beginning go on when it is told to. */
  const held = (store: SqliteStore) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const subscribe: EventStore['subscribe'] = async function* (options) {
      options.signal?.addEventListener('abort', () => resolve());
      if (options.after === null && options.signal?.aborted !== true) await promise;
      yield* store.subscribe(options);
    };
    return { store: { ...store, subscribe }, release: resolve };
  };

  it('is built beside the old one, which answers until then', async () => {
    const { folder, store, views } = await viewed(12);
    await views.close();
    const slow = held(store);
    const newer = await theViews(folder, slow.store, { projections: withTasks(raised) });
    await newer.ready;

    expect(newer.queries.getTask(taskIdOf(3))?.json).not.toContain('"raised"');
    expect(newer.status()[0]).toMatchObject({ version: tasksProjection.version + 1, state: 'building', events: 0 });
    const position = await tell(store, 1_000, untilPrepared);
    slow.release();

    expect(await newer.waitFor(position, 5_000)).toBe(true);
    expect(newer.queries.getTask(taskIdOf(3))?.json).toContain('"raised"');
    expect(newer.queries.getTask(taskIdOf(1_000))?.json).toContain('"raised"');
    expect(newer.status()[0]).toMatchObject({ version: tasksProjection.version + 1, state: 'live' });
  });

  it('goes on when it was interrupted, and leaves nothing of the old one', async () => {
    const { folder, store, views } = await viewed(12);
    await views.close();
    const slow = held(store);
    await (await theViews(folder, slow.store, { projections: withTasks(raised) })).close();
    slow.release();

    const newer = await theViews(folder, store, { projections: withTasks(raised) });
    await newer.waitFor(await tell(store, 1_000, untilPrepared), 5_000);
    await newer.close();
    const older = await theViews(folder, store);
    await older.ready;
    await older.waitFor(await tell(store, 1_001, untilPrepared), 5_000);
    expect(older.queries.getTask(taskIdOf(3))?.json).not.toContain('"raised"');
  });

  it('answers from what there is of it when this code cannot read the old one', async () => {
    const { folder, store, views } = await viewed(12);
    await views.close();
    const database = new DatabaseSync(join(folder, 'views.db'));
    database.exec(`DROP TABLE ${TASK_LIST}`);
    database.close();

    const newer = await theViews(folder, store, { projections: withTasks(raised) });
    await newer.ready;
    expect(newer.queries.getTask(taskIdOf(3))?.json).toContain('"raised"');
  });
});

describe('A stream with an event that only newer code knows', () => {
  const newer = async (store: EventStore, number: number, history: readonly Happened[]): Promise<void> => {
    const taskId = taskIdOf(number);
    const unknown: Happened = { type: 'TaskPraised', data: { taskId }, actor: 'person-x', at: '2026-11-21T12:00:00.000Z' };
    await store.append(
      taskStream(taskId),
      storyOf(taskId, [...history, unknown, ...untilCompleted.slice(history.length)]),
      'no_stream',
    );
  };

  it('is parked, shows what was known until then, and stops nothing else', async () => {
    const { store, views } = await viewed();
    await newer(store, 1, untilPrepared);
    expect(await views.waitFor(await tell(store, 2, untilCompleted), 5_000)).toBe(true);

    expect(views.queries.getTask(taskIdOf(1))?.status).toBe('WAIT_APPROVE_WRITE');
    expect(views.queries.getTask(taskIdOf(2))?.status).toBe('COMPLETED');
    expect(views.status()[0]?.parked).toEqual([{ stream: taskStream(taskIdOf(1)), type: 'TaskPraised', needs: '1' }]);
    expect(views.work.due('expire', '2999-01-01T00:00:00.000Z', 10)).toEqual([]);
    const shown = JSON.parse(views.queries.getTask(taskIdOf(1))?.json ?? '');
    expect(shown).toMatchObject({ status: 'WAIT_APPROVE_WRITE', approval: null, waitsFor: null });
    expect(shown.sentence).toBe(
      'This task holds TaskPraised of version 1, which this service does not know, so it stands still. Update the service; then it goes on by itself.',
    );
  });

  it('is the same after a rebuild, also when the very first event is unknown', async () => {
    const { folder, store, views } = await viewed();
    await newer(store, 1, []);
    await newer(store, 2, untilAgent);
    await views.waitFor(await tell(store, 3, untilCompleted), 5_000);
    const live = [...views.dump()];
    await views.close();
    rmSync(join(folder, 'views.db'));

    const rebuilt = await theViews(folder, store);
    await rebuilt.ready;
    expect([...rebuilt.dump()]).toEqual(live);
    expect(rebuilt.queries.listTasks({ limit: 10 }).tasks).toHaveLength(2);
  });

  it('is folded to its end once the service knows the event', async () => {
    const { folder, store, views } = await viewed();
    await newer(store, 1, untilPrepared);
    await views.waitFor(await tell(store, 2, untilCompleted), 5_000);
    await views.close();
    const knowing: Projection = {
      ...tasksProjection,
      kind: { name: 'task', events: { ...tasksProjection.kind.events, TaskPraised: z.object({ taskId: z.string() }) } },
      fold: (state, event) =>
        event.type === 'TaskPraised' ? state : tasksProjection.fold(state as FoldedTask | undefined, event),
    };

    const updated = await theViews(folder, store, { projections: withTasks(knowing) });
    await updated.ready;
    expect(updated.status()[0]?.parked).toEqual([]);
    expect(updated.queries.getTask(taskIdOf(1))?.status).toBe('COMPLETED');
  });
});

describe('A view that fails at an event', () => {
  /** Fails at the approval of one task, as often as it is told to. */
  const failing = (number: number) => {
    const fault = { left: 0 };
    const projection: Projection = {
      ...tasksProjection,
      fold: (state, event) => {
        if (event.type === 'TaskApproved' && event.stream === taskStream(taskIdOf(number)) && fault.left > 0) {
          fault.left -= 1;
          throw new TypeError('a fault of ours');
        }
        return tasksProjection.fold(state as FoldedTask | undefined, event);
      },
    };
    return { fault, projections: withTasks(projection) };
  };

  it('tries it again, and goes on when that helped', async () => {
    const { fault, projections } = failing(1);
    const { views, store } = await viewed(0, { projections });
    fault.left = 1;
    await tell(store, 1, untilAgent);
    expect(await views.waitFor(await tell(store, 2, untilCompleted), 5_000)).toBe(true);

    expect(views.status()[0]?.parked).toEqual([]);
    expect(views.queries.getTask(taskIdOf(1))?.status).toBe('RUNNING');
  });

  it('parks that stream alone, says so, and goes on with it when it is told to', async () => {
    const { fault, projections } = failing(1);
    const { views, store } = await viewed(0, { projections });
    fault.left = 2;
    await tell(store, 1, untilAgent);
    expect(await views.waitFor(await tell(store, 2, untilCompleted), 5_000)).toBe(true);

    expect(views.queries.getTask(taskIdOf(2))?.status).toBe('COMPLETED');
    expect(views.status()[0]?.parked).toEqual([{ stream: taskStream(taskIdOf(1)), type: 'TaskApproved', needs: 'fault' }]);
    expect(views.queries.getTask(taskIdOf(1))).toMatchObject({ status: 'WAIT_APPROVE_WRITE' });
    expect(views.queries.getTask(taskIdOf(1))?.json).toContain('countersign projections resume');
    fault.left = 1;
    expect(await views.resume()).toBe(0);
    expect(await views.resume()).toBe(1);
    expect(views.status()[0]?.parked).toEqual([]);
    expect(views.queries.getTask(taskIdOf(1))?.status).toBe('RUNNING');
    expect(await views.waitFor(await tell(store, 1, untilCompleted, untilAgent.length), 5_000)).toBe(true);
    expect(views.queries.getTask(taskIdOf(1))?.status).toBe('COMPLETED');
    expect(await views.resume()).toBe(0);
  });

  it('parks a stream that it cannot show, which shows what it did before', async () => {
    let isBroken = true;
    const projection: Projection = {
      ...tasksProjection,
      show: (state) => {
        if (isBroken && (state as FoldedTask).task.status === 'RUNNING') throw new RangeError('a fault of ours');
        return tasksProjection.show(state as FoldedTask);
      },
    };
    const { views, store } = await viewed(0, { projections: withTasks(projection) });
    await views.waitFor(await tell(store, 1, untilPrepared), 5_000);
    await tell(store, 1, untilAgent, untilPrepared.length);
    await views.waitFor(await tell(store, 2, untilPrepared), 5_000);

    expect(views.queries.getTask(taskIdOf(1))?.status).toBe('WAIT_APPROVE_WRITE');
    expect(views.queries.getTask(taskIdOf(2))?.status).toBe('WAIT_APPROVE_WRITE');
    isBroken = false;
    expect(await views.resume()).toBe(1);
    expect(views.queries.getTask(taskIdOf(1))?.status).toBe('RUNNING');
  });
});
