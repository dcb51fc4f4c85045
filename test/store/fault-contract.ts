import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EventStore, StoreDenied, StoreUnavailable, WrongExpectedRevision } from '../../src/domain/event-store.ts';
import { openEventStoreDb } from '../../src/infra/store/eventstoredb.ts';
import { type ClientModule, connect } from '../../src/infra/store/eventstoredb-client.ts';
import { runChild } from './child.ts';
import { all, collect, newEvent, newEvents, newStream } from './contract.ts';
import { type ServerDouble, startServerDouble } from './server-double/index.ts';
import type { Flavour } from './server-double/protocol.ts';

/** Asked of a bare client. The double knows nobody, so any will do. */
const ANYBODY = { credentials: { username: 'a', password: 'b' }, deadline: 5_000 };

/** What the adapter does when the server fails, with either client. One client a process: a test file of its own. */
export const eventStoreDbFaults = (flavour: Flavour, client: ClientModule): void => {
  let server: ServerDouble;
  let store: EventStore;
  const opened: EventStore[] = [];

  const open = (
    options: { url?: string; client?: ClientModule; answerTimeoutMs?: number; quietMs?: number } = {},
  ): EventStore => {
    const made = openEventStoreDb({ url: server.url, client, ...options });
    opened.push(made);
    return made;
  };

  beforeEach(async () => {
    server = await startServerDouble({ flavour });
    store = open();
  });

  afterEach(async () => {
    for (const made of opened.splice(0)) await made.close();
    await server.stop();
  });

  const revisionsOf = async (stream: string): Promise<number[]> =>
    (await all(store.readStream(stream))).map(({ revision }) => revision);

  describe('An append to EventStoreDB', () => {
    it('whose acknowledgement was lost is there once when it is sent again', async () => {
      const [stream, events] = [newStream(), newEvents(2)];
      server.faults.acknowledgementsToLose = 2;

      await expect(store.append(stream, events, 'no_stream')).rejects.toThrow(StoreUnavailable);
      await expect(store.append(stream, events, 'no_stream')).rejects.toThrow(StoreUnavailable);
      const { revision } = await store.append(stream, events, 'no_stream');

      expect(revision).toBe(1);
      expect(await revisionsOf(stream)).toEqual([0, 1]);
    });

    it('is unavailable while the server is down, and goes through on the same store afterwards', async () => {
      const stream = newStream();
      await store.append(stream, newEvents(1), 'no_stream');
      await server.stop();

      const events = newEvents(1);
      await expect(store.append(stream, events, 0)).rejects.toThrow(StoreUnavailable);
      await expect(store.append(stream, events, 0)).rejects.toThrow(StoreUnavailable);
      await expect(store.head()).rejects.toThrow(StoreUnavailable);
      await server.start();

      await expect
        .poll(() => store.append(stream, events, 0).catch(() => null), { timeout: 20_000 })
        .toMatchObject({ revision: 1 });
    });

    it('is unavailable, and no bug, while the server starts', async () => {
      server.faults.notReady = true;

      await expect(store.append(newStream(), newEvents(1), 'no_stream')).rejects.toThrow(StoreUnavailable);
      await expect(all(store.readStream(newStream()))).rejects.toThrow(StoreUnavailable);
    });

    it('is refused, with what to do, to a user who may only read', async () => {
      server.faults.readOnly = true;

      await expect(store.head()).resolves.toBeNull();
      await expect(store.append(newStream(), newEvents(1), 'no_stream')).rejects.toThrow(StoreDenied);
      await expect(store.probe()).rejects.toThrow('It has to write streams');
    });

    it('does not wait for ever for a server that hangs', async () => {
      const impatient = open({ answerTimeoutMs: 200 });
      server.faults.hung = true;
      const started = performance.now();

      await expect(impatient.append(newStream(), newEvents(1), 'no_stream')).rejects.toThrow(StoreUnavailable);
      await expect(all(impatient.readStream(newStream()))).rejects.toThrow(StoreUnavailable);
      await expect(impatient.head()).rejects.toThrow(StoreUnavailable);

      expect(performance.now() - started).toBeLessThan(5000);
    });

    it('is one call of its own, not a part of the shared stream of appends', async () => {
      const bare = connect(client, server.url);
      const event = client.jsonEvent({ id: randomUUID(), type: 'SomethingHappened', data: {}, metadata: {} });

      // The double knows the shared stream by name only: a client that may use it fails.
      await expect(bare.appendToStream(newStream(), [event], {} as never)).rejects.toThrow();
      await expect(store.append(newStream(), newEvents(1), 'no_stream')).resolves.toMatchObject({ revision: 0 });
      await bare.dispose();
    });

    it('is not disturbed by a subscription that breaks', async () => {
      const subscription = new AbortController();
      const following = all(store.subscribe({ after: null, signal: subscription.signal }));
      await expect.poll(() => server.subscribers()).toBe(1);
      server.faults.delayMs = 300;

      const appending = store.append(newStream(), newEvents(1), 'no_stream');
      await pause(100);
      server.dropSubscriptions();

      await expect(appending).resolves.toMatchObject({ revision: 0 });
      subscription.abort();
      await following;
    });

    it('is refused when the connection string asks for refusals not to be thrown', async () => {
      const lenient = open({ url: `${server.url}&throwOnAppendFailure=false` });
      const stream = newStream();
      await lenient.append(stream, newEvents(1), 'no_stream');

      await expect(lenient.append(stream, newEvents(1), 'no_stream')).rejects.toThrow(WrongExpectedRevision);
    });

    it('is checked against the revision that the server has, by whatever name the client knows it', async () => {
      const stream = newStream();
      await store.append(stream, newEvents(1), 'no_stream');

      await expect(store.append(stream, newEvents(1), 'no_stream')).rejects.toThrow(WrongExpectedRevision);
      await expect(store.append(stream, newEvents(1), 7)).rejects.toThrow(WrongExpectedRevision);
      await expect(store.append(stream, newEvents(1), 0)).resolves.toMatchObject({ revision: 1 });
      // What a client does that is given another name: nothing is checked, and nothing is said.
      const bare = connect(client, server.url);
      const event = client.jsonEvent({ id: randomUUID(), type: 'SomethingHappened', data: {}, metadata: {} });
      await bare.appendToStream(stream, [event], { ...ANYBODY, revision: 'no_stream' } as never);
      expect(await revisionsOf(stream)).toEqual([0, 1, 2]);
      await bare.dispose();
    });

    it('goes to the node that leads when the one that was asked no longer does', async () => {
      const leader = await startServerDouble({ flavour, log: server.log });
      const stream = newStream();
      await store.append(stream, newEvents(1), 'no_stream');
      server.faults.leaderPort = leader.port;

      await expect(store.append(stream, newEvents(1), 0)).resolves.toMatchObject({ revision: 1 });
      server.faults.leaderPort = null;
      leader.faults.leaderPort = server.port;
      await expect(store.append(stream, newEvents(1), 1)).resolves.toMatchObject({ revision: 2 });

      expect(await revisionsOf(stream)).toEqual([0, 1, 2]);
      await leader.stop();
    });

    it('is unavailable while no node leads', async () => {
      server.faults.leaderPort = server.port;

      await expect(store.append(newStream(), newEvents(1), 'no_stream')).rejects.toThrow(StoreUnavailable);
    });

    it('that is acknowledged too late is there once when it is sent again', async () => {
      const impatient = open({ answerTimeoutMs: 150 });
      const [stream, events] = [newStream(), newEvents(2)];
      server.faults.acknowledgementDelayMs = 400;

      await expect(impatient.append(stream, events, 'no_stream')).rejects.toThrow(StoreUnavailable);
      server.faults.acknowledgementDelayMs = 0;
      await expect(impatient.append(stream, events, 'no_stream')).resolves.toMatchObject({ revision: 1 });

      expect(await revisionsOf(stream)).toEqual([0, 1]);
    });

    it('of heart-beats leaves only the last one to read', async () => {
      const stream = newStream('worker');
      for (let beat = 0; beat < 5; beat++) await store.append(stream, newEvents(1), 'any');

      expect(await revisionsOf(stream)).toEqual([4]);
    });
  });

  describe('A subscription to EventStoreDB', () => {
    it('goes on where it was when it breaks, with nothing lost and nothing twice', async () => {
      const stream = newStream();
      const writing = (async () => {
        for (let n = 0; n < 100; n++) {
          await store.append(stream, newEvents(1), n === 0 ? 'no_stream' : n - 1);
          if (n % 20 === 10) server.dropSubscriptions();
        }
      })();

      const { events } = await collect(store, { after: null, batchSize: 8 }, (seen) => seen.length >= 100);

      await writing;
      expect(events.map(({ revision }) => revision)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    });

    it('ends with what to do for a user who may not read all streams', async () => {
      server.faults.streamsOnly = true;

      await expect(store.probe()).resolves.toBeUndefined();
      await expect(store.head()).rejects.toThrow(StoreDenied);
      await expect(all(store.subscribe({ after: null }))).rejects.toThrow('to read $all');
    });

    it('outlives a restart of the server', async () => {
      const stream = newStream();
      await store.append(stream, newEvents(3), 'no_stream');
      let restarted = false;

      const { events } = await collect(store, { after: null }, async (seen) => {
        if (seen.length === 3 && !restarted) {
          restarted = true;
          await server.stop();
          void pause(200)
            .then(() => server.start())
            .then(() =>
              expect.poll(() => store.append(stream, newEvents(2), 2).catch(() => null), { timeout: 20_000 }).not.toBe(null),
            );
        }
        return seen.length >= 5;
      });

      expect(events.map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4]);
    });

    it('that has gone silent is noticed and made again', async () => {
      const watchful = open({ quietMs: 100 });
      const stream = newStream();
      let muted = false;

      const { events } = await collect(watchful, { after: null }, async (seen, { live }) => {
        if (live && !muted) {
          await expect.poll(() => server.subscribers()).toBe(0);
          muted = true;
          server.faults.mute = true;
          void store.append(stream, newEvents(1), 'no_stream').then(async () => {
            await expect.poll(() => server.subscribers()).toBe(1);
            server.faults.mute = false;
          });
        }
        return seen.length >= 1;
      });

      expect(events).toHaveLength(1);
    });

    it('waits for a server that is not there yet', async () => {
      await server.stop();
      const stream = newStream();
      const following = collect(store, { after: null }, (seen) => seen.length >= 1);

      await pause(150);
      await server.start();
      await expect
        .poll(() => store.append(stream, newEvents(1), 'no_stream').catch(() => null), { timeout: 20_000 })
        .not.toBe(null);

      expect((await following).events).toHaveLength(1);
    });

    it('passes over what others wrote in their own way, and its checkpoint too', async () => {
      const bare = connect(client, server.url);
      const metadata = { nested: { not: 'ours' } } as never;
      const event = client.jsonEvent({ id: randomUUID(), type: 'Billed', data: {}, metadata });
      await bare.appendToStream('billing-1', [event], { ...ANYBODY, expectedRevision: 'any', streamState: 'any' });
      const stream = newStream();
      await store.append(stream, [newEvent()], 'no_stream');

      const { events } = await collect(store, { after: null }, (_, { live }) => live);

      expect(events.map((event) => event.stream)).toEqual([stream]);
      expect((await all(store.readAll())).map((event) => event.stream)).toEqual([stream]);
      await bare.dispose();
    });

    it('shows what others wrote into a stream of ours, so that its next event still follows the last', async () => {
      const bare = connect(client, server.url);
      const metadata = { nested: { not: 'ours' } } as never;
      const event = client.jsonEvent({ id: randomUUID(), type: 'Billed', data: { half: '\ud800' }, metadata });
      for (const stream of [newStream(), newStream('person'), 'lease-telegram']) {
        const { revision } = await store.append(stream, [newEvent()], 'no_stream');
        await bare.appendToStream(stream, [event], { ...ANYBODY, expectedRevision: 'any', streamState: 'any' });

        const [last] = await all(store.readStream(stream, { direction: 'backwards', limit: 1 }));
        expect(last).toMatchObject({ type: 'Billed', metadata: {}, data: null, revision: revision + 1 });
        await store.append(stream, [newEvent()], revision + 1);
        const { events } = await collect(store, { after: null, streamPrefixes: [stream] }, (_, { live }) => live);
        expect(events.map((each) => each.revision)).toEqual([0, 1, 2]);
      }
      await bare.dispose();
    });
  });

  describe('The id of an EventStoreDB store', () => {
    it('is the same for all who ask first at the same time', async () => {
      const ids = await Promise.all([store, open(), open()].map((each) => each.storeId()));

      expect(new Set(ids).size).toBe(1);
    });

    it('is asked for again after an outage, and stays when the server restarts', async () => {
      server.faults.notReady = true;
      await expect(store.storeId()).rejects.toThrow(StoreUnavailable);
      server.faults.notReady = false;

      const id = await store.storeId();

      expect(await open().storeId()).toBe(id);
    });
  });

  describe('A connection string', () => {
    it('to a secured server has to name a user', () => {
      expect(() => open({ url: 'esdb://127.0.0.1:2113' })).toThrow('names no user');
      expect(() => open({ url: 'esdb://admin:changeit@127.0.0.1:2113' })).not.toThrow();
    });

    it('that cannot be read is not repeated, for it may hold a password', () => {
      const url = 'postgres://admin:hunter2@127.0.0.1:2113?tls=false';

      expect(() => open({ url })).toThrow('EVENTSTORE_URL cannot be read');
      expect(() => open({ url })).not.toThrow('hunter2');
    });
  });

  describe('A position', () => {
    it('of another kind of store is refused', async () => {
      const position = '0000000000000007' as never;

      await expect(all(store.readAll({ after: position }))).rejects.toThrow(RangeError);
    });
  });

  describe('A process', () => {
    it('ends by itself once its store is closed', async () => {
      const child = runChild('use-and-close.ts', server.url, randomUUID());

      expect(await child.exit).toBe(0);
    });
  });
};
