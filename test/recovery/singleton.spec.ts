import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NewEvent } from '../../src/domain/event.ts';
import { type EventStore, type Position, StoreUnavailable, WrongExpectedRevision } from '../../src/domain/event-store.ts';
import { createHeartbeats } from '../../src/infra/heartbeats.ts';
import { type Singleton, startSingleton } from '../../src/infra/singleton.ts';

/** Streams in memory, with their revisions, as long as the store is not away from somebody. */
const memory = () => {
  const streams = new Map<string, NewEvent[]>();
  const awayFrom = new Set<string>();
  const seenBy = (who: string) => ({
    append: async (stream: string, events: readonly NewEvent[], expected: number | 'no_stream' | 'any') => {
      if (awayFrom.has(who)) throw new StoreUnavailable('away');
      const stored = streams.get(stream) ?? [];
      const before = expected === 'no_stream' ? -1 : expected === 'any' ? stored.length - 1 : expected;
      if (before !== stored.length - 1) throw new WrongExpectedRevision(stream);
      streams.set(stream, [...stored, ...events]);
      return { revision: stored.length + events.length - 1, position: '' as Position };
    },
    async *readStream(stream: string) {
      if (awayFrom.has(who)) throw new StoreUnavailable('away');
      const stored = streams.get(stream) ?? [];
      const event = stored.at(-1);
      if (event) yield { ...event, stream, revision: stored.length - 1, position: '' as Position };
    },
  });
  return { awayFrom, seenBy: (who: string) => seenBy(who) satisfies Pick<EventStore, 'append' | 'readStream'>, streams };
};

const PACE = { intervalMs: 10, takeoverAfterMs: 60 };
const log = { info: () => undefined, error: (fields: object) => expect.unreachable(JSON.stringify(fields)) };

describe('A singleton', () => {
  let store: ReturnType<typeof memory>;
  let doing: string[];
  let begun: string[];
  /** How long laying it down takes, in milliseconds. */
  let laying: number;
  const opened: (() => unknown)[] = [];
  beforeEach(() => {
    vi.useFakeTimers();
    store = memory();
    doing = [];
    begun = [];
    laying = 0;
  });
  afterEach(() => {
    for (const end of opened.splice(0)) end();
    vi.useRealTimers();
  });

  const join = async (worker: string, pace = PACE) => {
    const seen = store.seenBy(worker);
    const heartbeats = createHeartbeats({ store: seen, worker, log, ...pace });
    await heartbeats.start();
    const begin = () => {
      doing.push(worker);
      begun.push(worker);
      return async () => {
        if (laying > 0) await new Promise((resolve) => setTimeout(resolve, laying));
        doing = doing.filter((other) => other !== worker);
      };
    };
    const singleton: Singleton = startSingleton({ store: seen, name: 'poller', worker, heartbeats, begin, log });
    opened.push(heartbeats.stop, singleton.stop);
    return { ...singleton, heartbeats };
  };
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  it('is one process’s, however many ask for it at the same time', async () => {
    const all = await Promise.all(['ada', 'bob', 'eve'].map((worker) => join(worker)));
    await pass(500);
    expect(doing).toHaveLength(1);
    expect(all.filter(({ isHeld }) => isHeld())).toHaveLength(1);
  });

  it('goes to another at once when its holder stops', async () => {
    const ada = await join('ada');
    await pass(20);
    const bob = await join('bob');
    await pass(100);
    expect(doing).toEqual(['ada']);
    await ada.stop();
    await pass(20);
    expect(doing).toEqual(['bob']);
    expect(bob.isHeld()).toBe(true);
  });

  it('goes to another when its holder falls silent, who has laid it down before', async () => {
    const ada = await join('ada');
    await pass(20);
    const bob = await join('bob');
    await pass(50);
    store.awayFrom.add('ada');
    const seen: string[] = [];
    for (let ms = 0; ms < 120; ms += 5) {
      await pass(5);
      const now = [ada.isHeld() && 'ada', bob.isHeld() && 'bob'].filter(Boolean).join();
      if (now !== seen.at(-1)) seen.push(now);
      expect(doing.length).toBeLessThanOrEqual(1);
    }
    expect(seen).toEqual(['ada', '', 'bob']);
    store.awayFrom.delete('ada');
    await pass(200);
    expect(doing).toEqual(['bob']);
  });

  it('goes to another within two looks of the silence that life has', async () => {
    const pace = { intervalMs: 10_000, takeoverAfterMs: 30_000 };
    const ada = await join('ada', pace);
    await pass(9_900);
    const bob = await join('bob', pace);
    await pass(600);
    // Her last beat came after ten seconds, and was heard at the next look.
    store.awayFrom.add('ada');
    await pass(29_500);
    expect(bob.isHeld()).toBe(false);
    await pass(1_000);
    expect([ada.isHeld(), bob.isHeld()]).toEqual([false, true]);
  });

  it('is not held by a process that slept, before anything else runs in it', async () => {
    const ada = await join('ada');
    await pass(20);
    expect(ada.isHeld()).toBe(true);
    // Its timers stand still while the clocks go on.
    vi.setSystemTime(Date.now() + 60_000);
    expect(ada.isHeld()).toBe(false);
  });

  it('is not held by a process that slept and is heard again, before it has looked who holds it now', async () => {
    const ada = await join('ada');
    await pass(20);
    vi.setSystemTime(Date.now() + 60_000);
    await ada.heartbeats.start();
    expect(ada.isHeld()).toBe(false);
  });

  it('is begun anew by its holder when one who held it before wakes, for what that one had begun may have come about since', async () => {
    const ada = await join('ada');
    await pass(20);
    const bob = await join('bob');
    await pass(100);
    store.awayFrom.add('ada');
    await pass(120);
    expect(doing).toEqual(['bob']);
    expect(begun).toEqual(['ada', 'bob']);
    store.awayFrom.delete('ada');
    await pass(100);
    expect(doing).toEqual(['bob']);
    expect(begun).toEqual(['ada', 'bob', 'bob']);
    expect([ada.isHeld(), bob.isHeld()]).toEqual([false, true]);
    await pass(5_000);
    expect(begun).toHaveLength(3);
  });

  it('may be acted on until it is laid down, and is not given back before', async () => {
    const ada = await join('ada');
    await pass(20);
    laying = 50;
    const stopped = ada.stop();
    await pass(30);
    expect(ada.isHeld()).toBe(true);
    expect(store.streams.get('lease-poller')).toHaveLength(1);
    await pass(30);
    await stopped;
    expect(ada.isHeld()).toBe(false);
    expect(store.streams.get('lease-poller')?.map(({ type }) => type)).toEqual(['LeaseClaimed', 'LeaseReleased']);
  });

  it('is taken up again by a holder whom nobody overtook', async () => {
    await join('ada');
    await pass(20);
    store.awayFrom.add('ada');
    await pass(100);
    expect(doing).toEqual([]);
    store.awayFrom.delete('ada');
    await pass(50);
    expect(doing).toEqual(['ada']);
  });

  it('leaves no more in the log than its changes of hands', async () => {
    await Promise.all(['ada', 'bob'].map((worker) => join(worker)));
    await pass(5_000);
    expect(store.streams.get('lease-poller')).toHaveLength(1);
  });
});
