import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as client from '@eventstore/db-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Fact, type NewEvent, sealed } from '../../src/domain/event.ts';
import { type EventStore, type RecordedEvent, StoreUnavailable } from '../../src/domain/event-store.ts';
import { withoutTexts } from '../../src/domain/text.ts';
import { openEventStoreDb } from '../../src/infra/store/eventstoredb.ts';
import { openSqliteStore, type SqliteStore } from '../../src/infra/store/sqlite.ts';
import { CopyRefused, copyEvents } from '../../src/infra/store-copy/copy.ts';
import { all, newEvent, newStream } from './contract.ts';
import { type ServerDouble, startServerDouble } from './server-double/index.ts';

const quiet = { erasedThere: false, onProgress: () => undefined };
const copied = (from: EventStore, to: EventStore) => copyEvents({ ...quiet, from, to });

/** What a copy must keep: everything but positions. */
const kept = async (store: EventStore): Promise<Omit<RecordedEvent, 'position'>[]> =>
  (await all(store.readAll())).map(({ position: _, ...event }) => event);

const text = (words: string): { text: string; salt: string } => ({ text: words, salt: 'a salt' });

const command = (id: string) => ({
  id,
  type: 'Say',
  data: {},
  actor: 'system:test',
  channel: 'test',
  at: '2026-11-21T10:00:00.000Z',
});

/** Two stories told in turns, one long stream, and what does not lie still while a service runs. */
const tell = async (store: EventStore): Promise<void> => {
  const [one, other] = [newStream(), newStream('person')];
  const facts: Fact[] = [
    { type: 'SomethingHappened', data: { what: text('line\nbreak, “quotes”, \u0000 and 𝔘𝔫𝔦') } },
    { type: 'SomethingHappened', data: { what: [null, 1.5, true, { deep: text('') }] } },
  ];
  let before = '';
  for (const [at, fact] of facts.entries()) {
    const [event] = sealed(one, [fact], command(crypto.randomUUID()), at, before);
    if (!event) throw new Error('nothing was sealed');
    before = event.metadata.hash ?? '';
    await store.append(one, [event], at === 0 ? 'no_stream' : at - 1);
    await store.append(other, [newEvent()], at === 0 ? 'no_stream' : at - 1);
    await store.append(newStream('worker'), [{ ...newEvent({}, 'WorkerHeard'), metadata: {} }], 'any');
  }
  await store.append('lease-telegram', [{ ...newEvent({}, 'LeaseClaimed'), metadata: {} }], 'any');
  await store.append(
    newStream('card'),
    Array.from({ length: 250 }, (_, n) => newEvent({ n })),
    'no_stream',
  );
  const large = newStream();
  await store.append(large, [newEvent({ text: 'x'.repeat(900_000) })], 'no_stream');
  await store.append(large, [newEvent({ text: 'y'.repeat(900_000) })], 0);
};

/** What `tell` tells, and a copy keeps. */
const TOLD = 2 + 2 + 250 + 2;

describe('A copy of a log', () => {
  let server: ServerDouble;
  let folder: string;
  let file: SqliteStore;
  let esdb: EventStore;
  const opened: EventStore[] = [];
  const another = (name: string): SqliteStore => {
    const store = openSqliteStore({ file: join(folder, name) });
    opened.push(store);
    return store;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-copy-'));
  });
  beforeEach(async () => {
    server = await startServerDouble();
    esdb = openEventStoreDb({ url: server.url, client });
    file = another(`${crypto.randomUUID()}.db`);
    await tell(file);
  });
  afterEach(async () => {
    await Promise.all([esdb.close(), ...opened.splice(0).map((store) => store.close())]);
    await server.stop();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('goes to a server and back and keeps everything but signs of life, in its order', async () => {
    const back = another('back.db');
    expect(await copied(file, esdb)).toEqual({ events: TOLD, added: TOLD });
    expect(await copied(esdb, back)).toEqual({ events: TOLD, added: TOLD });

    const told = (await kept(file)).filter(({ stream }) => !/^(worker|lease)-/.test(stream));
    expect(told).toHaveLength(TOLD);
    expect(await kept(esdb)).toEqual(told);
    expect(await kept(back)).toEqual(told);
    expect(await back.storeId()).not.toBe(await file.storeId());
  });

  it('adds nothing the second time, and goes on with what is new in the source', async () => {
    await copied(file, esdb);
    expect(await copied(file, esdb)).toEqual({ events: TOLD, added: 0 });
    await file.append(newStream(), [newEvent()], 'no_stream');
    expect(await copied(file, esdb)).toEqual({ events: TOLD + 1, added: 1 });
  });

  it('tells how far it is, up to the end', async () => {
    const heard: [number, number][] = [];
    await copyEvents({ from: file, to: esdb, erasedThere: false, onProgress: (done, total) => void heard.push([done, total]) });
    expect(heard[0]).toEqual([1, TOLD]);
    expect(heard.at(-1)).toEqual([TOLD, TOLD]);
  });

  it('that is cut off after any append goes on there, and is the same in the end', async () => {
    const whole = another('whole.db');
    await copied(file, whole);
    for (let cut = 1; ; cut++) {
      const target = another(`cut-${cut}.db`);
      let left = cut;
      const failing: EventStore = {
        ...target,
        append: async (...append) => {
          // Every other time the append was stored, and only the answer was lost.
          if (left-- === 0) {
            if (cut % 2 === 0) await target.append(...append);
            throw new StoreUnavailable('cut off');
          }
          return target.append(...append);
        },
      };
      const outcome = await copied(file, failing).catch((error: unknown) => error);
      if (!(outcome instanceof Error)) break;
      expect(outcome).toBeInstanceOf(CopyRefused);
      expect(outcome.message).toContain('type the same again');
      await copied(file, target);
      expect(await kept(target)).toEqual(await kept(whole));
    }
  });

  it('whose server loses an answer goes on with nothing doubled', async () => {
    server.faults.acknowledgementsToLose = 1;
    await expect(copied(file, esdb)).rejects.toThrow(CopyRefused);
    await copied(file, esdb);
    expect(await kept(esdb)).toHaveLength(TOLD);
  });

  describe('is refused', () => {
    it('by a target that holds other things, or more', async () => {
      const target = another('other.db');
      await target.append('task-other', [newEvent()], 'no_stream');
      await expect(copied(file, target)).rejects.toThrow('The target holds other things than the source: task-other, event 0.');
      expect(await kept(target)).toHaveLength(1);

      await copied(file, esdb);
      await esdb.append('task-more', [newEvent()], 'no_stream');
      await expect(copied(file, esdb)).rejects.toThrow('The target holds other things than the source: task-more, event 0.');
    });

    it('by a target that another writes to', async () => {
      const target = another('raced.db');
      let raced = false;
      const racing: EventStore = {
        ...target,
        append: async (stream, events, expected) => {
          if (!raced) await target.append(stream, [newEvent()], 'any');
          raced = true;
          return target.append(stream, events, expected);
        },
      };
      await expect(copied(file, racing)).rejects.toThrow('Something else writes to the target.');
    });

    it('by a source that a service still writes to, be it a sign of life only, and goes on once that has stopped', async () => {
      const beating: EventStore = {
        ...esdb,
        append: async (...append) => {
          await file.append(newStream('worker'), [{ ...newEvent({}, 'WorkerHeard'), metadata: {} }], 'any');
          return esdb.append(...append);
        },
      };
      await expect(copied(file, beating)).rejects.toThrow('A service wrote to the source meanwhile.');
      expect(await copied(file, esdb)).toEqual({ events: TOLD, added: 0 });
    });

    it('by a target that gives back something else than it was given', async () => {
      const target = another('lying.db');
      const lying: EventStore = {
        ...target,
        append: (stream, events, expected) =>
          target.append(
            stream,
            events.map((event): NewEvent => ({ ...event, data: { n: -1 } })),
            expected,
          ),
      };
      await expect(copied(file, lying)).rejects.toThrow('The target holds other things');
    });
  });

  it('keeps what was erased in the source erased, and holds a text against a target that it was erased in only when told so', async () => {
    const target = another('erased.db');
    await copied(file, target);
    const [event] = await all(file.readAll({ limit: 1 }));
    if (!event) throw new Error('there is no event');
    await target.redactEvent(event.stream, event.revision, withoutTexts(event.data).data);

    await expect(copied(file, target)).rejects.toThrow('The target holds other things');
    expect(await copyEvents({ ...quiet, from: file, to: target, erasedThere: true })).toEqual({ events: TOLD, added: 0 });

    await copied(target, esdb);
    expect(JSON.stringify(await kept(esdb))).not.toContain('quotes');
    await expect(copied(file, esdb)).rejects.toThrow('The target holds other things');
  });
});
