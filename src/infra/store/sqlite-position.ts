import type { Position } from '../../domain/event-store.ts';

/** Digits of the largest integer that a JavaScript number holds exactly. */
const DIGITS = 16;

export const positionOf = (row: number): Position => String(row).padStart(DIGITS, '0') as Position; // The one place that makes them.

/** Row number of a position; 0, before the first, for none. Throws a `RangeError` for what is no position of this store. */
export const rowOf = (position: Position | null): number => {
  if (position === null) return 0;
  if (!/^\d{16}$/.test(position)) throw new RangeError('a position of another kind of event store');
  return Number(position);
};
