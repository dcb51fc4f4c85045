import type { ObjectId } from '../../domain/ids.ts';
import type { ChangeEntry } from '../../domain/policy/shapes.ts';
import type { Mirror } from './mirrors.ts';
import { paced } from './paced.ts';
import { isUtf8Path, type RawPath, records, shownPath } from './raw-path.ts';
import type { ReadBack } from './read-back.ts';
import { batched, indexInfo } from './tree.ts';

/** Blobs larger than this are binary to a diff: nothing inflates them to count lines. */
const DIFF_BLOB_BYTES_MAX = 16 * 1024 * 1024;
/** Old and new blobs of a change together; past it no patch is made, for it would be over any limit. */
const DIFF_BYTES_MAX = 64 * 1024 * 1024;

const SUBMODULE = '160000';
const NO_FILE = '000000';

/** The same bytes on every machine with the same git: no option is left to a configuration. */
const DIFF = ['diff-tree', '-r', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', '--no-relative'];
const PATCH = ['-p', '--binary', '--full-index', '--diff-algorithm=myers', '--unified=3', '--src-prefix=a/', '--dst-prefix=b/'];

const KINDS: Readonly<Record<string, ChangeEntry['kind']>> = { A: 'added', M: 'modified', D: 'deleted', T: 'type_changed' };

/** One entry of a change with the bytes of its name. */
export interface RawChange {
  readonly rawPath: RawPath;
  readonly entry: ChangeEntry;
  readonly oldBytes: number;
}

type Line = Omit<RawChange, 'entry' | 'oldBytes'> & {
  readonly entry: Omit<ChangeEntry, 'insertions' | 'deletions' | 'newBytes'>;
};

const parsedLine = (meta: string, rawPath: RawPath): Line => {
  const [oldMode = '', newMode = '', oldId = '', newId = '', status = ''] = meta.slice(1).split(' ');
  const kind = KINDS[status];
  if (kind === undefined) throw new Error('git reported a kind of change that is not known here');
  return { rawPath, entry: { path: shownPath(rawPath), pathIsUtf8: isUtf8Path(rawPath), kind, oldMode, newMode, oldId, newId } };
};

/**
 * Makes a tree, keeps it, and says what it changes. Records ended by NUL: the tree's id; `id size` of each blob on either side; then what
 * `diff-tree` writes. Without `-z` it quotes names, so that a line is an entry.
 */
const RECORD = `git read-tree "$1"
git update-index -z --index-info
tree=$(git write-tree)
printf 'update %s/tree %s\\nupdate %s/base %s\\n' "$4" "$tree" "$4" "$3" | git update-ref --stdin
printf '%s\\000' "$tree"
git ${DIFF.join(' ')} --raw --no-abbrev "$2" "$tree" | cut -d ' ' -f 3,4 | tr ' ' '\\n' |
  git cat-file --batch-check='%(objectname) %(objectsize)' | tr '\\n' '\\000'
exec git -c core.bigFileThreshold=${DIFF_BLOB_BYTES_MAX} ${DIFF.join(' ')} --raw --numstat -z --no-abbrev "$2" "$tree"`;

export interface RecordRequest {
  readonly startTree: ObjectId;
  readonly edits: ReadBack['edits'];
  readonly baseCommit: ObjectId;
  readonly baseTree: ObjectId;
  /** The ref below which tree and base are kept. */
  readonly keep: string;
}

/**
 * Makes the tree that the start becomes by the edits, keeps it from being collected as garbage, and says what it changes against the base: from
 * the tree objects, in the order of the names. Renames are a deletion and an addition.
 */
export const recordTree = (
  mirror: Mirror,
  { startTree, edits, baseCommit, baseTree, keep }: RecordRequest,
  signal?: AbortSignal,
): Promise<{ readonly tree: ObjectId; readonly changes: readonly RawChange[] }> =>
  mirror.scratch(async (scratch) => {
    const lines: Line[] = [];
    const counts = new Map<RawPath, readonly [number | null, number | null]>();
    const sizes = new Map<ObjectId, number>();
    let tree: ObjectId | undefined;
    let meta: string | undefined;
    const output = mirror.stream([startTree, baseTree, baseCommit, keep], {
      script: RECORD,
      indexFile: `${scratch}/index`,
      input: batched(indexInfo(edits)),
      signal,
    });
    for await (const record of records(output, '\0')) {
      if (tree === undefined) tree = record;
      else if (meta !== undefined) {
        lines.push(parsedLine(meta, record));
        meta = undefined;
      } else if (record.startsWith(':')) meta = record;
      else if (record.includes('\t')) {
        const [insertions = '', deletions = '', ...path] = record.split('\t');
        const count = (text: string): number | null => (text === '-' ? null : Number(text));
        counts.set(path.join('\t'), [count(insertions), count(deletions)]);
      } else {
        // A submodule's commit and the side without a file are not here, and nobody asks for their sizes.
        const [id = '', size = ''] = record.split(' ');
        if (/^\d+$/.test(size)) sizes.set(id, Number(size));
      }
    }
    if (tree === undefined) throw new Error('git made no tree');
    const sizeOf = (mode: string, id: ObjectId): number => {
      if (mode === NO_FILE || mode === SUBMODULE) return 0;
      const size = sizes.get(id);
      if (size === undefined) throw new Error('a blob of the change is missing');
      return size;
    };
    const changes = await paced(lines, ({ rawPath, entry }) => {
      const [insertions, deletions] = counts.get(rawPath) ?? [null, null];
      return {
        rawPath,
        entry: { ...entry, insertions, deletions, newBytes: sizeOf(entry.newMode, entry.newId) },
        oldBytes: sizeOf(entry.oldMode, entry.oldId),
      };
    });
    return { tree, changes };
  });

/** Whether a diff may read the blobs of a change at all. */
const isTooLarge = (changes: readonly RawChange[]): boolean => {
  let total = 0;
  for (const { entry, oldBytes } of changes) {
    if (Math.max(oldBytes, entry.newBytes) > DIFF_BLOB_BYTES_MAX) return true;
    total += oldBytes + entry.newBytes;
  }
  return total > DIFF_BYTES_MAX;
};

/** The patch between two trees. `patch` is `null` when it is over `bytesMax`; `bytes` is then more than `bytesMax`, not the whole size. */
export const patchBetween = async (
  mirror: Mirror,
  trees: { readonly from: ObjectId; readonly to: ObjectId; readonly changes: readonly RawChange[] },
  bytesMax: number,
  signal?: AbortSignal,
): Promise<{ readonly patch: Buffer | null; readonly bytes: number }> => {
  if (isTooLarge(trees.changes)) return { patch: null, bytes: bytesMax + 1 };
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of mirror.stream([...DIFF, ...PATCH, trees.from, trees.to], { signal })) {
    bytes += chunk.length;
    if (bytes > bytesMax) return { patch: null, bytes };
    chunks.push(chunk);
  }
  return { patch: Buffer.concat(chunks), bytes };
};
