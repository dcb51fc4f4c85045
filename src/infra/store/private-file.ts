import { chmodSync, closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

const isThere = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EEXIST';

/**
 * Makes `file`, readable by the owner only, when it is missing, and syncs the folder so that the name survives a crash. A file that is there is
 * never opened: closing it would drop the locks that SQLite holds on it in this process (they belong to the process, not to the descriptor).
 */
export const makePrivateFile = (file: string): void => {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!isThere(error)) throw error;
    chmodSync(file, 0o600);
    return;
  }
  const folder = openSync(dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
};
