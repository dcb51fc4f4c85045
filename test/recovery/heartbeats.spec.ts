import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NewEvent } from '../../src/domain/event.ts';
import { type EventStore, type Position, StoreUnavailable } from '../../src/domain/event-store.ts';
import { createHeartbeats } from '../../src/infra/heartbeats.ts';

/** The last event of each stream, as long as it is not `away`. */
const lastEvents = () => {
  const last = new Map<string, NewEvent>();
  const store = {
    away: false,
    append: async (stream: string, events: readonly NewEvent[]) => {
      if (store.away) throw new StoreUnavailable('away');
      for (const event of events) last.set(stream, event);
      return { revision: 0, position: '' as Position };
    },
    async *readStream(stream: string) {
      if (store.away) throw new StoreUnavailable('away');
      const event = last.get(stream);
      if (event) yield { ...event, stream, revision: 0, position: '' as Position };
    },
  };
  return store satisfies Pick<EventStore, 'append' | 'readStream'>;
};

const PACE = { intervalMs: 10, takeoverAfterMs: 30 };

describe('Heart-beats', () => {
  let store: ReturnType<typeof lastEvents>;
  beforeEach(() => {
    vi.useFakeTimers();
    store = lastEvents();
    vi.clearAllMocks();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const log = { info: vi.fn(), error: vi.fn() };
  const worker = (name: string) => createHeartbeats({ store, worker: name, log, ...PACE });

  /** What was answered to whether `other` is heard, asked every 5 ms for `ms`; the same answers in a row once. */
  const asking = async (heartbeats: ReturnType<typeof worker>, other: string, ms: number): Promise<readonly boolean[]> => {
    const answers = [await heartbeats.isHeard(other)];
    for (let passed = 0; passed < ms; passed += 5) {
      await vi.advanceTimersByTimeAsync(5);
      const answer = await heartbeats.isHeard(other);
      if (answer !== answers.at(-1)) answers.push(answer);
    }
    return answers;
  };

  it('let a worker be heard as long as it lives', async () => {
    const [ada, bob] = [worker('ada'), worker('bob')];
    await ada.start();
    expect(await asking(bob, 'ada', 200)).toEqual([true]);
    ada.stop();
    expect(await asking(bob, 'ada', 25)).toEqual([true]);
    expect(await asking(bob, 'ada', 15)).toEqual([true, false]);
  });

  it('let a worker that never beat be overtaken, but not at once', async () => {
    const bob = worker('bob');
    expect(await asking(bob, 'ada', 25)).toEqual([true]);
    expect(await asking(bob, 'ada', 10)).toEqual([true, false]);
  });

  it('never take a claim of this worker itself for one that somebody works on', async () => {
    const bob = worker('bob');
    await bob.start();
    expect(await bob.isHeard('bob')).toBe(false);
    bob.stop();
  });

  it('do not take an outage of the store for the silence of a worker', async () => {
    const [ada, bob] = [worker('ada'), worker('bob')];
    await ada.start();
    await asking(bob, 'ada', 20);
    store.away = true;
    await expect(bob.isHeard('ada')).rejects.toThrow(StoreUnavailable);
    await vi.advanceTimersByTimeAsync(500);
    store.away = false;
    expect(await asking(bob, 'ada', 100)).toEqual([true]);
    ada.stop();
    expect(await asking(bob, 'ada', 45)).toEqual([true, false]);
  });

  it('do not take a pause of this process for the silence of others', async () => {
    const bob = worker('bob');
    await asking(bob, 'ada', 20);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await bob.isHeard('ada')).toBe(true);
  });

  it('that are not stored are told once, keep this process from claiming, and are told again when they come through', async () => {
    const ada = worker('ada');
    await ada.start();
    const refused = vi.spyOn(store, 'append').mockRejectedValue(new Error('this user may not write here'));
    await vi.advanceTimersByTimeAsync(10);
    expect([ada.mayClaim(), log.error.mock.calls.length]).toEqual([true, 1]);
    await vi.advanceTimersByTimeAsync(100);
    expect([ada.mayClaim(), log.error.mock.calls.length, log.info.mock.calls.length]).toEqual([false, 1, 0]);
    refused.mockRestore();
    await vi.advanceTimersByTimeAsync(10);
    expect([ada.mayClaim(), log.error.mock.calls.length, log.info.mock.calls.length]).toEqual([true, 1, 1]);
    ada.stop();
  });
});
