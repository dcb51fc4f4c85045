import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { isBusy, storeError } from './sqlite-errors.ts';

/** Longest wait for another process's write lock, in milliseconds. */
const BUSY_TIMEOUT_MS = 5000;

/** Between two tries for the lock, in milliseconds. */
const BUSY_PAUSE_MS = 15;

const transaction = <T>(database: DatabaseSync, work: () => T): T => {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // After a full disk or a failing one SQLite may have rolled back by itself.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
};

/**
 * Runs `work`, which must not wait for anything, in one write transaction: durable when it resolves, undone when it throws. The event loop goes
 * on while another process holds the lock. Throws `StoreUnavailable`, `StoreFull`, or what `work` threw.
 */
export const inTransaction = async <T>(database: DatabaseSync, work: () => T): Promise<T> => {
  const deadline = performance.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      return transaction(database, work);
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw storeError(error);
    }
    await pause(BUSY_PAUSE_MS);
  }
};
