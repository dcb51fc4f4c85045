import { lstat, opendir, rm } from 'node:fs/promises';
import { execa } from 'execa';

const SYSTEM = { env: { PATH: '/usr/bin:/bin' }, extendEnv: false, stdin: 'ignore' } as const;

/** Node removes name by name on the thread that serves everybody; of more files, links and folders than this the system's own program does. */
const REMOVED_HERE_MAX = 500;

const isSmall = async (path: string): Promise<boolean> => {
  let found = 0;
  for await (const _ of await opendir(path, { recursive: true })) if (++found > REMOVED_HERE_MAX) return false;
  return true;
};

const removeBySystem = (path: string) => execa('rm', ['-rf', '--', path], SYSTEM);

/**
 * Removes a folder, whoever filled it. An agent may leave folders that nobody can enter, and folders within folders beyond what any path
 * can name: Node gives up on both, the system's own programs do not. Safe to call twice.
 */
export const removeFolder = async (path: string): Promise<void> => {
  if ((await lstat(path).catch(() => null)) === null) return;
  try {
    if (await isSmall(path)) await rm(path, { recursive: true, force: true, maxRetries: 3 });
    else await removeBySystem(path);
  } catch {
    await execa('chmod', ['-R', '--', 'u+rwX', path], { ...SYSTEM, reject: false });
    await removeBySystem(path);
  }
};
