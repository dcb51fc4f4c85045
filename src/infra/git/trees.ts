import type { ObjectId } from '../../domain/ids.ts';
import { boundedMap } from './bounded-map.ts';
import { GitFailure } from './failure.ts';
import type { Mirror } from './mirrors.ts';
import { MODE_EXECUTABLE, MODE_FILE } from './tree.ts';

const FILES_REMEMBERED_MAX = 500;
const TREES_REMEMBERED_MAX = 1_000;
const FILE_REMEMBERED_BYTES_MAX = 64 * 1024;

/** Commits that only a merge needs; nothing refers to them. */
const NOBODY = {
  GIT_AUTHOR_NAME: 'Countersign',
  GIT_AUTHOR_EMAIL: 'countersign@localhost',
  GIT_AUTHOR_DATE: '@0 +0000',
  GIT_COMMITTER_NAME: 'Countersign',
  GIT_COMMITTER_EMAIL: 'countersign@localhost',
  GIT_COMMITTER_DATE: '@0 +0000',
};

/** What stands at a path of a commit or tree; `null`: nothing. */
const lookUp = async (mirror: Mirror, treeish: ObjectId, path: string) => {
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) return null;
  const tree = await mirror.treeOf(treeish);
  const { stdout } = await mirror.run(['ls-tree', '-z', '-l', '--full-tree', tree, '--', path], {
    env: { GIT_LITERAL_PATHSPECS: '1' },
  });
  const [meta = '', found] = stdout.toString('utf8').replace(/\0$/, '').split('\t');
  const [mode, type, id = '', size] = meta.split(/ +/);
  return found === path ? { mode, type, id, size: Number(size) } : null;
};

const read = async (mirror: Mirror, treeish: ObjectId, path: string, maxBytes: number): Promise<Buffer | null | 'unusable'> => {
  const found = await lookUp(mirror, treeish, path);
  if (found === null) return null;
  const { mode, id, size } = found;
  if ((mode !== MODE_FILE && mode !== MODE_EXECUTABLE) || size > maxBytes) return 'unusable';
  return (await mirror.run(['cat-file', 'blob', id])).stdout;
};

export const isFolder = async (mirror: Mirror, commit: ObjectId, path: string): Promise<boolean> =>
  (await lookUp(mirror, commit, path))?.type === 'tree';

/** Reads files of commits and trees and remembers small ones: neither ever changes. */
export const createFileReader = (): typeof read => {
  const known = boundedMap<string, Buffer | null | 'unusable'>(FILES_REMEMBERED_MAX);
  return async (mirror, treeish, path, maxBytes) => {
    const key = `${mirror.name}\0${treeish}\0${maxBytes}\0${path}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const bytes = await read(mirror, treeish, path, maxBytes);
    if (bytes === null || bytes === 'unusable' || bytes.length <= FILE_REMEMBERED_BYTES_MAX) known.set(key, bytes);
    return bytes;
  };
};

/** Merges what `tree` changed against `oldBase` onto `newBase`; `null` on conflict. */
export const mergeOnto = async (
  mirror: Mirror,
  tree: ObjectId,
  oldBase: ObjectId,
  newBase: ObjectId,
): Promise<ObjectId | null> => {
  const before = await mirror.treeOf(oldBase);
  const onto = await mirror.treeOf(newBase);
  if (before === onto || tree === onto) return tree;
  if (tree === before) return onto;
  const commit = async (of: ObjectId, parents: readonly string[]): Promise<string> =>
    (await mirror.run(['commit-tree', of, ...parents.flatMap((parent) => ['-p', parent])], { env: NOBODY, input: '' })).stdout
      .toString('latin1')
      .trim();
  const root = await commit(before, []);
  const sides = [await commit(onto, [root]), await commit(tree, [root])];
  const { exitCode, stdout } = await mirror.run(['merge-tree', '--write-tree', '--no-messages', '-z', ...sides], {
    exitCodes: [0, 1],
  });
  return exitCode === 0 ? (stdout.toString('latin1').split('\0')[0] ?? null) : null;
};

/** Whether the tree and every file in it that the base does not have are here. */
const isWhole = async (mirror: Mirror, tree: ObjectId, baseCommit: ObjectId): Promise<boolean> => {
  if (!(await mirror.has(`${tree}^{tree}`))) return false;
  const { exitCode } = await mirror.run(['rev-list', '--objects', '--quiet', tree, '--not', baseCommit], { exitCodes: [0, 128] });
  return exitCode === 0;
};

/** Makes the tree anew from base and patch where it is missing. Throws when that gives another tree. */
const makeTree = async (
  mirror: Mirror,
  tree: ObjectId,
  baseCommit: ObjectId,
  patch: () => Promise<Buffer>,
  signal?: AbortSignal,
): Promise<void> => {
  await mirror.ensureCommit(baseCommit, signal);
  if (tree === (await mirror.treeOf(baseCommit)) || (await isWhole(mirror, tree, baseCommit))) return;
  const bytes = await patch();
  const made = await mirror.scratch(async (scratch) => {
    const call = { indexFile: `${scratch}/index` };
    await mirror.run(['read-tree', baseCommit], call);
    try {
      await mirror.run(['apply', '--cached', '--binary', '--whitespace=nowarn', '--allow-empty', '-'], { ...call, input: bytes });
    } catch (error) {
      if (error instanceof GitFailure && error.code === undefined) throw new Error('the stored patch does not apply to its base');
      throw error;
    }
    return (await mirror.run(['write-tree'], call)).stdout.toString('latin1').trim();
  });
  if (made !== tree) throw new Error('the stored patch makes another tree than the one that was judged');
};

/** Makes trees where they are missing, and remembers which are here: a ref keeps them. */
export const createTreeKeeper = () => {
  const here = boundedMap<string, true>(TREES_REMEMBERED_MAX);
  const keyOf = (mirror: Mirror, tree: ObjectId): string => `${mirror.name}\0${tree}`;
  const note = (mirror: Mirror, tree: ObjectId): void => here.set(keyOf(mirror, tree), true);
  return {
    note,
    ensure: async (
      mirror: Mirror,
      tree: ObjectId,
      baseCommit: ObjectId,
      patch: () => Promise<Buffer>,
      signal?: AbortSignal,
    ): Promise<void> => {
      if (here.has(keyOf(mirror, tree))) return;
      await makeTree(mirror, tree, baseCommit, patch, signal);
      note(mirror, tree);
    },
  };
};
