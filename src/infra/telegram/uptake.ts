import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { Intake } from './intake.ts';
import { createLanes } from './lanes.ts';
import type { Pulse } from './pulse.ts';
import { isNotNow } from './refusal-words.ts';
import { chatOf, readUpdate } from './update.ts';

export interface UptakeOptions {
  readonly intake: Intake;
  readonly pulse: Pulse;
  readonly log: Pick<Log, 'error' | 'debug'>;
  /** Between tries while the store is away: doubled from the first to the longest, in milliseconds. */
  readonly pausesMs?: { readonly first: number; readonly longest: number };
}

const PAUSES_MS = { first: 250, longest: 10_000 };
/** Tries of an update that meets a fault of ours. */
const TRIES_MAX = 3;

/**
 * Takes updates one after another in each chat, and those of different chats at the same time. One that meets a fault of ours again and again
 * is passed over: it would keep all others from being taken.
 */
export const createUptake = ({ intake, pulse, log, pausesMs = PAUSES_MS }: UptakeOptions) => {
  const inLane = createLanes();

  const attempt = async (json: unknown, onNotNow: (error: unknown) => Promise<void>): Promise<void> => {
    const arrival = readUpdate(json);
    if (!arrival) return;
    await inLane(chatOf(arrival), async () => {
      for (let faults = 0; faults < TRIES_MAX; ) {
        try {
          return await intake(arrival);
        } catch (error) {
          if (isNotNow(error)) {
            await onNotNow(error);
            continue;
          }
          faults++;
          // What people wrote may stand in the words of the error.
          log.debug({ err: error }, 'an update met a fault of our own');
          const fault = error instanceof Error ? error.name : 'unknown';
          log.error({ update: arrival.updateId, kind: arrival.kind, fault, tries: faults }, 'an update met a fault of our own');
        }
      }
      pulse.passedOver();
    });
  };

  return {
    /** Throws what is only not possible now. */
    once: (json: unknown): Promise<void> =>
      attempt(json, (error) => {
        throw error;
      }),

    /** Tries again until it is possible; rejects when `signal` is aborted before that. */
    patiently: (json: unknown, signal: AbortSignal): Promise<void> => {
      let waits = 0;
      return attempt(json, async () => {
        pulse.troubled('The event store does not answer; updates wait at Telegram.');
        await delay(Math.min(pausesMs.longest, pausesMs.first * 2 ** waits++), undefined, { signal });
      });
    },
  };
};

export type Uptake = ReturnType<typeof createUptake>;
