import type { ObjectId } from '../../domain/ids.ts';
import type { ChangeEntry } from '../../domain/policy/shapes.ts';
import type { Mirror } from './mirrors.ts';
import { paced } from './paced.ts';
import { isUtf8Path, type RawPath, records, shownPath } from './raw-path.ts';
import { batched } from './tree.ts';

/** Blobs larger than this are binary to a diff: nothing inflates them to count lines. */
const DIFF_BLOB_BYTES_MAX = 16 * 1024 * 1024;
/** Old and new blobs of a change together; past it no patch is made, for it would be over any limit. */
const DIFF_BYTES_MAX = 64 * 1024 * 1024;

const SUBMODULE = '160000';
const NO_FILE = '000000';

/** The same bytes on every machine with the same git: no option is left to a configuration. */
const DIFF = ['diff-tree', '-r', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', '--no-relative'];
const PATCH = ['-p', '--binary', '--full-index', '--diff-algorithm=myers', '--unified=3', '--src-prefix=a/', '--dst-prefix=b/'];
const BOUNDED = ['-c', `core.bigFileThreshold=${DIFF_BLOB_BYTES_MAX}`];

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

/** Sizes of these blobs in bytes. */
const sizesOf = async (mirror: Mirror, ids: ReadonlySet<ObjectId>, signal?: AbortSignal): Promise<Map<ObjectId, number>> => {
  const sizes = new Map<ObjectId, number>();
  const input = batched(ids.values().map((id) => Buffer.from(`${id}\n`)));
  const args = ['cat-file', '--batch-check=%(objectname) %(objectsize)'];
  for await (const line of records(mirror.stream(args, { input, signal }), '\n')) {
    const [id = '', size = ''] = line.split(' ');
    if (!/^\d+$/.test(size)) throw new Error('a blob of the change is missing');
    sizes.set(id, Number(size));
  }
  return sizes;
};

const blobsOf = ({ entry }: Line): ObjectId[] => [
  ...(entry.oldMode === NO_FILE || entry.oldMode === SUBMODULE ? [] : [entry.oldId]),
  ...(entry.newMode === NO_FILE || entry.newMode === SUBMODULE ? [] : [entry.newId]),
];

/** What `to` changes against `from`, from the tree objects, in the order of the names. Renames are a deletion and an addition. */
export const changesBetween = async (
  mirror: Mirror,
  from: ObjectId,
  to: ObjectId,
  signal?: AbortSignal,
): Promise<RawChange[]> => {
  const lines: Line[] = [];
  const counts = new Map<RawPath, readonly [number | null, number | null]>();
  const blobs = new Set<ObjectId>();
  let meta: string | undefined;
  const output = mirror.stream([...BOUNDED, ...DIFF, '--raw', '--numstat', '-z', '--no-abbrev', from, to], { signal });
  for await (const record of records(output, '\0')) {
    if (meta !== undefined) {
      const line = parsedLine(meta, record);
      lines.push(line);
      for (const id of blobsOf(line)) blobs.add(id);
      meta = undefined;
    } else if (record.startsWith(':')) meta = record;
    else {
      const [insertions = '', deletions = '', ...path] = record.split('\t');
      const count = (text: string): number | null => (text === '-' ? null : Number(text));
      counts.set(path.join('\t'), [count(insertions), count(deletions)]);
    }
  }
  const sizes = await sizesOf(mirror, blobs, signal);
  return paced(lines, ({ rawPath, entry }) => {
    const [insertions, deletions] = counts.get(rawPath) ?? [null, null];
    const sizeOf = (mode: string, id: ObjectId): number => (mode === NO_FILE || mode === SUBMODULE ? 0 : (sizes.get(id) ?? 0));
    return {
      rawPath,
      entry: { ...entry, insertions, deletions, newBytes: sizeOf(entry.newMode, entry.newId) },
      oldBytes: sizeOf(entry.oldMode, entry.oldId),
    };
  });
};

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
