import type { RunnerLog } from '../commands/ports/log.ts';
import { type EventStore, StoreUnavailable, WrongExpectedRevision } from '../domain/event-store.ts';
import type { Heartbeats } from './heartbeats.ts';

/** Longest wait for the lease to be given back when the process stops, in milliseconds; then it is overtaken for its silence. */
const RELEASE_MS_MAX = 1_000;
/**
 * Longest time between two looks at the lease, in milliseconds: two of them are what a change of hands takes longer than the holder's silence.
 * Where hearts beat quicker it looks as often as they do: a silence is one only as long as somebody went on listening.
 */
const LOOK_MS_MAX = 500;

export interface SingletonOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  /** What there is one of. The lease is the stream `lease-<name>`, without hashes. */
  readonly name: string;
  /** This process, by the name its heart-beats have. */
  readonly worker: string;
  readonly heartbeats: Pick<Heartbeats, 'intervalMs' | 'isHeard' | 'unbroken'>;
  /** Takes the work up, and gives how to lay it down again. */
  readonly begin: () => () => Promise<void>;
  readonly log: RunnerLog;
}

export interface Singleton {
  /**
   * Whether this process may act now, also while it lays the work down: asked right before whatever others will see. It may not once the others
   * could have stopped hearing it, whatever the store says, and however soon after a sleep it is heard again.
   */
  isHeld(): boolean;
  /** Lays the work down, then gives the lease back, so that another takes it up at once. */
  stop(): Promise<void>;
}

interface Lease {
  /** `null`: given back. */
  readonly worker: string | null;
  readonly revision: number;
}

/** `LeaseDoubted`: an earlier holder slept, and woke. What it had begun may have come about since, so the holder begins anew, and puts that right. */
type LeaseEvent = 'LeaseClaimed' | 'LeaseDoubted' | 'LeaseReleased';

interface Held {
  readonly revision: number;
  /** The time without a break in which it was claimed. */
  readonly since: number;
  end: () => Promise<void>;
  ended?: Promise<void>;
}

/**
 * Work that one process of many does at a time. A claim is an event with the expected revision, so of two one wins, and its revision is the fence.
 * The holder's heart-beats renew it; when they fall silent another claims it, and a holder that could not beat has laid the work down before.
 */
export const startSingleton = (options: SingletonOptions): Singleton => {
  const { store, name, worker, heartbeats, begin, log } = options;
  const stream = `lease-${name}`;
  let held: Held | undefined;
  /** Revision of the last claim of ours. */
  let claimed: number | undefined;
  /** Something that was begun while it was held may come about after another took it over. */
  let isDoubtful = false;
  let looking: Promise<void> | undefined;
  let stopped = false;

  const found = async (): Promise<Lease | undefined> => {
    for await (const { data, type, revision } of store.readStream(stream, { direction: 'backwards', limit: 1 })) {
      return { worker: type === 'LeaseReleased' ? null : String(Reflect.get(Object(data), 'worker')), revision };
    }
    return undefined;
  };

  const write = async (type: LeaseEvent, holder: string, expected: number | 'no_stream'): Promise<number> => {
    const event = { id: crypto.randomUUID(), type, data: { worker: holder }, metadata: {} };
    return (await store.append(stream, [event], expected)).revision;
  };

  const isHeld = (): boolean => held !== undefined && held.since === heartbeats.unbroken();

  const layDown = async (): Promise<void> => {
    const mine = held;
    if (!mine) return;
    mine.ended ??= mine.end();
    await mine.ended;
    held = undefined;
  };

  const look = async (): Promise<void> => {
    if (held && !isHeld()) {
      isDoubtful = true;
      await layDown();
    }
    const lease = await found();
    if (held) {
      if (lease?.revision !== held.revision) {
        isDoubtful = true;
        await layDown();
      }
      return;
    }
    const since = heartbeats.unbroken();
    if (stopped || since === null) return;
    // A claim of our own that was laid down, or got no answer, is nobody's.
    if (lease && lease.worker !== null && lease.worker !== worker && (await heartbeats.isHeard(lease.worker))) {
      if (isDoubtful) await write('LeaseDoubted', lease.worker, lease.revision);
      isDoubtful = false;
      return;
    }
    claimed = await write('LeaseClaimed', worker, lease?.revision ?? 'no_stream');
    isDoubtful = false;
    if (stopped || since !== heartbeats.unbroken()) return;
    // Held before it begins: what begins asks at once whether it may.
    const mine: Held = { revision: claimed, since, end: async () => {} };
    held = mine;
    try {
      mine.end = begin();
    } catch (error) {
      held = undefined;
      throw error;
    }
    log.info({ lease: name }, 'this process does what only one may do');
  };

  const lookAgain = (): void => {
    looking ??= look()
      .catch((error: unknown) => {
        if (error instanceof WrongExpectedRevision) return; // Another was faster.
        if (error instanceof StoreUnavailable) log.info({ lease: name }, 'the store is away');
        else log.error({ lease: name, err: error }, 'a lease could not be looked at');
      })
      .finally(() => {
        looking = undefined;
      });
  };
  const timer = setInterval(lookAgain, Math.min(LOOK_MS_MAX, heartbeats.intervalMs));
  lookAgain();

  return {
    isHeld,
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await layDown();
      await looking;
      if (claimed === undefined) return;
      const released = write('LeaseReleased', worker, claimed).catch(() => undefined); // Overtaken, or the store is away.
      const late = Promise.withResolvers<void>();
      const waiting = setTimeout(late.resolve, RELEASE_MS_MAX);
      await Promise.race([released, late.promise]);
      clearTimeout(waiting);
    },
  };
};
