import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { OutsideFailure, RepositoryProblem, type ResolvedBase } from '../../commands/ports/repositories.ts';
import { sha256 } from '../../domain/canonical.ts';
import { BranchName, type ObjectId } from '../../domain/ids.ts';
import { boundedMap } from './bounded-map.ts';
import { GitFailure, outside, remoteSentence } from './failure.ts';
import type { Git, GitCall } from './git.ts';
import type { Remote } from './remote.ts';
import { scratchFolder } from './scratch.ts';
import { mirrorFolder, originOf, snapshotFolder } from './snapshots.ts';

/** A fetch that began less than this ago serves the next caller too. */
const FETCH_SHARED_MS = 10_000;
const FETCH_TIMEOUT_MS = 15 * 60_000;
const MAINTENANCE_TIMEOUT_MS = 30 * 60_000;
/** Loose objects and packs from which the mirror is packed anew. Unreachable objects stay for two weeks, which outlives any stage. */
const LOOSE_OBJECTS_MAX = 5_000;
/** A lock file this old was left by a git that was killed: no command here holds one for long. */
const LOCK_STALE_MS = 10_000;
const KNOWN_COMMITS_MAX = 10_000;
const SHARED_FETCHES_MAX = 1_000;

/** Raw bytes both ways: whatever the attributes of the repository say, nothing is converted, filtered, hidden from a diff or merged by another rule. */
const ATTRIBUTES = '* -text -eol -ident -filter -working-tree-encoding !diff !merge !whitespace\n';

/** The service's own bare copy of one repository. */
export interface Mirror {
  readonly name: string;
  readonly run: Git['run'];
  readonly stream: Git['stream'];
  /** Runs `work` with a fresh folder for temporary files. */
  scratch<T>(work: (folder: string) => Promise<T>): Promise<T>;
  /** `origin` of the snapshot as it is now. Throws `RepositoryProblem`. */
  remote(): Promise<Remote>;
  /** Fetches a branch and names what it came to. Throws `RepositoryProblem`. */
  resolveBranch(branch: string): Promise<ResolvedBase>;
  /** Fetches a branch now, if it exists; no fetch is shared. Throws `OutsideFailure`. */
  fetchBranch(branch: string): Promise<void>;
  has(object: string): Promise<boolean>;
  /** Fetches the commit by its id when it is not here. Throws `OutsideFailure` when it cannot be had. */
  ensureCommit(commit: ObjectId): Promise<void>;
  treeOf(commit: ObjectId): Promise<ObjectId>;
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;

/** One after the other, in the order of the calls; a failure stops nobody behind it. */
const createLock = (): (<T>(work: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
};

const clearStaleLocks = async (folder: string): Promise<void> => {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names.filter((each) => each.endsWith('.lock') && !each.startsWith('objects'))) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > LOCK_STALE_MS) await rm(join(folder, name), { force: true });
  }
};

/** Branch names never meet as folder and file here, and nothing of theirs reaches a path. */
const baseRef = (branch: string): string => `refs/countersign/bases/${sha256(branch).slice(0, 32)}`;

const problem = (error: unknown, name: string, branch: string): unknown => {
  if (!(error instanceof GitFailure)) return error;
  return error.says(/couldn't find remote ref/)
    ? new RepositoryProblem('BASE_MISSING', `There is no branch ${branch} in ${name}; name another base.`)
    : new RepositoryProblem('REMOTE_UNREACHABLE', remoteSentence(error));
};

interface SharedFetch {
  readonly since: number;
  readonly base: Promise<ResolvedBase>;
  readonly isRunning: () => boolean;
}

interface MirrorOptions {
  readonly git: Git;
  readonly dataFolder: string;
  readonly snapshotRoot: string;
  readonly now: () => number;
}

const makeMirror = async ({ git, snapshotRoot }: MirrorOptions, name: string, folder: string): Promise<void> => {
  const { objectFormat } = await originOf(git, snapshotRoot, name);
  const fresh = `${folder}.making`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  await git.run(['init', '--quiet', '--bare', '--template=', `--object-format=${objectFormat}`, fresh]);
  await git.run(['config', '--file', join(fresh, 'config'), 'core.hooksPath', '/dev/null']);
  await mkdir(join(fresh, 'info'), { recursive: true });
  await rename(fresh, folder);
};

const openMirror = async (options: MirrorOptions, name: string): Promise<Mirror> => {
  const { git, now } = options;
  const folder = mirrorFolder(options.dataFolder, name);
  if (!(await exists(join(folder, 'HEAD')))) await makeMirror(options, name, folder);
  await writeFile(join(folder, 'info', 'attributes'), ATTRIBUTES, { mode: 0o600 });
  await clearStaleLocks(folder);

  const exclusively = createLock();
  const shared = boundedMap<string, SharedFetch>(SHARED_FETCHES_MAX);
  const trees = boundedMap<ObjectId, ObjectId>(KNOWN_COMMITS_MAX);
  const run = (args: readonly string[], call: GitCall = {}) => git.run(args, { ...call, gitDir: folder });
  const line = async (args: readonly string[]): Promise<string> => (await run(args)).stdout.toString('latin1').trim();
  const remote = async (): Promise<Remote> => (await originOf(git, options.snapshotRoot, name)).remote;

  const fetch = async (from: Remote, refspec: string): Promise<void> => {
    const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-maintenance'];
    try {
      await run([...args, '--', from.url, refspec], { remote: from, timeoutMs: FETCH_TIMEOUT_MS });
    } catch (error) {
      await clearStaleLocks(folder);
      throw error;
    }
  };
  const maintain = async (): Promise<void> => {
    await run(['-c', `gc.auto=${LOOSE_OBJECTS_MAX}`, '-c', 'gc.autoDetach=false', 'gc', '--auto', '--quiet'], {
      timeoutMs: MAINTENANCE_TIMEOUT_MS,
    });
  };
  const fetchBranch = async (branch: string): Promise<ResolvedBase> => {
    const from = await remote();
    const ref = baseRef(branch);
    try {
      await exclusively(() => fetch(from, `+refs/heads/${branch}:${ref}`));
    } catch (error) {
      throw problem(error, name, branch);
    }
    // A pack that could not be tidied up is no reason to refuse a task; the next fetch tries again.
    exclusively(maintain).catch(() => undefined);
    const [commit = '', tree = ''] = (await line(['rev-parse', `${ref}^{commit}`, `${ref}^{tree}`])).split('\n');
    trees.set(commit, tree);
    return { remote: from.shown, commit, tree };
  };
  const has = async (object: string): Promise<boolean> =>
    (await run(['cat-file', '-e', object], { exitCodes: [0, 1, 128] })).exitCode === 0;

  const ensureCommit = async (commit: ObjectId): Promise<void> => {
    if (trees.has(commit) || (await has(`${commit}^{commit}`))) return;
    try {
      const from = await remote();
      await exclusively(() => fetch(from, `+${commit}:refs/countersign/commits/${commit}`));
    } catch (error) {
      throw outside(error);
    }
    if (!(await has(`${commit}^{commit}`)))
      throw new OutsideFailure('The remote no longer has a commit that this task builds on.');
  };
  return {
    name,
    run,
    stream: (args, call = {}) => git.stream(args, { ...call, gitDir: folder }),
    scratch: (work) => scratchFolder(options.dataFolder, work),
    remote,
    resolveBranch: (branch) => {
      if (!BranchName.safeParse(branch).success)
        throw new RepositoryProblem('BASE_MISSING', 'The base must be a plain branch name, for example "main".');
      const known = shared.get(branch);
      if (known !== undefined && (known.isRunning() || now() - known.since < FETCH_SHARED_MS)) return known.base;
      let running = true;
      const fetched = { since: now(), base: fetchBranch(branch), isRunning: () => running };
      shared.set(branch, fetched);
      fetched.base
        .catch(() => shared.delete(branch))
        .finally(() => {
          running = false;
        });
      return fetched.base;
    },
    fetchBranch: async (branch) => {
      try {
        await fetchBranch(branch);
      } catch (error) {
        if (error instanceof RepositoryProblem && error.reason === 'BASE_MISSING') return;
        throw error;
      }
    },
    has,
    ensureCommit,
    treeOf: async (commit) => {
      const known = trees.get(commit);
      if (known !== undefined) return known;
      await ensureCommit(commit);
      const tree = await line(['rev-parse', '--verify', `${commit}^{tree}`]);
      trees.set(commit, tree);
      return tree;
    },
  };
};

/** Opens each mirror once; makes it from the `origin` of the snapshot where it is missing. Throws `RepositoryProblem`. */
export const createMirrors = (options: MirrorOptions): ((name: string) => Promise<Mirror>) => {
  const open = new Map<string, Promise<Mirror>>();
  return async (name) => {
    snapshotFolder(options.snapshotRoot, name);
    const known = open.get(name);
    if (known !== undefined) return known;
    const mirror = openMirror({ ...options, dataFolder: resolve(options.dataFolder) }, name);
    open.set(name, mirror);
    mirror.catch(() => open.delete(name));
    return mirror;
  };
};
