import type { ObjectId } from '../../domain/ids.ts';
import { boundedMap } from './bounded-map.ts';
import type { Mirror } from './mirrors.ts';
import { bytesOf, type RawPath, records } from './raw-path.ts';

export const MODE_FILE = '100644';
export const MODE_EXECUTABLE = '100755';
export const MODE_LINK = '120000';
export const MODE_SUBMODULE = '160000';

const TREES_REMEMBERED_MAX = 20;
const TREE_REMEMBERED_ENTRIES_MAX = 2_000;

export interface TreeEntry {
  readonly mode: string;
  readonly id: ObjectId;
}

/** Every file, link and submodule of a tree, by its path. */
export type Entries = ReadonlyMap<RawPath, TreeEntry>;

const entriesOf = async (mirror: Mirror, tree: ObjectId, signal?: AbortSignal): Promise<Entries> => {
  const entries = new Map<RawPath, TreeEntry>();
  for await (const record of records(mirror.stream(['ls-tree', '-r', '-z', '--full-tree', tree], { signal }), '\0')) {
    const tab = record.indexOf('\t');
    const [mode = '', , id = ''] = record.slice(0, tab).split(' ');
    entries.set(record.slice(tab + 1), { mode, id });
  }
  return entries;
};

export type TreeReader = typeof entriesOf;

/** Reads trees and remembers small ones: what has the same id is the same, in every mirror. */
export const createTreeReader = (): TreeReader => {
  const known = boundedMap<ObjectId, Entries>(TREES_REMEMBERED_MAX);
  return async (mirror, tree, signal) => {
    const before = known.get(tree);
    if (before !== undefined) return before;
    const entries = await entriesOf(mirror, tree, signal);
    if (entries.size <= TREE_REMEMBERED_ENTRIES_MAX) known.set(tree, entries);
    return entries;
  };
};

/** Lines as `update-index -z --index-info` reads them; `null` takes the path out. */
export const indexInfo = function* (entries: Iterable<readonly [RawPath, TreeEntry | null]>): Generator<Buffer> {
  for (const [path, entry] of entries) {
    yield bytesOf(entry === null ? `0 ${'0'.repeat(40)}\t${path}\0` : `${entry.mode} ${entry.id}\t${path}\0`);
  }
};

/** What is put together before it is written to a child: many small writes cost more than the work. */
const BATCH_BYTES = 64 * 1024;

export const batched = async function* (parts: Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for (const part of parts) {
    batch.push(part);
    bytes += part.length;
    if (bytes < BATCH_BYTES) continue;
    yield Buffer.concat(batch);
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield Buffer.concat(batch);
};
