import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** How often the disk under `folder` makes 700 bytes durable, one after the other, in a second: the limit of a single writer. */
export const syncRate = (folder: string, forMs = 1_000): number => {
  const own = mkdtempSync(join(folder, 'sync-'));
  const file = openSync(join(own, 'file'), 'w');
  const bytes = Buffer.alloc(700, 'x');
  const begin = performance.now();
  let count = 0;
  while (performance.now() - begin < forMs) {
    writeSync(file, bytes);
    fdatasyncSync(file);
    count++;
  }
  const rate = count / ((performance.now() - begin) / 1_000);
  closeSync(file);
  rmSync(own, { recursive: true });
  return rate;
};
