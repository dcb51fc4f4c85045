import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../src/domain/event.ts';
import {
  type Batch,
  EVENT_BYTES_MAX,
  type EventStore,
  EventTooLarge,
  type Position,
  type RecordedEvent,
  type SubscribeOptions,
  WrongExpectedRevision,
} from '../../src/domain/event-store.ts';

/** A name that no other run has used, so the suite can run again on one server. */
export const newStream = (kind = 'task'): string => `${kind}-${randomUUID()}`;

export const newEvent = (data: unknown = { n: 1 }, type = 'SomethingHappened'): NewEvent => ({
  id: randomUUID(),
  type,
  data,
  metadata: { $correlationId: randomUUID(), $causationId: randomUUID(), actor: 'system:test', at: '2026-11-21T10:00:00.000Z' },
});

export const newEvents = (count: number): NewEvent[] => Array.from({ length: count }, (_, n) => newEvent({ n }));

export const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(items);

const revisions = (events: readonly RecordedEvent[]): number[] => events.map(({ revision }) => revision);

/** Batches until `enough` says so; then the subscription is ended. */
export const collect = async (
  store: EventStore,
  options: SubscribeOptions,
  enough: (events: readonly RecordedEvent[], batch: Batch) => boolean | Promise<boolean>,
): Promise<{ events: RecordedEvent[]; batches: Batch[] }> => {
  const events: RecordedEvent[] = [];
  const batches: Batch[] = [];
  for await (const batch of store.subscribe(options)) {
    batches.push(batch);
    events.push(...batch.events);
    if (await enough(events, batch)) break;
  }
  return { events, batches };
};

/** What every event store does, whatever it is made of. */
export const eventStoreContract = (open: () => Promise<EventStore>): void => {
  let store: EventStore;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(async () => {
    await store.close();
  });

  const written = async (stream: string, count: number): Promise<NewEvent[]> => {
    const events = newEvents(count);
    await store.append(stream, events, 'no_stream');
    return events;
  };

  describe('An append', () => {
    it('numbers the events of a stream from 0', async () => {
      const stream = newStream();

      const first = await store.append(stream, newEvents(2), 'no_stream');
      const second = await store.append(stream, newEvents(1), first.revision);

      expect([first.revision, second.revision]).toEqual([1, 2]);
    });

    it('answers with the position that its last event has when it is read', async () => {
      const stream = newStream();

      const { position } = await store.append(stream, newEvents(3), 'no_stream');

      const events = await all(store.readStream(stream));
      expect(events.at(-1)?.position).toBe(position);
    });

    it('is refused when the stream has moved on, and stores nothing', async () => {
      const stream = newStream();
      await written(stream, 2);

      await expect(store.append(stream, newEvents(1), 0)).rejects.toThrow(WrongExpectedRevision);
      await expect(store.append(stream, newEvents(1), 2)).rejects.toThrow(WrongExpectedRevision);
      await expect(store.append(stream, newEvents(1), 'no_stream')).rejects.toThrow(WrongExpectedRevision);
      expect(await all(store.readStream(stream))).toHaveLength(2);
    });

    it('is refused when it expects a stream that is not there', async () => {
      await expect(store.append(newStream(), newEvents(1), 0)).rejects.toThrow(WrongExpectedRevision);
    });

    it('sent twice is stored once, with the answer of the first', async () => {
      const stream = newStream();
      const events = newEvents(2);
      const first = await store.append(stream, events, 'no_stream');

      expect(await store.append(stream, events, 'no_stream')).toEqual(first);
      expect(await all(store.readStream(stream))).toHaveLength(2);
    });

    it('sent again after later events is still the same append', async () => {
      const stream = newStream();
      await written(stream, 1);
      const events = newEvents(2);
      const first = await store.append(stream, events, 0);
      await store.append(stream, newEvents(3), 2);

      expect(await store.append(stream, events, 0)).toEqual(first);
      expect(await all(store.readStream(stream))).toHaveLength(6);
    });

    it('that repeats only some of the stored events is refused', async () => {
      const stream = newStream();
      const [first, second] = [newEvent(), newEvent()];
      await store.append(stream, [first, second], 'no_stream');

      await expect(store.append(stream, [first, newEvent()], 'no_stream')).rejects.toThrow(WrongExpectedRevision);
      await expect(store.append(stream, [newEvent(), second], 'no_stream')).rejects.toThrow(WrongExpectedRevision);
      await expect(store.append(stream, [first, second, newEvent()], 'no_stream')).rejects.toThrow(WrongExpectedRevision);
    });

    it('raced by many writers is won by one', async () => {
      const stream = newStream();
      await written(stream, 1);

      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => store.append(stream, newEvents(1), 0)));

      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(WrongExpectedRevision);
      }
      expect(await all(store.readStream(stream))).toHaveLength(2);
    });

    it('of heart-beats needs no revision', async () => {
      const stream = newStream('worker');

      await store.append(stream, newEvents(1), 'any');
      const { revision } = await store.append(stream, newEvents(1), 'any');

      expect(revision).toBe(1);
    });

    it('over the limit is refused, and one just under it is stored', async () => {
      const stream = newStream();
      const bytes = JSON.stringify({ text: '' }).length + JSON.stringify(newEvent().metadata).length;

      await expect(store.append(stream, [newEvent({ text: 'x'.repeat(EVENT_BYTES_MAX) })], 'no_stream')).rejects.toThrow(
        EventTooLarge,
      );
      const halves = [newEvent({ text: 'x'.repeat(EVENT_BYTES_MAX / 2) }), newEvent({ text: 'x'.repeat(EVENT_BYTES_MAX / 2) })];
      await expect(store.append(stream, halves, 'no_stream')).rejects.toThrow(EventTooLarge);
      expect(await all(store.readStream(stream))).toEqual([]);

      await store.append(stream, [newEvent({ text: 'x'.repeat(EVENT_BYTES_MAX - bytes) })], 'no_stream');
      expect(await all(store.readStream(stream))).toHaveLength(1);
    });

    it('can be tried without storing anything for anybody to read', async () => {
      const stream = newStream();
      const { position } = await store.append(stream, newEvents(1), 'no_stream');
      await store.probe();
      await store.probe();

      const later = await all(store.readAll({ after: position }));
      expect(later.filter((event) => !event.stream.startsWith('worker-'))).toEqual([]);
      await store.append(stream, newEvents(1), 0);
    });

    it('of nothing is a mistake', async () => {
      await expect(store.append(newStream(), [], 'no_stream')).rejects.toThrow(RangeError);
    });
  });

  describe('Reading a stream', () => {
    it('gives back what was appended, whatever it holds', async () => {
      const stream = newStream();
      const data = {
        quote: '"\\',
        unicode: 'Grüße 👋 \u2028 \u0000 \ud800',
        nested: [{ a: null }, [], {}],
        number: 0.1,
        large: 2 ** 53 - 1,
      };
      const event = newEvent(data, 'OddThingHappened');

      const { position } = await store.append(stream, [event], 'no_stream');

      expect(await all(store.readStream(stream))).toEqual([{ ...event, stream, revision: 0, position }]);
    });

    it('of a stream that is not there gives nothing', async () => {
      expect(await all(store.readStream(newStream()))).toEqual([]);
      expect(await all(store.readStream(newStream(), { direction: 'backwards', limit: 1 }))).toEqual([]);
    });

    it('begins at a revision, and ends after a number of events', async () => {
      const stream = newStream();
      await written(stream, 5);

      expect(revisions(await all(store.readStream(stream, { from: 3 })))).toEqual([3, 4]);
      expect(revisions(await all(store.readStream(stream, { from: 1, limit: 2 })))).toEqual([1, 2]);
      expect(await all(store.readStream(stream, { from: 5 }))).toEqual([]);
      expect(await all(store.readStream(stream, { limit: 0 }))).toEqual([]);
    });

    it('goes backwards from the last event', async () => {
      const stream = newStream();
      await written(stream, 4);

      expect(revisions(await all(store.readStream(stream, { direction: 'backwards' })))).toEqual([3, 2, 1, 0]);
      expect(revisions(await all(store.readStream(stream, { direction: 'backwards', limit: 1 })))).toEqual([3]);
    });

    it('of more than a page keeps the order', async () => {
      const stream = newStream();
      await written(stream, 1203);

      expect(revisions(await all(store.readStream(stream)))).toEqual(Array.from({ length: 1203 }, (_, n) => n));
      expect(revisions(await all(store.readStream(stream, { direction: 'backwards', limit: 1100 }))).at(-1)).toBe(103);
    });

    it('of large events comes in order too', async () => {
      const stream = newStream();
      for (let n = 0; n < 4; n++) {
        await store.append(stream, [newEvent({ text: 'x'.repeat(700_000) })], n === 0 ? 'no_stream' : n - 1);
      }

      expect(revisions(await all(store.readStream(stream)))).toEqual([0, 1, 2, 3]);
    });
  });

  describe('Reading the log', () => {
    it('goes over all streams in the order of their positions', async () => {
      const start = await store.head();
      const streams = [newStream(), newStream()];
      for (const stream of streams) await written(stream, 2);

      const events = await all(store.readAll({ after: start }));

      const own = events.filter(({ stream }) => streams.includes(stream));
      expect(own.map(({ stream, revision }) => [streams.indexOf(stream), revision])).toEqual([
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ]);
      const positions = events.map(({ position }) => position);
      expect(positions).toEqual([...new Set(positions)].sort());
    });

    it('begins after the position and ends after a number of events', async () => {
      const start = await store.head();
      const stream = newStream();
      await written(stream, 4);
      const events = await all(store.readAll({ after: start }));
      const second = events.filter((event) => event.stream === stream)[1]?.position ?? null;

      expect(revisions(await all(store.readAll({ after: second })))).toEqual([2, 3]);
      expect(revisions(await all(store.readAll({ after: second, limit: 1 })))).toEqual([2]);
      expect(await all(store.readAll({ after: await store.head() }))).toEqual([]);
    });

    it('holds nothing of the store’s own', async () => {
      for await (const { stream } of store.readAll()) expect(stream).not.toMatch(/^(\$|countersign-store)/);
    });

    it('ends at the head', async () => {
      const { position } = await store.append(newStream(), newEvents(2), 'no_stream');

      expect(await store.head()).toBe(position);
    });
  });

  describe('The id of a store', () => {
    it('stays', async () => {
      expect(await store.storeId()).toMatch(/^[0-9a-f-]{36}$/);
      expect(await store.storeId()).toBe(await store.storeId());
    });
  });

  describe('A subscription', () => {
    const ends = AbortSignal.timeout(110_000);

    it('catches up, then stays live', async () => {
      const after = await store.head();
      const stream = newStream();
      await written(stream, 3);
      let appended = false;

      const { events, batches } = await collect(store, { after, signal: ends }, async (seen, { live }) => {
        if (live && !appended) {
          appended = true;
          await store.append(stream, newEvents(2), 2);
        }
        return seen.length >= 5;
      });

      expect(revisions(events)).toEqual([0, 1, 2, 3, 4]);
      expect(batches.some(({ live }) => live)).toBe(true);
    });

    it('that finds nothing new says that it is live', async () => {
      const head = await store.head();

      const { batches } = await collect(store, { after: head, signal: ends }, (_, { live }) => live);

      expect(batches.at(-1)).toEqual({ events: [], checkpoint: head, live: true });
    });

    it('gives only streams with one of the prefixes, and a checkpoint that passes the others', async () => {
      const after = await store.head();
      const [kind, other] = [`kind${randomUUID().slice(0, 8)}`, newStream('other')];
      await written(newStream(kind), 2);
      await written(other, 3);
      await written(newStream(`${kind}x`), 1);
      await written(newStream(kind), 1);
      const { position } = await store.append(other, newEvents(1), 2);

      const passed = (checkpoint: Position | null): boolean => checkpoint !== null && checkpoint >= position;
      const options = { after, streamPrefixes: [`${kind}-`, 'nothing-'], signal: ends };
      const { events, batches } = await collect(store, options, (_, { checkpoint, live }) => live && passed(checkpoint));

      expect(revisions(events)).toEqual([0, 1, 0]);
      expect(batches.at(-1)?.checkpoint).toBe(await store.head());
    });

    it('tells batches apart by their size, and each checkpoint covers its events', async () => {
      const after = await store.head();
      await written(newStream(), 25);

      const { batches } = await collect(store, { after, batchSize: 10, signal: ends }, (seen) => seen.length >= 25);

      let last = after ?? '';
      for (const { events, checkpoint } of batches) {
        expect(events.length).toBeLessThanOrEqual(10);
        for (const { position } of events) {
          expect(position > last).toBe(true);
          last = position;
        }
        expect(checkpoint !== null && checkpoint >= last).toBe(true);
        last = checkpoint ?? last;
      }
    });

    it('goes on from the checkpoint of the one before, with nothing lost', async () => {
      const after = await store.head();
      const stream = newStream();
      await written(stream, 30);
      const first = await collect(store, { after, batchSize: 7, signal: ends }, (seen) => seen.length >= 7);

      const checkpoint = first.batches.at(-1)?.checkpoint ?? null;
      const second = await collect(store, { after: checkpoint, signal: ends }, (seen) => seen.length + first.events.length >= 30);

      expect(revisions([...first.events, ...second.events])).toEqual(Array.from({ length: 30 }, (_, n) => n));
    });

    it('sees what is written while it catches up, once and in order', async () => {
      const after = await store.head();
      const stream = newStream();
      const writing = (async () => {
        for (let n = 0; n < 60; n++) await store.append(stream, newEvents(5), n === 0 ? 'no_stream' : n * 5 - 1);
      })();

      const { events } = await collect(store, { after, batchSize: 16, signal: ends }, (seen) => seen.length >= 300);

      await writing;
      expect(revisions(events)).toEqual(Array.from({ length: 300 }, (_, n) => n));
    });

    it('ends when its signal aborts, before, while it waits and while it catches up', async () => {
      await written(newStream(), 50);
      expect(await all(store.subscribe({ after: null, signal: AbortSignal.abort() }))).toEqual([]);

      const waiting = new AbortController();
      for await (const { live } of store.subscribe({ after: await store.head(), signal: waiting.signal })) {
        if (live) setTimeout(() => waiting.abort(), 20);
      }

      const catching = new AbortController();
      let batches = 0;
      for await (const _ of store.subscribe({ after: null, batchSize: 1, signal: catching.signal })) {
        batches++;
        catching.abort();
      }
      expect(batches).toBe(1);
    });
  });

  describe('A closed store', () => {
    it('refuses, ends its subscriptions, and can be closed again', async () => {
      const closing = await open();
      const head = await closing.head();
      const subscription = all(closing.subscribe({ after: head }));
      await new Promise((resolve) => setTimeout(resolve, 30));

      await closing.close();
      await closing.close();

      await subscription;
      await expect(closing.append(newStream(), newEvents(1), 'no_stream')).rejects.toThrow('is closed');
      await expect(all(closing.readStream(newStream()))).rejects.toThrow('is closed');
      await expect(closing.head()).rejects.toThrow('is closed');
    });
  });
};
