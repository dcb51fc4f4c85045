import { RETRY_DELAYS_MS } from './limits.ts';

/**
 * Until when a stage that was handed back may wait at most, as seen at `now`. Whoever handed it back went by a clock of its own: one that asks for
 * more is ahead, or was set back since.
 */
export const lastRetryAt = (now: string): string => new Date(Date.parse(now) + Math.max(...RETRY_DELAYS_MS)).toISOString();

/** Whether a stage that was handed back until `notBefore` still waits at `now`. */
export const isHeldBack = (notBefore: string, now: string): boolean => now < notBefore && notBefore <= lastRetryAt(now);
