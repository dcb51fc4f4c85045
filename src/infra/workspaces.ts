import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspaces } from '../commands/ports/workspaces.ts';

/** An agent may leave folders that nobody can enter: opened first, so that they can be removed. Root needs no such help. */
const removeAll = async (folder: string): Promise<void> => {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
};

/** Folders of executions, below one folder that only the service's own user can enter. */
export const createWorkspaces = ({ folder }: { readonly folder: string }): Workspaces => {
  const at = (key: string): string => join(folder, key);
  return {
    make: async (key) => {
      await removeAll(at(key));
      await mkdir(at(key), { recursive: true, mode: 0o700 });
      return at(key);
    },
    furnish: async (parent, name, files) => {
      const made = join(parent, name);
      await mkdir(made);
      for (const [file, bytes] of Object.entries(files)) await writeFile(join(made, file), bytes);
      return made;
    },
    remove: (key) => removeAll(at(key)),
    reap: async (running) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const left = (await readdir(folder)).filter((key) => !running.has(key));
      await Promise.all(left.map((key) => removeAll(at(key))));
    },
  };
};
