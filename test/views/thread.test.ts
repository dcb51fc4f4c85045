import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as client from '@eventstore/db-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StoreUnavailable } from '../../src/domain/event-store.ts';
import { taskStream } from '../../src/domain/ids.ts';
import { redacted } from '../../src/domain/text.ts';
import { openEventStoreDb } from '../../src/infra/store/eventstoredb.ts';
import { startKeeper } from '../../src/infra/views/threaded-keeper.ts';
import { openViews, type Views } from '../../src/infra/views/views.ts';
import { taskCreated, textRedacted, untilCompleted, untilPrepared } from '../domain/task/events.ts';
import { text } from '../domain/task/samples.ts';
import { startServerDouble } from '../store/server-double/index.ts';
import { aFolder, aStore, theViews } from './places.ts';
import { taskIdOf, tell, tellMany } from './stories.ts';

/** The views as the service has them: kept by a thread that has connections of its own. */
const threaded = async (folder: string, eventStoreUrl: string | null = null): Promise<Views> => {
  const file = join(folder, 'views.db');
  const place = { file, auditFile: join(folder, 'audit.jsonl'), store: { eventStoreUrl, file: join(folder, 'log.db') } };
  const views = await openViews(file, await startKeeper(place));
  onTestFinished(() => views.close());
  await views.ready;
  return views;
};

const some = async (tasks: number) => {
  const folder = aFolder();
  const store = aStore(folder);
  await tellMany(store, tasks, () => untilCompleted);
  return { folder, store, views: await threaded(folder) };
};

describe('Views that a thread keeps', () => {
  it('say that the log is away when parked streams are tried again meanwhile', async () => {
    const server = await startServerDouble();
    onTestFinished(() => server.stop());
    const store = openEventStoreDb({ url: server.url, client });
    onTestFinished(() => store.close());
    const position = await tell(store, 1, untilPrepared);
    const unreadable = { id: crypto.randomUUID(), type: 'TaskApproved', data: {}, metadata: {} };
    await store.append(taskStream(taskIdOf(1)), [unreadable], untilPrepared.length - 1);
    const views = await threaded(aFolder(), server.url);
    await views.waitFor(position, 5_000);
    await expect.poll(() => views.status().flatMap(({ parked }) => parked)).not.toEqual([]);

    await server.stop();
    await expect(views.resume()).rejects.toThrow(StoreUnavailable);
  });

  it('tell of what another thread appends', async () => {
    const { store, views } = await some(0);
    const touched: string[] = [];
    views.onChange((streams) => touched.push(...streams));
    for (let number = 0; number < 20; number++) await views.waitFor(await tell(store, number, untilPrepared), 5_000);

    expect(new Set(touched).size).toBe(20);
    expect(views.queries.getTask(taskIdOf(7))?.status).toBe('WAIT_APPROVE_WRITE');
  });

  it('hold what views kept on one thread hold, and so does the audit', async () => {
    const { folder, store, views } = await some(50);
    const head = (await store.head()) ?? '';
    expect(await views.waitForAudit(head, 5_000)).toBe(true);
    const dumped = [...views.dump()];
    const other = aFolder();
    const alone = await theViews(other, store);
    await alone.ready;
    await alone.waitForAudit(head, 5_000);

    expect([...alone.dump()]).toEqual(dumped);
    expect(views.auditHead()).toEqual(alone.auditHead());
    expect(readFileSync(join(folder, 'audit.jsonl')).equals(readFileSync(join(other, 'audit.jsonl')))).toBe(true);
  });

  it('answer all the while they are rebuilt, again and again', async () => {
    const { views } = await some(200);
    const before = [...views.dump()];
    const progress = new Set<string>();
    let rebuilding = true;
    const rebuilt = (async () => {
      for (let times = 0; times < 3; times++) await views.rebuild(({ name }) => progress.add(name));
      rebuilding = false;
    })();

    // A table that was replaced is not taken away from under whoever still reads it.
    while (rebuilding) {
      expect(views.queries.listTasks({ limit: 100 }).tasks).toHaveLength(100);
      expect(views.queries.getTask(taskIdOf(7))?.status).toBe('COMPLETED');
      await nextTurn();
    }
    await rebuilt;
    expect([...views.dump()]).toEqual(before);
    expect([...progress]).toEqual(expect.arrayContaining(['tasks', 'audit']));
  });

  it('let go of a text that is erased while they read', async () => {
    const { folder, store, views } = await some(0);
    const words = 'Fix what Anna Example of Example Street told us.';
    const history = [taskCreated({ intent: text(words) }), textRedacted()];
    await views.waitFor(await tell(store, 3, history.slice(0, 1)), 5_000);
    const rebuilt = views.rebuild();
    for await (const { stream, revision, data } of store.readStream(taskStream(taskIdOf(3)))) {
      await store.redactEvent(stream, revision, { ...(data as object), intent: redacted(text(words)) });
    }
    const position = await tell(store, 3, history, 1);
    await rebuilt;
    expect(await views.waitFor(position, 5_000)).toBe(true);
    expect(await views.waitForAudit(position, 5_000)).toBe(true);

    expect(JSON.parse(views.queries.getTask(taskIdOf(3))?.json ?? '').intent).toBe('[redacted]');
    const files = ['log.db', 'log.db-wal', 'views.db', 'views.db-wal', 'audit.jsonl'];
    const holding = (): string[] => files.filter((name) => readFileSync(join(folder, name), 'latin1').includes(words));
    // The build that was replaced is removed after the one that replaces it answers.
    await expect.poll(holding, { timeout: 5_000 }).toEqual([]);
  });

  it('are not opened when the log cannot be, and say why', async () => {
    const folder = aFolder();
    writeFileSync(join(folder, 'log.db'), 'something else, and long enough to be looked at '.repeat(100));
    await expect(threaded(folder)).rejects.toThrow('The file in the place of the event log is something else.');
  });

  it('end with what they met, and are built anew by the next start', async () => {
    const { folder, store, views } = await some(200);
    await views.close();
    const file = join(folder, 'views.db');
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xa5, Math.floor(bytes.length / 2)));

    const damaged = await threaded(folder).catch(() => undefined);
    for (let number = 0; number < 200; number++) await tell(store, number + 1_000, untilPrepared);
    const head = (await store.head()) ?? '';
    await Promise.race([damaged?.done.catch(() => undefined), damaged?.waitFor(head, 10_000)]);
    await damaged?.close();

    const again = await threaded(folder);
    expect(await again.waitFor(head, 5_000)).toBe(true);
    expect(again.queries.countByStatus()).toEqual({ COMPLETED: 200, WAIT_APPROVE_WRITE: 200 });
  });

  it('end with damage that only a reader meets, and are built anew by the next start', async () => {
    const { folder, views } = await some(200);
    await views.close();
    const file = join(folder, 'views.db');
    const bytes = readFileSync(file);
    const pageBytes = bytes.readUInt16BE(16);
    // Nothing is appended any more, so the keeper never looks there.
    const wanted = `"taskId":"${taskIdOf(7)}"`;
    for (let page = bytes.indexOf(wanted); page !== -1; page = bytes.indexOf(wanted, page + 1)) {
      bytes.fill(0xa5, page - (page % pageBytes), page - (page % pageBytes) + pageBytes);
    }
    writeFileSync(file, bytes);

    const damaged = await threaded(folder);
    expect(damaged.queries.getTask(taskIdOf(150))?.status).toBe('COMPLETED');
    expect(() => damaged.queries.getTask(taskIdOf(7))).toThrow('malformed');
    await expect(damaged.done).rejects.toThrow('The file of the views is damaged.');
    await damaged.close();

    const again = await threaded(folder);
    expect(again.queries.getTask(taskIdOf(7))?.status).toBe('COMPLETED');
  });

  it('close in order, twice if need be', async () => {
    const { views } = await some(10);
    await views.close();
    await views.close();
    await expect(views.done).resolves.toBeUndefined();
  });
});
