import { join } from 'node:path';
import type { Mirror } from './mirrors.ts';
import { bytesOf, type RawPath, records } from './raw-path.ts';
import { batched, MODE_EXECUTABLE, MODE_FILE, type TreeEntry } from './tree.ts';
import { writeSome } from './write-out.ts';

/** Of these new paths (a folder ends with `/`) those that the rules leave out. */
export type IgnoreRules = (paths: readonly RawPath[]) => Promise<ReadonlySet<RawPath>>;

const isRules = ([path, { mode }]: readonly [RawPath, TreeEntry]): boolean =>
  (path === '.gitignore' || path.endsWith('/.gitignore')) && (mode === MODE_FILE || mode === MODE_EXECUTABLE);

/**
 * The `.gitignore` files of a tree, asked in a folder under `scratch` that holds only them. A folder asked for with its slash needs not exist,
 * and `./` keeps a name such as `:(top)x` from being read as more than a name.
 */
export const ignoreRules = async (
  mirror: Mirror,
  base: ReadonlyMap<RawPath, TreeEntry>,
  scratch: string,
  signal?: AbortSignal,
): Promise<IgnoreRules> => {
  const rules = [...base].filter(isRules);
  if (rules.length === 0) return () => Promise.resolve(new Set());
  const folder = join(scratch, 'rules');
  await writeSome(mirror, rules, folder, signal);
  return async (paths) => {
    const ignored = new Set<RawPath>();
    if (paths.length === 0) return ignored;
    const found = mirror.stream(['check-ignore', '-z', '--stdin', '--no-index'], {
      workTree: folder,
      indexFile: join(scratch, 'no-index'),
      input: batched(paths.values().map((path) => bytesOf(`./${path}\0`))),
      exitCodes: [0, 1],
      signal,
    });
    for await (const path of records(found, '\0')) ignored.add(path.slice('./'.length));
    return ignored;
  };
};
