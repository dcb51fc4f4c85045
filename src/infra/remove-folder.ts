import { rm } from 'node:fs/promises';
import { execa } from 'execa';

const SYSTEM = { env: { PATH: '/usr/bin:/bin' }, extendEnv: false, stdin: 'ignore' } as const;

/**
 * Removes a folder, whoever filled it. An agent may leave folders that nobody can enter, and folders within folders beyond what any path
 * can name: Node gives up on both, the system's own programs do not. Safe to call twice.
 */
export const removeFolder = async (path: string): Promise<void> => {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    await execa('chmod', ['-R', '--', 'u+rwX', path], { ...SYSTEM, reject: false });
    await execa('rm', ['-rf', '--', path], SYSTEM);
  }
};
