import type { RunnerLog } from '../commands/ports/log.ts';
import { type EventStore, StoreUnavailable, WrongExpectedRevision } from '../domain/event-store.ts';
import type { Heartbeats } from './heartbeats.ts';

/** Longest wait for the lease to be given back when the process stops, in milliseconds; then it is overtaken for its silence. */
const RELEASE_MS_MAX = 1_000;

export interface SingletonOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  /** What there is one of. The lease is the stream `lease-<name>`, without hashes. */
  readonly name: string;
  /** This process, by the name its heart-beats have. */
  readonly worker: string;
  readonly heartbeats: Pick<Heartbeats, 'isHeard' | 'isSurelyHeard' | 'intervalMs'>;
  /** Takes the work up, and gives how to lay it down again. */
  readonly begin: () => () => Promise<void>;
  readonly log: RunnerLog;
}

export interface Singleton {
  /** Whether this process may act now. It may not once the others could have stopped hearing it, whatever the store says. */
  isHeld(): boolean;
  /** Lays the work down, then gives the lease back, so that another takes it up at once. */
  stop(): Promise<void>;
}

interface Lease {
  /** `null`: given back. */
  readonly worker: string | null;
  readonly revision: number;
}

/**
 * Work that one process of many does at a time. A claim is an event with the expected revision, so of two one wins, and its revision is the fence.
 * The holder's heart-beats renew it; when they fall silent another claims it, and a holder that could not beat has laid the work down before.
 */
export const startSingleton = ({ store, name, worker, heartbeats, begin, log }: SingletonOptions): Singleton => {
  const stream = `lease-${name}`;
  let held: { readonly revision: number; readonly end: () => Promise<void> } | undefined;
  let looking = Promise.resolve();
  let stopped = false;

  const found = async (): Promise<Lease | undefined> => {
    for await (const { data, type, revision } of store.readStream(stream, { direction: 'backwards', limit: 1 })) {
      return { worker: type === 'LeaseClaimed' ? String(Reflect.get(Object(data), 'worker')) : null, revision };
    }
    return undefined;
  };

  const write = async (type: 'LeaseClaimed' | 'LeaseReleased', expected: number | 'no_stream'): Promise<number> => {
    const event = { id: crypto.randomUUID(), type, data: { worker }, metadata: {} };
    return (await store.append(stream, [event], expected)).revision;
  };

  const layDown = async (): Promise<void> => {
    const mine = held;
    held = undefined;
    await mine?.end();
  };

  const look = async (): Promise<void> => {
    if (held && !heartbeats.isSurelyHeard()) await layDown();
    const lease = await found();
    if (held) {
      if (lease?.revision !== held.revision) await layDown();
      return;
    }
    if (stopped || !heartbeats.isSurelyHeard()) return;
    // A claim of our own that was laid down, or got no answer, is nobody's.
    if (lease && lease.worker !== null && lease.worker !== worker && (await heartbeats.isHeard(lease.worker))) return;
    const revision = await write('LeaseClaimed', lease?.revision ?? 'no_stream');
    if (stopped) return;
    held = { revision, end: begin() };
    log.info({ lease: name }, 'this process does what only one may do');
  };

  const lookAgain = (): void => {
    looking = looking.then(look).catch((error: unknown) => {
      if (error instanceof WrongExpectedRevision) return; // Another was faster.
      if (error instanceof StoreUnavailable) log.info({ lease: name }, 'the store is away');
      else log.error({ lease: name, err: error }, 'a lease could not be looked at');
    });
  };
  const timer = setInterval(lookAgain, heartbeats.intervalMs);
  lookAgain();

  return {
    isHeld: () => held !== undefined && heartbeats.isSurelyHeard(),
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      const revision = held?.revision;
      await layDown();
      await looking;
      if (revision === undefined) return;
      const released = write('LeaseReleased', revision).catch(() => undefined); // Overtaken, or the store is away.
      const late = Promise.withResolvers<void>();
      const waiting = setTimeout(late.resolve, RELEASE_MS_MAX);
      await Promise.race([released, late.promise]);
      clearTimeout(waiting);
    },
  };
};
