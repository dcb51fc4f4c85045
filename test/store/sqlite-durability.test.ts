import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EventStore, StoreFull, StoreUnavailable, WrongExpectedRevision } from '../../src/domain/event-store.ts';
import { encoded } from '../../src/infra/store/encoded-event.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { groupAppender } from '../../src/infra/store/sqlite-append.ts';
import { openLogFile } from '../../src/infra/store/sqlite-file.ts';
import { type Child, runChild } from './child.ts';
import { all, collect, newEvent, newEvents, newStream } from './contract.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-durability-'));
  file = join(folder, 'log.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What each stream was told is stored, after `count` acknowledgements and `kill -9`. */
const killAfter = async (child: Child, count: number): Promise<Map<string, number>> => {
  const acknowledged = new Map<string, number>();
  let seen = 0;
  for await (const line of child.lines) {
    const [stream = '', revision] = line.split(' ');
    acknowledged.set(stream, Number(revision));
    seen += 1;
    if (seen === count) child.process.kill('SIGKILL');
  }
  await child.exit;
  return acknowledged;
};

const expectWhole = async (store: EventStore, streams: Iterable<string>): Promise<Map<string, number>> => {
  const last = new Map<string, number>();
  for (const stream of streams) {
    const revisions = (await all(store.readStream(stream))).map(({ revision }) => revision);
    expect(revisions).toEqual(revisions.map((_, n) => n));
    last.set(stream, revisions.length - 1);
  }
  return last;
};

describe('A SQLite log whose process was killed', () => {
  it('holds everything that was acknowledged', async () => {
    for (const count of [1, 150, 700]) {
      const acknowledged = await killAfter(runChild('append-until-killed.ts', file, `task-${count}`, '8'), count);

      const store = openSqliteStore({ file });
      const stored = await expectWhole(store, acknowledged.keys());
      for (const [stream, revision] of acknowledged) expect(stored.get(stream)).toBeGreaterThanOrEqual(revision);
      await store.close();
    }
  });

  it('opens with a torn end, holds a prefix of it, and goes on', async () => {
    await killAfter(runChild('append-until-killed.ts', file, 'task', '4'), 200);
    const { size } = statSync(`${file}-wal`);
    truncateSync(`${file}-wal`, size - 5000);

    const store = openSqliteStore({ file });

    const stored = await expectWhole(store, ['task-0', 'task-1', 'task-2', 'task-3']);
    const revision = stored.get('task-0') ?? 0;
    expect(revision).toBeGreaterThan(0);
    expect(await store.append('task-0', newEvents(1), revision)).toMatchObject({ revision: revision + 1 });
    const positions = (await all(store.readAll())).map(({ position }) => Number(position));
    expect(positions).toEqual(positions.map((_, n) => n + 1));
    await store.close();
  });
});

describe('A SQLite log with several processes', () => {
  it('has one order without gaps, and each revision once', async () => {
    const store = openSqliteStore({ file });
    const stream = newStream();
    const children = Array.from({ length: 3 }, () => runChild('append-some.ts', file, stream, '40'));

    const { events } = await collect(store, { after: null }, (seen) => seen.length >= 120);

    for (const child of children) expect(await child.exit).toBe(0);
    expect(events.map(({ revision }) => revision)).toEqual(Array.from({ length: 120 }, (_, n) => n));
    expect(events.map(({ position }) => Number(position))).toEqual(Array.from({ length: 120 }, (_, n) => n + 1));
    await store.close();
  });

  it('waits for the lock of another without stopping the event loop, then is unavailable', async () => {
    const store = openSqliteStore({ file });
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    let turns = 0;
    const counting = setInterval(() => turns++, 20);

    await expect(store.append(newStream(), newEvents(1), 'no_stream')).rejects.toThrow(StoreUnavailable);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(50);

    const waiting = store.append(newStream(), newEvents(1), 'no_stream');
    setTimeout(() => other.exec('ROLLBACK'), 200);
    await expect(waiting).resolves.toMatchObject({ revision: 0 });
    other.close();
    await store.close();
  });
});

describe('A SQLite log on a full disk', () => {
  const mount = (): string => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
    return disk;
  };

  it('refuses with a sentence, loses nothing, and goes on by itself when there is room', async () => {
    const disk = mount();
    try {
      const ballast = join(disk, 'ballast');
      writeFileSync(ballast, Buffer.alloc(1024 * 1024));
      const store = openSqliteStore({ file: join(disk, 'log.db') });
      const stream = newStream();
      const event = () => newEvent({ text: 'x'.repeat(50_000) });
      let revision = (await store.append(stream, [event()], 'no_stream')).revision;
      const refusal = await (async () => {
        for (;;) {
          try {
            ({ revision } = await store.append(stream, [event()], revision));
          } catch (error) {
            return error;
          }
        }
      })();

      expect(refusal).toBeInstanceOf(StoreFull);
      expect(String(refusal)).toContain('Free some space');
      expect(String(refusal)).not.toContain(disk);
      await expect(store.append(stream, [event()], revision)).rejects.toThrow(StoreFull);
      // Whoever only asks may get what room there is for a single page, once or twice.
      await expect(
        (async () => {
          for (;;) await store.probe();
        })(),
      ).rejects.toThrow(StoreFull);
      expect((await all(store.readStream(stream))).at(-1)?.revision).toBe(revision);

      rmSync(ballast);
      expect(await store.append(stream, [event()], revision)).toMatchObject({ revision: revision + 1 });
      expect(await all(store.readStream(stream))).toHaveLength(revision + 2);
      await store.close();
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });
});

describe('Appends to SQLite in one turn of the event loop', () => {
  it('share a transaction, and a conflict stays with its caller', async () => {
    const store = openSqliteStore({ file });
    const [taken, free] = [newStream(), newStream()];
    await store.append(taken, newEvents(1), 'no_stream');

    const outcomes = await Promise.allSettled([
      store.append(free, newEvents(2), 'no_stream'),
      store.append(taken, newEvents(1), 'no_stream'),
      store.append(free, newEvents(1), 1),
      store.append(free, [{ ...newEvent(), type: 5 as never, id: {} as never }], 2),
      store.append(taken, newEvents(1), 0),
    ]);

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: expect.any(WrongExpectedRevision) });
    expect(await all(store.readStream(free))).toHaveLength(3);
    expect(await all(store.readStream(taken))).toHaveLength(2);
    await store.close();
  });

  it('share it with those of the turns that follow, as long as each brings some', async () => {
    const database = openLogFile(file);
    let commits = 0;
    const appender = groupAppender(database, () => {
      commits += 1;
    });
    const append = () => appender.append({ stream: newStream(), events: encoded(newEvents(1)), expected: 'no_stream' });

    const appends: Promise<unknown>[] = [append()];
    for (let turn = 0; turn < 5; turn++) {
      appends.push(append());
      await nextTurn();
    }
    await Promise.all(appends);
    expect(commits).toBe(1);
    await append();
    expect(commits).toBe(2);
    database.close();
  });

  it('that were asked for before the store was closed are still stored', async () => {
    const store = openSqliteStore({ file });
    const stream = newStream();

    const appending = store.append(stream, newEvents(1), 'no_stream');
    await store.close();

    await expect(appending).resolves.toMatchObject({ revision: 0 });
    expect(existsSync(`${file}-wal`)).toBe(false);
  });
});

describe('A long replay from SQLite', () => {
  it('leaves the event loop to others, and does not keep the write-ahead log from being written back', async () => {
    const store = openSqliteStore({ file });
    const large = () => newEvent({ text: 'x'.repeat(2_000) });
    const thousand = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 1_000 }, () => store.append(newStream(), [large()], 'no_stream')));
    for (let n = 0; n < 20; n++) await thousand();
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    count();

    let seen = 0;
    for await (const _ of store.readAll()) {
      seen += 1;
      if (seen % 1000 === 0) await thousand();
    }

    counting = false;
    expect(seen).toBeGreaterThanOrEqual(20_000);
    expect(turns).toBeGreaterThan(20);
    expect(statSync(`${file}-wal`).size).toBeLessThan(32 * 1024 * 1024);
    await store.close();
  });
});
