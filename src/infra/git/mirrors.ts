import { resolve } from 'node:path';
import { OutsideFailure, RepositoryProblem, type ResolvedBase } from '../../commands/ports/repositories.ts';
import { sha256 } from '../../domain/canonical.ts';
import { BranchName, type ObjectId } from '../../domain/ids.ts';
import { boundedMap } from './bounded-map.ts';
import { GitFailure, outside, remoteSentence } from './failure.ts';
import type { Git, GitCall } from './git.ts';
import { clearStaleLocks, prepareMirror } from './mirror-folder.ts';
import type { Remote } from './remote.ts';
import { scratchFolder } from './scratch.ts';
import { createLock, shared, unlessAborted } from './sharing.ts';
import { originOf, snapshotFolder } from './snapshots.ts';

/** A fetch that began less than this ago serves the next caller too. */
const FETCH_SHARED_MS = 10_000;
const FETCH_TIMEOUT_MS = 15 * 60_000;
const MAINTENANCE_TIMEOUT_MS = 30 * 60_000;
/** Loose objects from which the mirror is packed anew. Unreachable objects stay for two weeks, which outlives any stage. */
const LOOSE_OBJECTS_MAX = 5_000;
const KNOWN_COMMITS_MAX = 10_000;

const FETCH = [
  'fetch',
  '--quiet',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-recurse-submodules',
  '--no-auto-maintenance',
  '--',
];
const MAINTAIN = ['-c', `gc.auto=${LOOSE_OBJECTS_MAX}`, '-c', 'gc.autoDetach=false', 'gc', '--auto', '--quiet'];

/** The service's own bare copy of one repository. */
export interface Mirror {
  readonly name: string;
  readonly run: Git['run'];
  readonly stream: Git['stream'];
  /** Runs `work` with a fresh folder for temporary files. */
  scratch<T>(work: (folder: string) => Promise<T>): Promise<T>;
  /** `origin` of the snapshot as it is now. Throws `RepositoryProblem`. */
  remote(): Promise<Remote>;
  /** Fetches a branch (unless `fresh`, a fetch younger than 10 s will do) and names what it came to. Throws `RepositoryProblem`. */
  resolveBranch(branch: string, age?: 'shared' | 'fresh', signal?: AbortSignal): Promise<ResolvedBase>;
  /** Fetches a branch now, if it exists; no fetch is shared. Throws `RepositoryProblem`. */
  fetchBranch(branch: string, signal?: AbortSignal): Promise<void>;
  has(object: string): Promise<boolean>;
  /** Fetches the commit by its id when it is not here. Throws `OutsideFailure` when it cannot be had. */
  ensureCommit(commit: ObjectId, signal?: AbortSignal): Promise<void>;
  treeOf(commit: ObjectId, signal?: AbortSignal): Promise<ObjectId>;
  /** Tells the tree of a commit that was just made here. */
  note(commit: ObjectId, tree: ObjectId): void;
}

export interface MirrorsOptions {
  readonly git: Git;
  readonly dataFolder: string;
  readonly snapshotRoot: string;
  readonly now: () => number;
}

/** Branch names never meet as folder and file here, and nothing of theirs reaches a path. */
const baseRef = (branch: string): string => `refs/countersign/bases/${sha256(branch).slice(0, 32)}`;

const problem = (error: unknown, name: string, branch: string): unknown => {
  if (!(error instanceof GitFailure)) return error;
  return error.says(/couldn't find remote ref/)
    ? new RepositoryProblem('BASE_MISSING', `There is no branch ${branch} in ${name}; name another base.`)
    : new RepositoryProblem('REMOTE_UNREACHABLE', remoteSentence(error));
};

const openMirror = async ({ git, dataFolder, snapshotRoot, now }: MirrorsOptions, name: string): Promise<Mirror> => {
  const folder = await prepareMirror(git, dataFolder, snapshotRoot, name);
  const exclusively = createLock();
  const trees = boundedMap<ObjectId, ObjectId>(KNOWN_COMMITS_MAX);
  /** Whatever it was: what a lock refused is tried again later. */
  const failed = async (error: unknown): Promise<never> => {
    await clearStaleLocks(folder);
    throw error;
  };
  const run = (args: readonly string[], call: GitCall = {}) => git.run(args, { ...call, gitDir: folder }).catch(failed);
  const line = async (args: readonly string[]): Promise<string> => (await run(args)).stdout.toString('latin1').trim();
  const origin = shared(async () => (await originOf(git, snapshotRoot, name)).remote, FETCH_SHARED_MS, now);
  const remote = (): Promise<Remote> => origin('');

  const fetch = (from: Remote, refspec: string, signal?: AbortSignal) =>
    run([...FETCH, from.url, refspec], { remote: from, timeoutMs: FETCH_TIMEOUT_MS, signal });
  const fetchBranch = async (branch: string, signal?: AbortSignal): Promise<ResolvedBase> => {
    const from = await remote();
    const ref = baseRef(branch);
    const fetched = async (): Promise<string> => {
      await fetch(from, `+refs/heads/${branch}:${ref}`, signal);
      return line(['rev-parse', `${ref}^{commit}`, `${ref}^{tree}`]);
    };
    const [commit = '', tree = ''] = await unlessAborted(exclusively(fetched), signal).then(
      (lines) => lines.split('\n'),
      (error: unknown) => {
        throw problem(error, name, branch);
      },
    );
    // What could not be tidied up is no reason to refuse a task; the next fetch tries again.
    exclusively(() => run(MAINTAIN, { timeoutMs: MAINTENANCE_TIMEOUT_MS })).catch(() => undefined);
    trees.set(commit, tree);
    return { remote: from.shown, commit, tree };
  };
  const fetchShared = shared((branch) => fetchBranch(branch), FETCH_SHARED_MS, now);
  const has = async (object: string): Promise<boolean> =>
    (await run(['cat-file', '-e', object], { exitCodes: [0, 1, 128] })).exitCode === 0;

  const ensureCommit = async (commit: ObjectId, signal?: AbortSignal): Promise<void> => {
    if (trees.has(commit) || (await has(`${commit}^{commit}`))) return;
    try {
      const from = await remote();
      const refspec = `+${commit}:refs/countersign/commits/${commit}`;
      await unlessAborted(
        exclusively(() => fetch(from, refspec, signal)),
        signal,
      );
    } catch (error) {
      throw outside(error);
    }
    if (!(await has(`${commit}^{commit}`)))
      throw new OutsideFailure('The remote no longer has a commit that this task builds on.');
  };
  return {
    name,
    run,
    stream: async function* (args, call = {}) {
      try {
        yield* git.stream(args, { ...call, gitDir: folder });
      } catch (error) {
        await failed(error);
      }
    },
    scratch: (work) => scratchFolder(dataFolder, work),
    remote,
    resolveBranch: async (branch, age = 'shared', signal) => {
      if (!BranchName.safeParse(branch).success)
        throw new RepositoryProblem('BASE_MISSING', 'The base must be a plain branch name, for example "main".');
      return age === 'fresh' ? fetchBranch(branch, signal) : unlessAborted(fetchShared(branch), signal);
    },
    fetchBranch: async (branch, signal) => {
      try {
        await fetchBranch(branch, signal);
      } catch (error) {
        if (!(error instanceof RepositoryProblem && error.reason === 'BASE_MISSING')) throw error;
      }
    },
    has,
    ensureCommit,
    note: (commit, tree) => trees.set(commit, tree),
    treeOf: async (commit, signal) => {
      const known = trees.get(commit);
      if (known !== undefined) return known;
      const asked = ['rev-parse', '--verify', '--quiet', `${commit}^{tree}`];
      const { exitCode, stdout } = await run(asked, { exitCodes: [0, 1, 128] });
      if (exitCode !== 0) await ensureCommit(commit, signal);
      const tree = exitCode === 0 ? stdout.toString('latin1').trim() : await line(asked);
      trees.set(commit, tree);
      return tree;
    },
  };
};

export interface Mirrors {
  /** Opens each mirror once; makes it from the `origin` of the snapshot where it is missing. Throws `RepositoryProblem`. */
  open(name: string): Promise<Mirror>;
  /** The repository was removed or added: what was known of it no longer holds. */
  forget(name: string): void;
}

export const createMirrors = (options: MirrorsOptions): Mirrors => {
  const dataFolder = resolve(options.dataFolder);
  const opened = new Map<string, Promise<Mirror>>();
  return {
    open: (name) => {
      const known = opened.get(name);
      if (known !== undefined) return known;
      const mirror = (async () => {
        // Throws for anything but a plain name.
        snapshotFolder(options.snapshotRoot, name);
        return openMirror({ ...options, dataFolder }, name);
      })();
      opened.set(name, mirror);
      mirror.catch(() => opened.delete(name));
      return mirror;
    },
    forget: (name) => {
      opened.delete(name);
    },
  };
};
