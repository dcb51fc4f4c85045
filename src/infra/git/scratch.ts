import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** One cleaning a data folder in this process. What lies there at the first use was left by a process that was killed. */
const cleaned = new Map<string, Promise<void>>();

const clean = async (root: string): Promise<void> => {
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true, mode: 0o700 });
};

/** Runs `work` with a fresh folder that is gone afterwards, and after a restart at the latest. */
export const scratchFolder = async <T>(dataFolder: string, work: (folder: string) => Promise<T>): Promise<T> => {
  const root = join(dataFolder, 'git', 'scratch');
  const ready = cleaned.get(root) ?? clean(root);
  cleaned.set(root, ready);
  await ready;
  const folder = await mkdtemp(join(root, 'x-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 }); // A git that was ended may still put its files away.
  }
};
