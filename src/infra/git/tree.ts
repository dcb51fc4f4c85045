import type { ObjectId } from '../../domain/ids.ts';
import type { Mirror } from './mirrors.ts';
import { bytesOf, type RawPath, records } from './raw-path.ts';

export const MODE_FILE = '100644';
export const MODE_EXECUTABLE = '100755';
export const MODE_LINK = '120000';
export const MODE_SUBMODULE = '160000';

export interface TreeEntry {
  readonly mode: string;
  readonly id: ObjectId;
}

/** Every file, link and submodule of a tree, by its path. */
export const entriesOf = async (mirror: Mirror, tree: ObjectId, signal?: AbortSignal): Promise<Map<RawPath, TreeEntry>> => {
  const entries = new Map<RawPath, TreeEntry>();
  for await (const record of records(mirror.stream(['ls-tree', '-r', '-z', '--full-tree', tree], { signal }), '\0')) {
    const tab = record.indexOf('\t');
    const [mode = '', , id = ''] = record.slice(0, tab).split(' ');
    entries.set(record.slice(tab + 1), { mode, id });
  }
  return entries;
};

/** Lines as `update-index -z --index-info` reads them; `null` takes the path out. */
export const indexInfo = function* (entries: Iterable<readonly [RawPath, TreeEntry | null]>): Generator<Buffer> {
  for (const [path, entry] of entries) {
    yield bytesOf(entry === null ? `0 ${'0'.repeat(40)}\t${path}\0` : `${entry.mode} ${entry.id}\t${path}\0`);
  }
};

/** The tree that `start` becomes with these changes; `null` takes a path out, and comes before what stands in its place. */
export const writeTree = (
  mirror: Mirror,
  start: ObjectId | null,
  changes: Iterable<readonly [RawPath, TreeEntry | null]>,
  signal?: AbortSignal,
): Promise<ObjectId> =>
  mirror.scratch(async (scratch) => {
    const call = { indexFile: `${scratch}/index`, signal };
    await mirror.run(['read-tree', start ?? '--empty'], call);
    await mirror.run(['update-index', '-z', '--index-info'], { ...call, input: batched(indexInfo(changes)) });
    return (await mirror.run(['write-tree'], call)).stdout.toString('latin1').trim();
  });

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
