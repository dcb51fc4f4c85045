/** Time and chance, so that a test can hold them still. */
export interface Clock {
  /** UTC, ISO 8601, milliseconds. */
  now(): string;
  /** A random UUID. */
  uuid(): string;
}

export const systemClock: Clock = { now: () => new Date().toISOString(), uuid: () => crypto.randomUUID() };
