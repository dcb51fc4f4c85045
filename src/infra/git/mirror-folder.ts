import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from './git.ts';
import { mirrorFolder, originOf, tornMirrorFolder } from './snapshots.ts';

/** A lock file this old was left by a git that was killed: no command here holds one for long. */
const LOCK_STALE_MS = 10_000;

/** Raw bytes both ways: whatever the attributes of the repository say, nothing is converted, filtered, hidden from a diff or merged by another rule. */
const ATTRIBUTES = '* -text -eol -ident -filter -working-tree-encoding !diff !merge !whitespace\n';

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;

export const isMirror = (folder: string): Promise<boolean> => exists(join(folder, 'HEAD'));

/** Frees the refs that a killed git left locked. */
export const clearStaleLocks = async (folder: string): Promise<void> => {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names.filter((each) => each.endsWith('.lock') && !each.startsWith('objects'))) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > LOCK_STALE_MS) await rm(join(folder, name), { force: true });
  }
};

/**
 * Whether git can read the mirror, its refs, and what each of them names: with less it refuses to fetch anything. Git says no in the same words
 * when it lacks memory or open files, so what is taken for torn is never removed at once.
 */
const isSound = async (git: Git, folder: string): Promise<boolean> => {
  const look = ['rev-list', '--quiet', '--stdin', '--not', '--all'];
  return (await git.run(look, { gitDir: folder, input: '', exitCodes: [0, 128] })).exitCode === 0;
};

/** Makes an empty bare repository; it has its name only when it is whole, and on the disk. What had that name before is kept beside it. */
const makeMirror = async (git: Git, snapshotRoot: string, name: string, folder: string): Promise<void> => {
  const { objectFormat } = await originOf(git, snapshotRoot, name);
  const fresh = `${folder}.making`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  await git.run(['init', '--quiet', '--bare', '--template=', `--object-format=${objectFormat}`, fresh]);
  await git.run(['config', '--file', join(fresh, 'config'), 'core.hooksPath', '/dev/null']);
  await mkdir(join(fresh, 'info'), { recursive: true });
  for (const name of ['HEAD', 'config']) {
    await using file = await open(join(fresh, name));
    await file.sync();
  }
  if (await exists(folder)) {
    const torn = tornMirrorFolder(folder);
    await rm(torn, { recursive: true, force: true });
    await rename(folder, torn);
  }
  await rename(fresh, folder);
};

/**
 * The folder of a mirror as this version of the service wants it: made where it is missing, and made anew where the disk lost some of it. What
 * it held comes from the remote again, or is made from stored patches; the torn one stays beside it for what neither has. Throws `RepositoryProblem`.
 */
export const prepareMirror = async (git: Git, dataFolder: string, snapshotRoot: string, name: string): Promise<string> => {
  const folder = mirrorFolder(dataFolder, name);
  if (!((await isMirror(folder)) && (await isSound(git, folder)))) await makeMirror(git, snapshotRoot, name, folder);
  await writeFile(join(folder, 'info', 'attributes'), ATTRIBUTES, { mode: 0o600 });
  await clearStaleLocks(folder);
  return folder;
};
