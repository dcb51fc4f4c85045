import { setTimeout as pause } from 'node:timers/promises';
import { StoreUnavailable } from '../../domain/event-store.ts';
import { isDiskTrouble } from './view-file.ts';

/** Before the next try, in milliseconds: twice as long each time nothing was done. */
const RETRY_MS = { first: 100, max: 5_000 } as const;

/** Codes of the operating system that waiting, or an administrator, mends. */
const DISK_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EIO']);

const isOutside = (error: unknown): boolean =>
  error instanceof StoreUnavailable ||
  isDiskTrouble(error) ||
  (error instanceof Error && 'code' in error && DISK_CODES.has(error.code));

/**
 * Runs `work` until it comes to its end or `signal` aborts, again and again while the log or the disk is away. `work` says when it got somewhere.
 * Throws what waiting does not mend.
 */
export const persevere = async (signal: AbortSignal, work: (gotSomewhere: () => void) => Promise<void>): Promise<void> => {
  let wait: number = RETRY_MS.first;
  while (!signal.aborted) {
    try {
      await work(() => {
        wait = RETRY_MS.first;
      });
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!isOutside(error)) throw error;
    }
    await pause(wait, undefined, { signal }).catch(() => undefined);
    wait = Math.min(wait * 2, RETRY_MS.max);
  }
};
