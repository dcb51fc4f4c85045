import type { DatabaseSync } from 'node:sqlite';
import type { Parking } from '../../projections/projection.ts';

export interface ParkedStream extends Parking {
  readonly stream: string;
}

/** Streams that a build, named by its main table, cannot fold any further, and what that would take. */
export const parkedIn = (database: DatabaseSync): ((table: string) => readonly ParkedStream[]) => {
  const parked = database.prepare('SELECT stream, type, needs FROM parked WHERE tables = ? ORDER BY stream');
  return (table) =>
    parked.all(table).map(({ stream, type, needs }) => ({ stream: String(stream), type: String(type), needs: String(needs) }));
};
