import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative } from 'node:path';
import { type Bind, isBelow, SYSTEM_FOLDERS } from './bubblewrap.ts';
import { OURS_INSIDE } from './places.ts';

/** A program of this machine, and what of it has to be shown inside. */
export interface Installation {
  /** Absolute path on this machine. */
  readonly found: string;
  /** How it is called inside. */
  readonly inside: string;
  readonly readOnly: readonly Bind[];
  readonly links: readonly { readonly target: string; readonly at: string }[];
}

const isProgram = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch(() => null);
  return (
    found?.isFile() === true &&
    (await access(path, constants.X_OK)
      .then(() => true)
      .catch(() => false))
  );
};

const onPath = async (program: string, path: string): Promise<string | null> => {
  const candidates = isAbsolute(program)
    ? [program]
    : path.split(':').flatMap((folder) => (isAbsolute(folder) ? [join(folder, program)] : [])); // A relative entry would be the agent's.
  for (const candidate of candidates) if (await isProgram(candidate)) return candidate;
  return null;
};

/**
 * Finds a program by name or absolute path. Below the system folders it is visible anyway; elsewhere the `node_modules` it belongs to is shown,
 * or the file alone, under a path of ours that says nothing about this machine. `null` when it is not here.
 */
export const findInstallation = async (
  program: string,
  path: string,
  hidden: readonly string[],
): Promise<Installation | null> => {
  const found = await onPath(program, path);
  if (found === null) return null;
  const real = await realpath(found);
  const visible = (file: string): boolean =>
    SYSTEM_FOLDERS.some((folder) => isBelow(file, folder)) && !hidden.some((folder) => isBelow(file, folder));
  if (visible(real) && visible(found)) return { found, inside: found, readOnly: [], links: [] };

  const at = join(OURS_INSIDE, 'bin', basename(found));
  const modules = /^.*?\/node_modules(?=\/)/.exec(real)?.[0];
  if (modules === undefined) return { found, inside: at, readOnly: [{ from: real, to: at }], links: [] };
  const shown = join(OURS_INSIDE, 'cli', 'node_modules'); // Packages find each other by that name.
  return {
    found,
    inside: at,
    readOnly: [{ from: modules, to: shown }],
    links: [{ target: join(shown, relative(modules, real)), at }],
  };
};
