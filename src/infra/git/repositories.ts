import { join, resolve } from 'node:path';
import { type Collected, OutsideFailure, type Repositories, RepositoryProblem } from '../../commands/ports/repositories.ts';
import type { ObjectId } from '../../domain/ids.ts';
import type { GitAccess } from './access.ts';
import { patchBetween, recordTree } from './changes.ts';
import { checkRemote, commitsBetween, isAncestor, makeCommit, push, type RemoteCheck, remoteHeads } from './delivery.ts';
import { createMask, findingsIn } from './findings.ts';
import { createGit } from './git.ts';
import { isMirror } from './mirror-folder.ts';
import { createMirrors, type Mirror } from './mirrors.ts';
import { paced } from './paced.ts';
import { bytesOf, shownPath } from './raw-path.ts';
import { readBack } from './read-back.ts';
import { clearScratch } from './scratch.ts';
import { listSnapshots, mirrorFolder } from './snapshots.ts';
import { createTreeReader, MODE_EXECUTABLE, MODE_FILE, type TreeReader } from './tree.ts';
import { createFileReader, createTreeKeeper, isFolder, mergeOnto } from './trees.ts';
import { writeOut } from './write-out.ts';

/** Names of ignored files that a report shows. */
const IGNORED_SAMPLE_MAX = 20;

export interface RepositoriesOptions {
  readonly dataFolder: string;
  readonly snapshotRoot: string;
  /** Values that must not leave the service; asked for at each collection. */
  readonly serviceSecrets: () => readonly string[];
  readonly gitCredentials?: GitAccess;
  /** Milliseconds; only the age of a fetch is measured with it. */
  readonly now?: () => number;
}

export interface GitRepositories extends Repositories {
  /** For preflight: whether the base can be fetched, and a branch pushed. Changes nothing at the remote. */
  checkRemote(repository: string, base: string): Promise<readonly RemoteCheck[]>;
  /** Names of the regular files of a tree. */
  fileNames(repository: string, tree: ObjectId): Promise<readonly string[]>;
  /** To be told after a repository was added or removed. */
  forget(repository: string): void;
  /** Clears away the temporary files of a process that was killed. */
  reap(): Promise<void>;
  /** Ends every git that still runs, such as a fetch that somebody shared; nothing can be asked afterwards. */
  close(): void;
}

const KEEP = 'refs/countersign/keep';

/** Any text as one part of a ref: nothing in it can be taken for a folder, an option or a lock. */
const keepRef = (keep: string): string =>
  `${KEEP}/k${keep.replaceAll(/[^A-Za-z0-9-]/gu, (character) => `+${character.codePointAt(0)?.toString(16)}+`)}`;

const keepOf = (ref: string): readonly string[] => {
  const [, part] = /^refs\/countersign\/keep\/k([^/]*)\/tree$/.exec(ref) ?? [];
  return part === undefined
    ? []
    : [part.replaceAll(/\+([0-9a-f]+)\+/g, (_, code) => String.fromCodePoint(Number.parseInt(code, 16)))];
};

const collect = async (
  mirror: Mirror,
  entriesOf: TreeReader,
  request: Parameters<Repositories['collect']>[0],
  secrets: readonly string[],
): Promise<Collected> => {
  const { baseCommit, startTree, patchBytesMax, signal } = request;
  const baseTree = await mirror.treeOf(baseCommit);
  const { edits, refused, ignored } = await readBack(mirror, entriesOf, { folder: request.folder, baseTree, startTree, signal });
  const keep = keepRef(request.keep);
  const { tree, changes } = await recordTree(mirror, { startTree, edits, baseCommit, baseTree, keep }, signal);
  const { patch, bytes } = await patchBetween(mirror, { from: baseTree, to: tree, changes }, patchBytesMax, signal);
  const findings = patch === null ? [] : await findingsIn(mirror, changes, patch, secrets, signal);
  const mask = createMask(secrets);
  const shown = (path: string): string => mask(shownPath(path));
  return {
    tree,
    empty: changes.length === 0 && refused.size === 0,
    change: {
      entries: await paced(changes, ({ entry }) => ({ ...entry, path: mask(entry.path) })),
      findings: findings.map((finding) => ({ ...finding, path: mask(finding.path) })),
      patchBytes: bytes,
      refusedPaths: [...refused].map(([path, what]) => ({ path: shown(path), what })).sort((a, b) => (a.path < b.path ? -1 : 1)),
    },
    patch: findings.some(({ kind }) => kind === 'service_secret') ? null : patch,
    patchBytes: bytes,
    ignored: { count: ignored.length, sample: [...ignored].sort().slice(0, IGNORED_SAMPLE_MAX).map(shown) },
  };
};

/** The snapshot or its base is gone after it was prepared: whoever delivers is told in the words of an outage, and tries again. */
const whereOutside = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RepositoryProblem) throw new OutsideFailure(error.message);
    throw error;
  }
};

/** Git on bare mirrors under `dataFolder`, one for each snapshot under `snapshotRoot`. One process may own `dataFolder`. */
export const createRepositories = (options: RepositoriesOptions): GitRepositories => {
  const dataFolder = resolve(options.dataFolder);
  const closed = new AbortController();
  const git = createGit(join(dataFolder, 'git'), options.gitCredentials, closed.signal);
  const { open: mirrorOf, forget } = createMirrors({
    git,
    dataFolder,
    snapshotRoot: options.snapshotRoot,
    now: options.now ?? Date.now,
  });
  const readFile = createFileReader();
  const entriesOf = createTreeReader();
  const trees = createTreeKeeper();
  return {
    list: () => listSnapshots(options.snapshotRoot),
    remoteOf: (repository) => whereOutside(async () => (await (await mirrorOf(repository)).remote()).shown),
    resolveBase: async (repository, base, age, signal) => (await mirrorOf(repository)).resolveBranch(base, age, signal),
    readFile: async (repository, treeish, path, maxBytes) => readFile(await mirrorOf(repository), treeish, path, maxBytes),
    isFolder: async (repository, commit, path) => isFolder(await mirrorOf(repository), commit, path),
    fileNames: async (repository, tree) =>
      [...(await entriesOf(await mirrorOf(repository), tree))]
        .filter(([, { mode }]) => mode === MODE_FILE || mode === MODE_EXECUTABLE)
        .map(([path]) => bytesOf(path).toString()),
    mergeOnto: async (repository, tree, oldBase, newBase) => mergeOnto(await mirrorOf(repository), tree, oldBase, newBase),
    writeOut: async (repository, tree, folder, signal) => writeOut(await mirrorOf(repository), tree, folder, signal),
    collect: async (request) => {
      const mirror = await mirrorOf(request.repository);
      const collected = await collect(mirror, entriesOf, request, options.serviceSecrets());
      trees.note(mirror, collected.tree);
      return collected;
    },
    ensureTree: async (repository, tree, baseCommit, patch, signal) =>
      trees.ensure(await mirrorOf(repository), tree, baseCommit, patch, signal),
    commit: async (repository, request, signal) => makeCommit(await mirrorOf(repository), request, signal),
    treeOf: async (repository, commit, signal) => (await mirrorOf(repository)).treeOf(commit, signal),
    remoteHeads: (repository, branches, signal) =>
      whereOutside(async () => remoteHeads(await mirrorOf(repository), branches, signal)),
    isAncestor: (repository, ancestor, commit, branch, signal) =>
      whereOutside(async () => isAncestor(await mirrorOf(repository), ancestor, commit, branch, signal)),
    commitsSince: (repository, commit, base, head, signal) =>
      whereOutside(async () => {
        const mirror = await mirrorOf(repository);
        if (head === null)
          throw new OutsideFailure(`There is no branch ${base} in ${repository} any more; restore it, or rerun.`);
        if (head === commit) return 0;
        if (!(await mirror.has(`${head}^{commit}`))) await mirror.fetchBranch(base, signal);
        return commitsBetween(mirror, commit, head, signal);
      }),
    push: (repository, request, signal) => whereOutside(async () => push(await mirrorOf(repository), request, signal)),
    kept: async (repository) => {
      if (!(await isMirror(mirrorFolder(dataFolder, repository)))) return [];
      const { stdout } = await (await mirrorOf(repository)).run(['for-each-ref', '--format=%(refname)', `${KEEP}/*/tree`]);
      return stdout.toString('latin1').split('\n').flatMap(keepOf);
    },
    release: async (repository, keep) => {
      const kept = keepRef(keep);
      await (await mirrorOf(repository)).run(['update-ref', '--stdin'], { input: `delete ${kept}/tree\ndelete ${kept}/base\n` });
    },
    forget,
    reap: () => clearScratch(dataFolder),
    close: () => closed.abort(new Error('The service stops.')),
    checkRemote: async (repository, base) => checkRemote(await mirrorOf(repository), base),
  };
};
