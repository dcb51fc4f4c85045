import { mkdir, readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { RepositoryProblem } from '../../commands/ports/repositories.ts';
import type { ObjectId } from '../../domain/ids.ts';
import { GitFailure } from './failure.ts';
import type { Mirror } from './mirrors.ts';
import type { RawPath } from './raw-path.ts';
import { batched, indexInfo, type TreeEntry } from './tree.ts';

const emptyFolder = async (folder: string): Promise<string> => {
  const absolute = resolve(folder);
  await mkdir(absolute, { recursive: true });
  if ((await readdir(absolute)).length > 0) throw new RangeError('a tree is written into an empty folder only');
  return absolute;
};

/** Writes the raw bytes of a tree. Submodules become empty folders. Throws `RepositoryProblem` for names git does not write. */
export const writeOut = async (mirror: Mirror, tree: ObjectId, folder: string, signal?: AbortSignal): Promise<void> => {
  const workTree = await emptyFolder(folder);
  await mirror.scratch(async (scratch) => {
    try {
      await mirror.run(['read-tree', '-u', '--reset', tree], { indexFile: `${scratch}/index`, workTree, signal });
    } catch (error) {
      if (!(error instanceof GitFailure && error.says(/invalid path/i))) throw error;
      throw new RepositoryProblem(
        'BASE_MISSING',
        'The tree holds a name that is not safe to write (such as ".git"); name another base.',
      );
    }
  });
};

/** Writes some files of a tree, and nothing else. */
export const writeSome = async (
  mirror: Mirror,
  entries: Iterable<readonly [RawPath, TreeEntry]>,
  folder: string,
  signal?: AbortSignal,
): Promise<void> => {
  const workTree = await emptyFolder(folder);
  await mirror.scratch(async (scratch) => {
    const call = { indexFile: `${scratch}/index`, signal };
    await mirror.run(['update-index', '-z', '--index-info'], { ...call, input: batched(indexInfo(entries)) });
    await mirror.run(['checkout-index', '--all', '--quiet'], { ...call, workTree });
  });
};
