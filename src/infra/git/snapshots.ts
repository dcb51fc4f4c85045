import { lstat, mkdir, mkdtemp, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { RepositoryProblem } from '../../commands/ports/repositories.ts';
import { RepositoryName } from '../../domain/ids.ts';
import { syncDisk } from '../disk-sync.ts';
import type { GitAccess } from './access.ts';
import { GitFailure, remoteSentence } from './failure.ts';
import { createGit, type Git } from './git.ts';
import { parseRemote, type Remote, RemoteRefused } from './remote.ts';

const CLONE_TIMEOUT_MS = 30 * 60_000;

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isFile() ?? false;

/** The configuration file of the repository in `folder`, ordinary or bare; `null` when there is none. */
const configOf = async (folder: string): Promise<string | null> => {
  const inside = join(folder, '.git', 'config');
  if (await isFile(inside)) return inside;
  const bare = join(folder, 'config');
  return (await isFile(bare)) && (await isFile(join(folder, 'HEAD'))) ? bare : null;
};

const missing = (sentence: string, cause?: unknown): RepositoryProblem =>
  new RepositoryProblem('SNAPSHOT_MISSING', sentence, { cause });

/** Folder of a snapshot, after its name was found to be a plain one. Throws `RepositoryProblem`. */
export const snapshotFolder = (root: string, name: string): string => {
  if (!RepositoryName.safeParse(name).success)
    throw missing('The repository must be named "name" or "org/name"; see the list of repositories.');
  return join(resolve(root), ...name.split('/'));
};

export interface Origin {
  readonly remote: Remote;
  readonly objectFormat: 'sha1' | 'sha256';
}

/** What a configuration file that is read as data says of the origin and the format: nothing in it is included or obeyed. */
const settingsIn = async (git: Git, file: string): Promise<ReadonlyMap<string, string>> => {
  const wanted = '^(remote\\.origin\\.url|extensions\\.objectformat)$';
  const { stdout } = await git.run(['config', '--file', file, '--no-includes', '-z', '--get-regexp', wanted], {
    exitCodes: [0, 1],
  });
  const records = stdout.toString('utf8').split('\0').slice(0, -1);
  // The last of several counts. A value may hold line ends, a key none; a key may stand alone.
  return new Map(
    records.map((record) => {
      const [key = '', ...value] = record.split('\n');
      return [key, value.join('\n')];
    }),
  );
};

/** Where a snapshot was cloned from. Git never runs in the snapshot itself. Throws `RepositoryProblem`. */
export const originOf = async (git: Git, root: string, name: string): Promise<Origin> => {
  const folder = snapshotFolder(root, name);
  const config = await configOf(folder);
  if (config === null)
    throw missing(
      `There is no snapshot of ${name} here; add it with "countersign repo add <url>" (where only a worker runs: clone it there), or ask for another repository.`,
    );
  try {
    const settings = await settingsIn(git, config);
    const url = settings.get('remote.origin.url');
    if (url === undefined) throw missing(`The snapshot of ${name} has no remote named origin; set one and retry.`);
    const isSha256 = settings.get('extensions.objectformat')?.toLowerCase() === 'sha256';
    return { remote: parseRemote(url, folder), objectFormat: isSha256 ? 'sha256' : 'sha1' };
  } catch (error) {
    if (error instanceof RemoteRefused) throw missing(`The origin of ${name} cannot be used. ${error.message}`, error);
    if (error instanceof GitFailure)
      throw missing(`The configuration of the snapshot of ${name} cannot be read; repair it and retry.`);
    throw error;
  }
};

const foldersIn = async (folder: string): Promise<string[]> => (await readdir(folder).catch(() => [])).sort();

/** Names of the snapshots under `root`: `name`, or `org/name`. */
export const listSnapshots = async (root: string): Promise<string[]> => {
  const names: string[] = [];
  for (const first of await foldersIn(root)) {
    if ((await configOf(join(root, first))) !== null) names.push(first);
    else
      for (const second of await foldersIn(join(root, first)))
        if ((await configOf(join(root, first, second))) !== null) names.push(`${first}/${second}`);
  }
  return names.filter((name) => RepositoryName.safeParse(name).success);
};

/** The last two parts of the path of a URL, such as `acme/widgets`. */
const nameFrom = (remote: Remote): string => {
  const path = remote.protocol === 'file' ? remote.shown.replace(/^file:\/\//, '') : new URL(remote.shown).pathname;
  const parts = path.split('/').filter((part) => part !== '');
  return parts
    .slice(-2)
    .join('/')
    .replace(/\.git$/, '');
};

export interface AddRepository {
  readonly url: string;
  /** Default: the last two parts of the path of `url`. */
  readonly name?: string;
  readonly snapshotRoot: string;
  readonly gitCredentials?: GitAccess;
}

/**
 * Clones an ordinary snapshot to `<snapshotRoot>/<name>`; nothing of the repository runs. A second call for the same remote changes
 * nothing. Throws `RepositoryProblem` with what to do.
 */
export const addRepository = async (request: AddRepository): Promise<{ readonly name: string; readonly remote: string }> => {
  const home = await mkdtemp(join(tmpdir(), 'countersign-clone-'));
  const git = createGit(home, request.gitCredentials);
  try {
    const remote = parseRemote(request.url, process.cwd());
    const name = request.name ?? nameFrom(remote);
    const folder = snapshotFolder(request.snapshotRoot, name);
    const added = { name, remote: remote.shown };
    const alreadyThere = async (): Promise<typeof added> => {
      const present = await originOf(git, request.snapshotRoot, name);
      if (present.remote.shown === remote.shown) return added;
      throw missing(`There is a snapshot named ${name} of another remote; give this one another name, or remove that one first.`);
    };
    if ((await lstat(folder).catch(() => null)) !== null) return await alreadyThere();
    await mkdir(dirname(folder), { recursive: true });
    const fresh = await mkdtemp(join(dirname(folder), '.adding-'));
    try {
      const args = ['-c', 'core.hooksPath=/dev/null', 'clone', '--quiet', '--no-local', '--no-recurse-submodules', '--template='];
      await git.run([...args, '--', remote.url, fresh], { remote, timeoutMs: CLONE_TIMEOUT_MS });
      await syncDisk(fresh);
      await rename(fresh, folder);
      return added;
    } catch (error) {
      // Somebody else who added it at the same time was first.
      if (error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY') return await alreadyThere();
      throw error;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  } catch (error) {
    if (error instanceof RemoteRefused) throw new RepositoryProblem('REMOTE_UNREACHABLE', error.message);
    if (error instanceof GitFailure) throw new RepositoryProblem('REMOTE_UNREACHABLE', remoteSentence(error));
    throw error;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
};

/** Removes a snapshot and the service's mirror of it. `false`: there was none. A link in the place of a snapshot is removed, not followed. */
export const removeRepository = async (request: {
  readonly name: string;
  readonly snapshotRoot: string;
  readonly dataFolder: string;
}): Promise<boolean> => {
  const folder = snapshotFolder(request.snapshotRoot, request.name);
  const isPresent = (await lstat(folder).catch(() => null)) !== null;
  await rm(folder, { recursive: true, force: true });
  const mirror = mirrorFolder(request.dataFolder, request.name);
  for (const each of [mirror, tornMirrorFolder(mirror)]) await rm(each, { recursive: true, force: true });
  if (request.name.includes('/')) await rmdir(dirname(folder)).catch(() => undefined);
  return isPresent;
};

/** `org/name` as one name of a folder: `+` stands in no name of a repository. */
export const mirrorFolder = (dataFolder: string, name: string): string =>
  join(resolve(dataFolder), 'mirrors', `${name.replace('/', '+')}.git`);

/** Where the last mirror that could not be read is kept, for whoever looks for a commit that the remote has no more. */
export const tornMirrorFolder = (mirror: string): string => `${mirror}.torn`;
