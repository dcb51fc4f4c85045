import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createRepositories, type GitRepositories, type RepositoriesOptions } from '../../../src/infra/git/repositories.ts';

export const PATCH_BYTES_MAX = 1024 * 1024;

/** One entry of a tree that is made without a work folder, so any name and any mode can stand in it. */
export interface Planted {
  readonly path: string | Buffer;
  /** Default `100644`. */
  readonly mode?: string;
  /** The bytes; for a submodule the id of its commit. */
  readonly content: string | Buffer;
}

const GIT_ENVIRONMENT = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@localhost',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@localhost',
  GIT_AUTHOR_DATE: '@1700000000 +0000',
  GIT_COMMITTER_DATE: '@1700000000 +0000',
};

export const git = (folder: string, args: readonly string[], input: string | Buffer = ''): string =>
  execFileSync('git', ['-c', 'safe.directory=*', '-c', 'protocol.file.allow=always', ...args], {
    cwd: folder,
    env: GIT_ENVIRONMENT,
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 256 * 1024 * 1024,
  })
    .toString('latin1')
    .trimEnd();

/** Writes all blobs at once; ids in the order of the contents. */
const plantBlobs = (bare: string, contents: readonly Buffer[]): string[] => {
  const stream = contents.flatMap((bytes, index) => [
    Buffer.from(`blob\nmark :${index + 1}\ndata ${bytes.length}\n`),
    bytes,
    Buffer.from('\n'),
  ]);
  const marks = join(bare, 'marks');
  git(bare, ['fast-import', '--quiet', `--export-marks=${marks}`], Buffer.concat(stream));
  const ids = new Map(
    readFileSync(marks, 'latin1')
      .split('\n')
      .map((line) => [line.split(' ')[0], line.split(' ')[1] ?? '']),
  );
  return contents.map((_, index) => ids.get(`:${index + 1}`) ?? '');
};

interface Named {
  readonly path: Buffer;
  readonly mode: string;
  readonly id: string;
}

const plantFolder = (bare: string, entries: readonly Named[]): string => {
  const here: Buffer[] = [];
  const below = new Map<string, Named[]>();
  for (const { path, mode, id } of entries) {
    const slash = path.indexOf('/');
    if (slash === -1)
      here.push(
        Buffer.concat([Buffer.from(`${mode} ${mode === '160000' ? 'commit' : 'blob'} ${id}\t`), path, Buffer.from('\0')]),
      );
    else {
      const first = path.toString('latin1', 0, slash);
      below.set(first, [...(below.get(first) ?? []), { path: path.subarray(slash + 1), mode, id }]);
    }
  }
  for (const [name, inside] of below)
    here.push(
      Buffer.concat([Buffer.from(`040000 tree ${plantFolder(bare, inside)}\t`), Buffer.from(name, 'latin1'), Buffer.from('\0')]),
    );
  return git(bare, ['mktree', '-z', '--missing'], Buffer.concat(here));
};

/** Writes a tree with `mktree`, which checks no name, and returns its id. */
export const plantTree = (bare: string, entries: readonly Planted[]): string => {
  const blobs = plantBlobs(
    bare,
    entries.map(({ mode, content }) => Buffer.from(mode === '160000' ? '' : content)),
  );
  return plantFolder(
    bare,
    entries.map(({ path, mode = '100644', content }, index) => ({
      path: Buffer.from(path),
      mode,
      id: mode === '160000' ? content.toString() : (blobs[index] ?? ''),
    })),
  );
};

export const plantCommit = (bare: string, tree: string, branch: string, parents: readonly string[] = []): string => {
  const commit = git(bare, ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent])], 'planted\n');
  git(bare, ['update-ref', `refs/heads/${branch}`, commit]);
  return commit;
};

export interface Place {
  readonly root: string;
  readonly dataFolder: string;
  readonly snapshotRoot: string;
  /** A bare repository; the snapshot `acme/widgets` has it as its origin. */
  readonly remote: string;
  readonly repositories: GitRepositories;
}

export const REPOSITORY = 'acme/widgets';

/** A snapshot that is no more than its configuration: nothing else of it is ever read. */
export const plantSnapshot = (snapshotRoot: string, name: string, url: string): string => {
  const folder = join(snapshotRoot, name);
  mkdirSync(join(folder, '.git'), { recursive: true });
  writeFileSync(join(folder, '.git', 'config'), `[remote "origin"]\n\turl = ${url}\n`);
  writeFileSync(join(folder, '.git', 'HEAD'), 'ref: refs/heads/main\n');
  return folder;
};

export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-git-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export const createPlace = (
  entries: readonly Planted[],
  options: Partial<RepositoriesOptions> = {},
): Place & { base: string; tree: string } => {
  const root = temporaryFolder();
  const remote = join(root, 'remote.git');
  const snapshotRoot = join(root, 'repos');
  const dataFolder = join(root, 'data');
  git(root, ['init', '-q', '--bare', '-b', 'main', remote]);
  const tree = plantTree(remote, entries);
  const base = plantCommit(remote, tree, 'main');
  plantSnapshot(snapshotRoot, REPOSITORY, remote);
  const repositories = createRepositories({ dataFolder, snapshotRoot, serviceSecrets: () => [], ...options });
  return { root, remote, snapshotRoot, dataFolder, repositories, base, tree };
};

/** Writes a file below `folder`, with the folders it needs. The name may be any bytes. */
export const write = (folder: string, path: string | Buffer, content: string | Buffer): void => {
  const full = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path)]);
  mkdirSync(Buffer.from(dirname(full.toString('latin1')), 'latin1'), { recursive: true });
  writeFileSync(full, content);
};

/** Writes the base out, lets `change` work on it, reads it back. */
export const collected = async (
  place: Pick<Place, 'root' | 'repositories'> & { readonly base: string },
  change: (folder: string) => void | Promise<void>,
  options: { readonly startTree?: string; readonly patchBytesMax?: number; readonly keep?: string } = {},
) => {
  const { tree } = await place.repositories.resolveBase(REPOSITORY, 'main');
  const folder = mkdtempSync(join(place.root, 'work-'));
  const startTree = options.startTree ?? tree;
  await place.repositories.writeOut(REPOSITORY, startTree, folder);
  await change(folder);
  return place.repositories.collect({
    repository: REPOSITORY,
    folder,
    baseCommit: place.base,
    startTree,
    keep: options.keep ?? 'test',
    patchBytesMax: options.patchBytesMax ?? PATCH_BYTES_MAX,
  });
};
