import { execa } from 'execa';

/** Writes back what the file system of `folder` still holds in memory: a name that is given afterwards stands for files that outlive a loss of power. */
export const syncDisk = async (folder: string): Promise<void> => {
  await execa('sync', ['-f', folder], { env: { PATH: '/usr/bin:/bin' }, extendEnv: false });
};
