import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateFile } from './private-file.ts';
import { isBusy } from './sqlite-errors.ts';

/** Another process works in the data folder. The message is for the person at the terminal. */
export class DataFolderInUse extends Error {
  override readonly name = 'DataFolderInUse';
}

export interface DataFolderLock {
  release(): void;
}

/** Open until released: a connection that nobody refers to is closed by the garbage collector, and its lock with it. */
const held = new Set<DatabaseSync>();

/**
 * Makes this process the owner of the data folder until `release`, or until it ends: the lock is an exclusive transaction on a file of its own,
 * which the kernel frees even after `kill -9`. So whoever holds it knows that the earlier owner is dead. Throws `DataFolderInUse`.
 */
export const lockDataFolder = (folder: string): DataFolderLock => {
  const file = join(folder, 'owner.lock');
  makePrivateFile(file);
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new DataFolderInUse(
      'Another countersign process works in this data folder. Stop it, or set DATA_DIR to another folder.',
      {
        cause: error,
      },
    );
  }
  held.add(database);
  return {
    release: () => {
      if (held.delete(database)) database.close();
    },
  };
};
