import { readlink, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ObjectId } from '../../domain/ids.ts';
import { type FoundFile, type Refusal, walkFolder } from './folder-walk.ts';
import { ignoreRules } from './ignore-rules.ts';
import type { Mirror } from './mirrors.ts';
import { paced } from './paced.ts';
import { bytesOf, quoted, type RawPath, rawPathOf, records } from './raw-path.ts';
import { batched, MODE_EXECUTABLE, MODE_FILE, MODE_LINK, MODE_SUBMODULE, type TreeEntry, type TreeReader } from './tree.ts';

/** Reading every byte of a folder takes the disk's time. */
const HASH_TIMEOUT_MS = 15 * 60_000;

const MODES: Readonly<Record<FoundFile['kind'], string>> = {
  file: MODE_FILE,
  executable: MODE_EXECUTABLE,
  link: MODE_LINK,
};

export interface ReadBack {
  /** What makes the starting tree into what stood in the folder: `null` takes a path out, and comes before what stands in its place. */
  readonly edits: readonly (readonly [RawPath, TreeEntry | null])[];
  readonly refused: ReadonlyMap<RawPath, Refusal>;
  readonly ignored: readonly RawPath[];
}

export interface ReadBackRequest {
  readonly folder: string;
  readonly baseTree: ObjectId;
  readonly startTree: ObjectId;
  readonly signal?: AbortSignal | undefined;
}

interface Content {
  readonly file: FoundFile;
  /** A file on the disk that holds the bytes of the blob. */
  readonly source: RawPath;
}

/** Ids of the blobs with these contents, in their order. They are in the mirror afterwards; what was there is not written again. */
const hashed = async (mirror: Mirror, contents: readonly Content[], signal?: AbortSignal): Promise<ObjectId[]> => {
  const ids: ObjectId[] = [];
  if (contents.length === 0) return ids;
  const args = ['hash-object', '-w', '--no-filters', '--stdin-paths'];
  const input = batched(contents.values().map(({ source }) => Buffer.from(`${quoted(source)}\n`)));
  for await (const id of records(mirror.stream(args, { input, signal, timeoutMs: HASH_TIMEOUT_MS }), '\n')) ids.push(id);
  if (ids.length !== contents.length) throw new Error('git hashed another number of files than it was given');
  return ids;
};

/** Where the bytes of each file stand. Those of a link are put into a file of their own under `scratch`. */
const contentsOf = async (files: readonly FoundFile[], folder: string, scratch: string): Promise<Content[]> => {
  const root = rawPathOf(Buffer.from(`${folder}/`));
  const links = rawPathOf(Buffer.from(`${scratch}/link-`));
  const contents = await paced(files.entries(), ([index, file]) => ({
    file,
    source: file.kind === 'link' ? `${links}${index}` : root + file.path,
  }));
  for (const { file, source } of contents)
    if (file.kind === 'link') await writeFile(bytesOf(source), await readlink(bytesOf(root + file.path), { encoding: 'buffer' }));
  return contents;
};

/** Ids and modes of the files that are not in `start` as they are. */
const changedFiles = async (
  mirror: Mirror,
  start: ReadonlyMap<RawPath, TreeEntry>,
  contents: readonly Content[],
  signal?: AbortSignal,
): Promise<Map<RawPath, TreeEntry>> => {
  const ids = await hashed(mirror, contents, signal);
  const changed = new Map<RawPath, TreeEntry>();
  await paced(contents.entries(), ([index, { file }]) => {
    const now = { mode: MODES[file.kind], id: ids[index] ?? '' };
    const before = start.get(file.path);
    if (before?.id !== now.id || before.mode !== now.mode) changed.set(file.path, now);
  });
  return changed;
};

/** Paths of `start` that are no longer there. A submodule stays while nothing stands in its place: its folder is empty here. */
const goneFrom = async (start: ReadonlyMap<RawPath, TreeEntry>, files: readonly FoundFile[]): Promise<RawPath[]> => {
  const present = new Set<RawPath>();
  const submodules: RawPath[] = [];
  await paced(start, ([path, { mode }]) => mode === MODE_SUBMODULE && submodules.push(path));
  const filled = new Set<RawPath>();
  await paced(files, ({ path }) => {
    present.add(path);
    for (const submodule of submodules) if (path.startsWith(`${submodule}/`)) filled.add(submodule);
  });
  const gone: RawPath[] = [];
  await paced(start, ([path, { mode }]) => {
    if (!present.has(path) && (mode !== MODE_SUBMODULE || filled.has(path))) gone.push(path);
  });
  return gone;
};

/**
 * What the bytes in `folder` are. Git never runs in that folder. Where the folder as a whole is past a limit, there are no edits, and
 * `refused` says so.
 */
export const readBack = (mirror: Mirror, entriesOf: TreeReader, request: ReadBackRequest): Promise<ReadBack> =>
  mirror.scratch(async (scratch) => {
    const { baseTree, startTree, signal } = request;
    const folder = resolve(request.folder);
    const base = await entriesOf(mirror, baseTree, signal);
    const start = startTree === baseTree ? base : await entriesOf(mirror, startTree, signal);
    const tracked = new Set<RawPath>();
    await paced(base.keys(), (path) => void tracked.add(path));
    await paced(start.keys(), (path) => void tracked.add(path));
    const rules = await ignoreRules(mirror, base, scratch, signal);
    const { files, refused, ignored, isWhole } = await walkFolder({ folder, tracked, rules, signal });
    if (!isWhole) return { edits: [], refused, ignored };

    const changed = await changedFiles(mirror, start, await contentsOf(files, folder, scratch), signal);
    const gone = await goneFrom(start, files);
    return { edits: [...gone.map((path) => [path, null] as const), ...changed], refused, ignored };
  });
