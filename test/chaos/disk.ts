import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';

/** A small file system of its own for one folder. */
export interface SmallDisk {
  /** Not a byte more goes in. */
  fill(): Promise<void>;
  /** What is given back later goes as well, until `free`. */
  keepFull(): Promise<void>;
  free(): Promise<void>;
  unmount(): Promise<void>;
}

const BLOCK = Buffer.alloc(4096, 1);
/** Between two looks for what was given back, in milliseconds. */
const AGAIN_MS = 50;

export const mountSmallDisk = async (folder: string, mebibytes: number): Promise<SmallDisk> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'tmpfs', folder]);
  // It is none of the service's folders, so nobody clears it away.
  const ballast = join(folder, '.ballast');
  let isMounted = true;
  let isKept = false;
  let kept = Promise.resolve();
  const fill = async (): Promise<void> => {
    if (!isMounted) return; // Or the disk below would be filled.
    await using handle = await open(ballast, 'a');
    try {
      for (;;) await handle.write(BLOCK);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  };
  const keep = async (): Promise<void> => {
    for (; isKept && isMounted; await pause(AGAIN_MS)) await fill();
  };
  const letGo = (): Promise<void> => {
    isKept = false;
    return kept;
  };
  return {
    fill,
    keepFull: async () => {
      await fill();
      isKept = true;
      kept = keep();
    },
    free: async () => {
      await letGo();
      await rm(ballast, { force: true });
    },
    unmount: async () => {
      isMounted = false;
      await letGo();
      await execa('umount', ['--lazy', folder], { reject: false });
    },
  };
};
