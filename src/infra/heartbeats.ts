import type { Liveness } from '../commands/ports/liveness.ts';
import type { RunnerLog } from '../commands/ports/log.ts';
import { type EventStore, StoreUnavailable } from '../domain/event-store.ts';
import { HEARTBEAT_MS, TAKEOVER_AFTER_MS } from '../domain/limits.ts';

export interface HeartbeatsOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  /** This process's worker. */
  readonly worker: string;
  readonly log: RunnerLog;
  readonly intervalMs?: number;
  readonly takeoverAfterMs?: number;
}

export interface Heartbeats extends Liveness {
  /** First beat before anything is claimed; later ones may be lost. */
  start(): Promise<void>;
  stop(): void;
  /** Between two beats, in milliseconds. */
  readonly intervalMs: number;
  /**
   * Names a time in which nobody can have taken this process for silent: no beat that was stored was older than half of what that takes when the
   * next one was. `null`: the last one is; whatever comes after that is another time.
   */
  unbroken(): number | null;
}

/**
 * Workers of several processes hear each other through the store: each writes to a stream of its own, of which the store keeps the last event.
 * Silence is measured by this process's own clock, from when it last saw a new beat and as long as it went on asking; clocks are never compared.
 */
export const createHeartbeats = ({
  store,
  worker,
  log,
  intervalMs = HEARTBEAT_MS,
  takeoverAfterMs = TAKEOVER_AFTER_MS,
}: HeartbeatsOptions): Heartbeats => {
  const heard = new Map<string, { readonly beat: string; readonly since: number; readonly asked: number }>();
  let timer: NodeJS.Timeout | undefined;
  let lastStored = { now: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY };
  let breaks = 0;
  let isLost = false;
  // The clock on the wall goes on while the machine sleeps, the other one when somebody sets that.
  const isBroken = (): boolean =>
    Math.max(performance.now() - lastStored.now, Date.now() - lastStored.wall) >= takeoverAfterMs / 2;

  const beat = async (): Promise<void> => {
    const begun = { now: performance.now(), wall: Date.now() };
    await store.append(`worker-${worker}`, [{ id: crypto.randomUUID(), type: 'WorkerHeard', data: {}, metadata: {} }], 'any');
    if (isBroken()) breaks++;
    lastStored = begun;
    if (isLost) log.info({ worker }, 'the others hear this process again');
    isLost = false;
  };
  const lose = (err: unknown): void => {
    const level = err instanceof StoreUnavailable ? 'info' : 'error';
    if (!isLost)
      log[level]({ worker, err }, 'a heart-beat was not stored: unless one is soon, others take over what this process does');
    isLost = true;
  };
  const lastBeat = async (other: string): Promise<string> => {
    for await (const event of store.readStream(`worker-${other}`, { direction: 'backwards', limit: 1 })) return event.id;
    return 'none';
  };

  return {
    start: async () => {
      await beat();
      timer = setInterval(() => void beat().catch(lose), intervalMs);
    },
    stop: () => clearInterval(timer),
    intervalMs,
    unbroken: () => (isBroken() ? null : breaks),
    mayClaim: () => !isBroken(),
    isHeard: async (other) => {
      // A claim of our own that nobody here works on: its answer was lost.
      if (other === worker) return false;
      const last = await lastBeat(other);
      const known = heard.get(other);
      const now = performance.now();
      // Only silence that was listened to counts: neither an outage of the store nor a pause of this process makes another worker silent.
      const goesOn = known?.beat === last && now - known.asked < takeoverAfterMs / 2;
      const since = goesOn ? known.since : now;
      heard.set(other, { beat: last, since, asked: now });
      return now - since < takeoverAfterMs;
    },
  };
};
