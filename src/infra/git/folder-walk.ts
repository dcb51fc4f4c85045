import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import type { CollectedChange } from '../../domain/policy/shapes.ts';
import type { IgnoreRules } from './ignore-rules.ts';
import { paced } from './paced.ts';
import { bytesOf, isGitmodulesName, isGitName, type RawPath } from './raw-path.ts';

export type Refusal = CollectedChange['refusedPaths'][number]['what'];

/** Files, links and folders in a folder that is read back. Past it the folder is refused as a whole. */
const ENTRIES_MAX = 250_000;
const DEPTH_MAX = 200;
/** Bytes of one path below the folder. */
const PATH_BYTES_MAX = 3_500;
/** Git reads each of the files. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;
const FOLDER_BYTES_MAX = 8 * 1024 * 1024 * 1024;
/** Folders or files looked at side by side. */
const PARALLEL_MAX = 32;
const OWNER_READ = 0o400;
const OWNER_EXECUTE = 0o100;

export interface FoundFile {
  readonly path: RawPath;
  readonly kind: 'file' | 'executable' | 'link';
}

export interface Walked {
  readonly files: readonly FoundFile[];
  readonly refused: ReadonlyMap<RawPath, Refusal>;
  /** New paths that the rules leave out; a folder ends with `/` and counts once. */
  readonly ignored: readonly RawPath[];
  /** `false`: a limit of the whole folder was met, and `files` is not all there is. */
  readonly isWhole: boolean;
}

export interface WalkRequest {
  /** Absolute. */
  readonly folder: string;
  /** Paths that are inside whatever the rules say. */
  readonly tracked: ReadonlySet<RawPath>;
  readonly rules: IgnoreRules;
  readonly signal?: AbortSignal | undefined;
}

interface Seen {
  readonly path: RawPath;
  readonly kind: FoundFile['kind'] | 'folder' | Refusal;
  readonly bytes: number;
  readonly isTracked: boolean;
}

/** Runs `work` for each item, a bounded number side by side. */
const inParallel = async <T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> => {
  const queue = Iterator.from(items);
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL_MAX }, worker));
};

const foldersOf = async (tracked: ReadonlySet<RawPath>): Promise<ReadonlySet<RawPath>> => {
  const folders = new Set<RawPath>();
  await paced(tracked, (path) => {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  });
  return folders;
};

const kindOf = (name: string, path: RawPath, stats: Stats | null): Seen['kind'] => {
  if (isGitName(name)) return 'git_folder';
  if (stats === null || path.length > PATH_BYTES_MAX) return 'unreadable';
  if (stats.isDirectory()) return 'folder';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  if (stats.isSymbolicLink()) return isGitmodulesName(name) ? 'git_folder' : 'link';
  if (!stats.isFile()) return 'device';
  if ((stats.mode & OWNER_READ) === 0) return 'unreadable';
  if (stats.size > FILE_BYTES_MAX) return 'too_large';
  return (stats.mode & OWNER_EXECUTE) === 0 ? 'file' : 'executable';
};

const isFile = (kind: Seen['kind']): kind is FoundFile['kind'] => kind === 'file' || kind === 'executable' || kind === 'link';

const inName = (path: RawPath): string => path.slice(path.lastIndexOf('/') + 1);

/** As the rules are asked for it: a folder ends with `/`. */
const asked = ({ path, kind }: Seen): RawPath => (kind === 'folder' ? `${path}/` : path);

/**
 * Everything in a folder, by lstat alone, level by level, so that the rules are asked once a level. Follows no link, trusts no time or size, and
 * skips the root's own `.git`. Throws the reason of the signal.
 */
export const walkFolder = async ({ folder, tracked, rules, signal }: WalkRequest): Promise<Walked> => {
  const trackedFolders = await foldersOf(tracked);
  const root = Buffer.from(`${folder}/`);
  const onDisk = (path: RawPath): Buffer => Buffer.concat([root, bytesOf(path)]);
  const files: FoundFile[] = [];
  const refused = new Map<RawPath, Refusal>();
  const ignored: RawPath[] = [];
  let entries = 0;
  let bytes = 0;

  const pathsIn = async (prefix: RawPath, paths: RawPath[]): Promise<void> => {
    try {
      // The encoding keeps every byte of a name.
      for await (const { name } of await opendir(onDisk(prefix), { encoding: 'latin1', bufferSize: 256 })) {
        if (prefix === '' && name === '.git') continue;
        paths.push(prefix + name);
        entries++;
        if (entries > ENTRIES_MAX) return;
      }
    } catch {
      refused.set(prefix.slice(0, -1), 'unreadable');
    }
  };
  const look = async (path: RawPath): Promise<Seen> => {
    signal?.throwIfAborted();
    const stats = await lstat(onDisk(path)).catch(() => null);
    const kind = kindOf(inName(path), path, stats);
    const isTracked = kind === 'folder' ? trackedFolders.has(path) : tracked.has(path);
    return { path, kind, bytes: stats?.size ?? 0, isTracked };
  };

  let level: RawPath[] = [''];
  for (let depth = 0; level.length > 0; depth++) {
    const paths: RawPath[] = [];
    const seen: Seen[] = [];
    await inParallel(level, (prefix) => pathsIn(prefix, paths));
    if (entries > ENTRIES_MAX || depth > DEPTH_MAX)
      return { files, refused: refused.set('', 'too_large'), ignored, isWhole: false };
    await inParallel(paths, async (path) => void seen.push(await look(path)));
    const left = await rules(seen.filter(({ kind, isTracked }) => !isTracked && kind !== 'git_folder').map(asked));
    const next: RawPath[] = [];
    await paced(seen, (each) => {
      if (left.has(asked(each))) ignored.push(asked(each));
      else if (each.kind === 'folder') next.push(`${each.path}/`);
      else if (isFile(each.kind)) {
        files.push({ path: each.path, kind: each.kind });
        bytes += each.bytes;
      } else refused.set(each.path, each.kind);
    });
    if (bytes > FOLDER_BYTES_MAX) return { files, refused: refused.set('', 'too_large'), ignored, isWhole: false };
    level = next;
  }
  return { files, refused, ignored, isWhole: true };
};
