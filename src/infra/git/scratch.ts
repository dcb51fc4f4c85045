import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** One cleaning a data folder in this process: what lies there before was left by a process that was killed. */
const cleaned = new Map<string, Promise<void>>();

const clean = async (root: string): Promise<void> => {
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true, mode: 0o700 });
};

const rootOf = (dataFolder: string): string => join(dataFolder, 'git', 'scratch');

/** Clears away what a killed process left, before the first use at the latest. */
export const clearScratch = (dataFolder: string): Promise<void> => {
  const root = rootOf(dataFolder);
  const ready =
    cleaned.get(root) ??
    clean(root).catch((error: unknown) => {
      cleaned.delete(root);
      throw error;
    });
  cleaned.set(root, ready);
  return ready;
};

/** Runs `work` with a fresh folder that is gone afterwards, and after a restart at the latest. */
export const scratchFolder = async <T>(dataFolder: string, work: (folder: string) => Promise<T>): Promise<T> => {
  await clearScratch(dataFolder);
  const folder = await mkdtemp(join(rootOf(dataFolder), 'x-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 }); // A git that was ended may still put its files away.
  }
};
