import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspaces } from '../commands/ports/workspaces.ts';
import { removeFolder } from './remove-folder.ts';

/** Folders of executions, below one folder that only the service's own user can enter. */
export const createWorkspaces = ({ folder }: { readonly folder: string }): Workspaces => {
  const at = (key: string): string => join(folder, key);
  const used = new Set<string>();
  return {
    make: async (key) => {
      used.add(key);
      await removeFolder(at(key));
      await mkdir(at(key), { recursive: true, mode: 0o700 });
      return at(key);
    },
    furnish: async (parent, name, files) => {
      const made = join(parent, name);
      await mkdir(made);
      for (const [file, bytes] of Object.entries(files)) await writeFile(join(made, file), bytes);
      return made;
    },
    remove: (key) => {
      used.delete(key);
      return removeFolder(at(key));
    },
    reap: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const key of await readdir(folder)) {
        // No key begins with a dot. Whether it is used is asked in the turn in which its removal begins.
        if (!key.startsWith('.') && !used.has(key)) await removeFolder(at(key));
      }
    },
  };
};
