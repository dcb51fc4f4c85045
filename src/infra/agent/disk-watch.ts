import { statfs } from 'node:fs/promises';

/** What an agent must leave free on the disk of its work folder: this much, or a tenth of a small disk. In bytes. */
const FREE_BYTES_MIN = 512 * 1024 * 1024;
const LOOK_MS = 500;

/** Why an agent was ended; nothing else on the disk, the event log least of all, shall go short because of it. */
export const DISK_CROWDED = new Error(
  'The agent used up the disk and was ended. Ask for less at once, or give the data folder more space, then rerun.',
);

const isCrowded = async (folder: string): Promise<boolean> => {
  const { bavail, blocks, bsize } = await statfs(folder);
  return bavail * bsize < Math.min(FREE_BYTES_MIN, (blocks * bsize) / 10);
};

/** Aborts `signal` with `DISK_CROWDED` when the disk under `folder` runs short, until `stop`. */
export const watchDisk = (folder: string): { readonly signal: AbortSignal; stop(): void } => {
  const crowded = new AbortController();
  const look = async (): Promise<void> => {
    if (await isCrowded(folder)) crowded.abort(DISK_CROWDED);
  };
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS);
  return { signal: crowded.signal, stop: () => clearInterval(timer) };
};
