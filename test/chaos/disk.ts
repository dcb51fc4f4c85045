import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** A small file system of its own for one folder. */
export interface SmallDisk {
  /** Not a byte more goes in. */
  fill(): Promise<void>;
  free(): Promise<void>;
  unmount(): Promise<void>;
}

const BLOCK = Buffer.alloc(4096, 1);

export const mountSmallDisk = async (folder: string, mebibytes: number): Promise<SmallDisk> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'tmpfs', folder]);
  // It is none of the service's folders, so nobody clears it away.
  const ballast = join(folder, '.ballast');
  return {
    fill: async () => {
      await using handle = await open(ballast, 'a');
      try {
        for (;;) await handle.write(BLOCK);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      }
    },
    free: () => rm(ballast, { force: true }),
    unmount: async () => {
      await execa('umount', ['--lazy', folder], { reject: false });
    },
  };
};
