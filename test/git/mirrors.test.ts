import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/domain/canonical.ts';
import { createRepositories } from '../../src/infra/git/repositories.ts';
import { removeRepository } from '../../src/infra/git/snapshots.ts';
import {
  collected,
  createPlace,
  git,
  plantCommit,
  plantSnapshot,
  plantTree,
  REPOSITORY,
  temporaryFolder,
  write,
} from './support/repository.ts';

const FILES = [
  { path: 'a.txt', content: 'one\n' },
  { path: 'b/c.txt', content: 'two\n' },
] as const;

const mirrorOf = (place: { readonly dataFolder: string }): string => join(place.dataFolder, 'mirrors', 'acme+widgets.git');

describe('A base', () => {
  it('is the head of the branch at the remote, with its tree', async () => {
    const place = createPlace(FILES);
    const other = plantCommit(place.remote, plantTree(place.remote, [{ path: 'x', content: 'x' }]), 'release/2.1', [place.base]);
    expect(await place.repositories.resolveBase(REPOSITORY, 'main')).toMatchObject({ commit: place.base, tree: place.tree });
    expect(await place.repositories.resolveBase(REPOSITORY, 'release/2.1')).toMatchObject({ commit: other });
  });

  it('is fetched once for all who ask within 10 s, and again after that', async () => {
    let clock = 0;
    const place = createPlace(FILES, { now: () => clock });
    const asked = await Promise.all(Array.from({ length: 200 }, () => place.repositories.resolveBase(REPOSITORY, 'main')));
    expect(new Set(asked).size).toBe(1);
    const next = plantCommit(place.remote, place.tree, 'main', [place.base]);
    clock = 9_999;
    expect((await place.repositories.resolveBase(REPOSITORY, 'main')).commit).toBe(place.base);
    expect((await place.repositories.resolveBase(REPOSITORY, 'main', 'fresh')).commit).toBe(next);
    clock = 10_000;
    expect((await place.repositories.resolveBase(REPOSITORY, 'main')).commit).toBe(next);
  });

  it('follows a branch that was forced, or that took the place of a folder of branches', async () => {
    let clock = 0;
    const place = createPlace(FILES, { now: () => clock });
    await place.repositories.resolveBase(REPOSITORY, 'main');
    const forced = plantCommit(place.remote, plantTree(place.remote, [{ path: 'x', content: 'x' }]), 'main');
    clock = 20_000;
    expect((await place.repositories.resolveBase(REPOSITORY, 'main')).commit).toBe(forced);
    git(place.remote, ['update-ref', '-d', 'refs/heads/main']);
    plantCommit(place.remote, place.tree, 'main/next');
    expect(await place.repositories.resolveBase(REPOSITORY, 'main/next')).toMatchObject({ tree: place.tree });
  });

  it('that does not exist is a question for a person, and asked again at once after a failure', async () => {
    const place = createPlace(FILES);
    await expect(place.repositories.resolveBase(REPOSITORY, 'next')).rejects.toMatchObject({ reason: 'BASE_MISSING' });
    plantCommit(place.remote, place.tree, 'next');
    expect(await place.repositories.resolveBase(REPOSITORY, 'next')).toMatchObject({ tree: place.tree });
  });

  it.each([
    '--upload-pack=touch x',
    '-x',
    '+main',
    'main:refs/heads/x',
    'a..b',
    'refs/heads/*',
    'HEAD',
    '@',
    '',
    'a b',
    'x.lock',
    'a\0b',
  ])('named %j is refused and runs nothing', async (base) => {
    const place = createPlace(FILES);
    await expect(place.repositories.resolveBase(REPOSITORY, base)).rejects.toMatchObject({ reason: 'BASE_MISSING' });
  });
});

describe('A repository', () => {
  it.each(['.', '..', '-x', 'a/../../b', '../remote.git', 'a\0b', '/etc', 'a/b/c', '', 'acme/.git', '~root', 'acme\\widgets'])(
    'named %j is refused and leaves the root nowhere',
    async (name) => {
      const place = createPlace(FILES);
      await expect(place.repositories.resolveBase(name, 'main')).rejects.toMatchObject({ reason: 'SNAPSHOT_MISSING' });
      await expect(place.repositories.writeOut(name, place.tree, join(place.root, 'out'))).rejects.toMatchObject({
        reason: 'SNAPSHOT_MISSING',
      });
      expect(existsSync(join(place.dataFolder, 'mirrors'))).toBe(false);
    },
  );

  it('without a snapshot, an origin or a reachable remote says what to do, and not where things are', async () => {
    const place = createPlace(FILES);
    mkdirSync(join(place.snapshotRoot, 'empty'));
    const folder = plantSnapshot(place.snapshotRoot, 'no-origin', 'x');
    writeFileSync(join(folder, '.git/config'), '[core]\n\tbare = false\n');
    plantSnapshot(place.snapshotRoot, 'gone', join(place.root, 'nowhere.git'));
    plantSnapshot(place.snapshotRoot, 'closed', 'http://user:pass-word-1@127.0.0.1:9/x.git');
    writeFileSync(join(plantSnapshot(place.snapshotRoot, 'broken', 'x'), '.git/config'), '[remote "origin\n');
    const reasons = {
      empty: 'SNAPSHOT_MISSING',
      'no-origin': 'SNAPSHOT_MISSING',
      broken: 'SNAPSHOT_MISSING',
      gone: 'REMOTE_UNREACHABLE',
      closed: 'REMOTE_UNREACHABLE',
    };
    for (const [name, reason] of Object.entries(reasons)) {
      const error: unknown = await place.repositories.resolveBase(name, 'main').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'RepositoryProblem', reason });
      expect(`${error}`).not.toMatch(/pass-word-1|127\.0\.0\.1|\/tmp|fatal/);
    }
  });

  it('is found in the list when it is an ordinary or a bare snapshot with a plain name', async () => {
    const place = createPlace(FILES);
    plantSnapshot(place.snapshotRoot, 'single', 'x');
    git(place.root, ['init', '-q', '--bare', join(place.snapshotRoot, 'acme/bare')]);
    plantSnapshot(place.snapshotRoot, '.hidden', 'x');
    plantSnapshot(place.snapshotRoot, '-dash', 'x');
    mkdirSync(join(place.snapshotRoot, 'nothing'));
    expect(await place.repositories.list()).toEqual(['acme/bare', 'acme/widgets', 'single']);
    expect(
      await createRepositories({ dataFolder: place.dataFolder, snapshotRoot: '/nowhere', serviceSecrets: () => [] }).list(),
    ).toEqual([]);
  });

  it('may use SHA-256, and may have been cloned shallow', async () => {
    const root = temporaryFolder();
    const remote = join(root, 'remote.git');
    git(root, ['init', '-q', '--bare', '-b', 'main', '--object-format=sha256', remote]);
    const tree = plantTree(remote, FILES);
    const first = plantCommit(remote, tree, 'main');
    const base = plantCommit(remote, tree, 'main', [first]);
    const snapshotRoot = join(root, 'repos');
    git(root, ['clone', '-q', '--depth=1', `file://${remote}`, join(snapshotRoot, REPOSITORY)]);
    const place = {
      root,
      base,
      repositories: createRepositories({ dataFolder: join(root, 'data'), snapshotRoot, serviceSecrets: () => [] }),
    };
    const result = await collected(place, (folder) => write(folder, 'a.txt', 'changed\n'));
    expect(result.tree).toMatch(/^[0-9a-f]{64}$/);
    expect(await place.repositories.isAncestor(REPOSITORY, first, base, 'main')).toBe(true);
  });
});

describe('A file of a commit', () => {
  it('is read by its path when it is a regular file within the limit', async () => {
    const place = createPlace([
      ...FILES,
      { path: 'link', mode: '120000', content: 'a.txt' },
      { path: 'module', mode: '160000', content: 'a'.repeat(40) },
      { path: ':(glob)*', content: 'literal\n' },
    ]);
    await place.repositories.resolveBase(REPOSITORY, 'main');
    const read = async (path: string, maxBytes = 100) =>
      (await place.repositories.readFile(REPOSITORY, place.base, path, maxBytes))?.toString() ?? null;
    expect(await read('b/c.txt')).toBe('two\n');
    expect(await read(':(glob)*')).toBe('literal\n');
    expect(await read('b/c.txt', 3)).toBe('unusable');
    for (const path of ['b', 'link', 'module']) expect(await read(path)).toBe('unusable');
    for (const path of ['b/', 'missing', '*', '../a.txt', 'a.txt/x', '', '--help']) expect(await read(path)).toBeNull();
  });

  it('is fetched with its commit on a machine that has not seen it', async () => {
    const place = createPlace(FILES);
    plantCommit(place.remote, plantTree(place.remote, []), 'main', [place.base]);
    expect((await place.repositories.readFile(REPOSITORY, place.base, 'a.txt', 100))?.toString()).toBe('one\n');
    expect(await place.repositories.treeOf(REPOSITORY, place.base)).toBe(place.tree);
    await expect(place.repositories.treeOf(REPOSITORY, '1'.repeat(40))).rejects.toMatchObject({ name: 'OutsideFailure' });
  });
});

describe('A mirror', () => {
  it('keeps a tree from the garbage collection until it is released', async () => {
    const place = createPlace(FILES);
    const { tree } = await collected(place, (folder) => write(folder, 'new.txt', 'x\n'), { keep: 'task-1/..:~^ é.lock' });
    const isThere = (): boolean => {
      git(mirrorOf(place), ['gc', '--prune=now', '--quiet']);
      try {
        git(mirrorOf(place), ['cat-file', '-e', tree]);
        return true;
      } catch {
        return false;
      }
    };
    expect(isThere()).toBe(true);
    await place.repositories.release(REPOSITORY, 'task-1/..:~^ é.lock');
    await place.repositories.release(REPOSITORY, 'task-1/..:~^ é.lock');
    expect(isThere()).toBe(false);
  });

  it('makes a tree again whose files are gone although the tree itself is there', async () => {
    const place = createPlace(FILES);
    const { tree, patch } = await collected(place, (folder) => write(folder, 'new.txt', 'x\n'));
    const blob = git(mirrorOf(place), ['rev-parse', `${tree}:new.txt`]);
    rmSync(join(mirrorOf(place), 'objects', blob.slice(0, 2), blob.slice(2)));
    const started = createRepositories({
      dataFolder: place.dataFolder,
      snapshotRoot: place.snapshotRoot,
      serviceSecrets: () => [],
    });
    await started.ensureTree(REPOSITORY, tree, place.base, () => Promise.resolve(patch ?? Buffer.alloc(0)));
    expect(git(mirrorOf(place), ['cat-file', 'blob', blob])).toBe('x');
  });

  it('recovers from the locks and files a killed process left', async () => {
    const place = createPlace(FILES);
    await place.repositories.resolveBase(REPOSITORY, 'main');
    plantCommit(place.remote, place.tree, 'main', [place.base]);
    const bases = join(mirrorOf(place), 'refs/countersign/bases');
    const locks = [...readdirSync(bases).map((name) => join(bases, `${name}.lock`)), join(mirrorOf(place), 'packed-refs.lock')];
    for (const lock of locks) {
      writeFileSync(lock, '');
      utimesSync(lock, 1, 1);
    }
    mkdirSync(join(place.dataFolder, 'git/scratch/x-left'), { recursive: true });
    mkdirSync(`${mirrorOf(place)}.making`);
    const again = createRepositories({
      dataFolder: place.dataFolder,
      snapshotRoot: place.snapshotRoot,
      serviceSecrets: () => [],
    });
    expect((await again.resolveBase(REPOSITORY, 'main')).commit).not.toBe(place.base);
    for (const lock of locks) expect(existsSync(lock)).toBe(false);
  });

  it.each([
    [
      'an empty ref of a base',
      (mirror: string) => writeFileSync(join(mirror, 'refs/countersign/bases', sha256('main').slice(0, 32)), ''),
    ],
    ['an empty HEAD', (mirror: string) => writeFileSync(join(mirror, 'HEAD'), '')],
    [
      'half a commit',
      (mirror: string, base: string) => {
        const object = join(mirror, 'objects', base.slice(0, 2), base.slice(2));
        chmodSync(object, 0o600);
        truncateSync(object, 10);
      },
    ],
  ])('is made anew by the next start where a loss of power left %s, and trees with it', async (_, tear) => {
    const place = createPlace(FILES);
    const { tree, patch } = await collected(place, (folder) => write(folder, 'new.txt', 'x\n'));
    tear(mirrorOf(place), place.base);
    const started = createRepositories({
      dataFolder: place.dataFolder,
      snapshotRoot: place.snapshotRoot,
      serviceSecrets: () => [],
    });
    await started.ensureTree(REPOSITORY, tree, place.base, async () => patch ?? Buffer.alloc(0));
    expect(await started.resolveBase(REPOSITORY, 'main')).toMatchObject({ commit: place.base, tree: place.tree });
    expect(git(mirrorOf(place), ['show', `${tree}:new.txt`])).toBe('x');
    // It may have been the only one to hold something, and be sound for a git with more memory.
    expect(existsSync(join(`${mirrorOf(place)}.torn`, 'objects', tree.slice(0, 2)))).toBe(true);
    await removeRepository({ name: REPOSITORY, snapshotRoot: place.snapshotRoot, dataFolder: place.dataFolder });
    expect(readdirSync(join(place.dataFolder, 'mirrors'))).toEqual([]);
  });

  it('recovers from a lock that turns out to be stale while the service runs', async () => {
    const place = createPlace(FILES);
    const change = () => collected(place, (folder) => write(folder, 'new.txt', 'x\n'), { keep: 'task-1' });
    await change();
    const lock = join(mirrorOf(place), 'refs/countersign/keep/ktask-1/tree.lock');
    writeFileSync(lock, '');
    utimesSync(lock, 1, 1);
    await expect(change()).rejects.toThrow();
    await change();
  });

  it('is made anew when its repository was removed and added while the service ran', async () => {
    const place = createPlace(FILES, { now: Date.now });
    await place.repositories.resolveBase(REPOSITORY, 'main');
    await removeRepository({ name: REPOSITORY, snapshotRoot: place.snapshotRoot, dataFolder: place.dataFolder });
    place.repositories.forget(REPOSITORY);
    await expect(place.repositories.resolveBase(REPOSITORY, 'main')).rejects.toMatchObject({ reason: 'SNAPSHOT_MISSING' });
    plantSnapshot(place.snapshotRoot, REPOSITORY, place.remote);
    const asked = await Promise.all([1, 2, 3].map(() => place.repositories.resolveBase(REPOSITORY, 'main')));
    expect(asked.map(({ commit }) => commit)).toEqual([place.base, place.base, place.base]);
  });

  it('leaves nothing temporary behind, and stops when told to', async () => {
    const place = createPlace(FILES);
    await collected(place, (folder) => write(folder, 'a.txt', 'x'));
    expect(readdirSync(join(place.dataFolder, 'git/scratch'))).toEqual([]);
    const stop = AbortSignal.abort(new Error('stopped'));
    await expect(place.repositories.writeOut(REPOSITORY, place.tree, join(place.root, 'out'), stop)).rejects.toThrow('stopped');
    expect(readdirSync(join(place.dataFolder, 'git/scratch'))).toEqual([]);
  });

  it('hands git nothing of the environment of the service', async () => {
    const place = createPlace(FILES);
    // A hook of a remote on this machine is a child of the service's git: it sees what that sees.
    const seen = join(place.root, 'seen');
    const hook = join(place.remote, 'hooks/update');
    mkdirSync(join(place.remote, 'hooks'), { recursive: true });
    writeFileSync(hook, `#!/bin/sh\nenv > ${seen}\n`, { mode: 0o755 });
    process.env.GIT_DIR_OF_THE_SERVICE = 'not to be seen';
    process.env.GIT_EXTERNAL_DIFF = 'not to be seen';
    try {
      await place.repositories.resolveBase(REPOSITORY, 'main');
      await place.repositories.push(REPOSITORY, { branch: 'countersign/x', commit: place.base, lease: null });
    } finally {
      delete process.env.GIT_DIR_OF_THE_SERVICE;
      delete process.env.GIT_EXTERNAL_DIFF;
    }
    expect(execFileSync('cat', [seen], { encoding: 'utf8' })).not.toContain('not to be seen');
  });
});

describe('A merge of an earlier result onto a new base', () => {
  it('keeps both sides, and is null on conflict', async () => {
    const place = createPlace(FILES);
    const mine = await collected(place, (folder) => write(folder, 'a.txt', 'mine\n'));
    const clean = plantCommit(place.remote, plantTree(place.remote, [...FILES, { path: 'new', content: 'theirs\n' }]), 'main', [
      place.base,
    ]);
    const merged = await place.repositories.mergeOnto(REPOSITORY, mine.tree, place.base, clean);
    expect(git(mirrorOf(place), ['ls-tree', '-r', '--name-only', merged ?? ''])).toBe('a.txt\nb/c.txt\nnew');
    expect(git(mirrorOf(place), ['cat-file', 'blob', `${merged}:a.txt`])).toBe('mine');
    expect(await place.repositories.mergeOnto(REPOSITORY, mine.tree, place.base, clean)).toBe(merged);
    expect(await place.repositories.mergeOnto(REPOSITORY, mine.tree, place.base, place.base)).toBe(mine.tree);
    const other = plantCommit(place.remote, plantTree(place.remote, [{ path: 'a.txt', content: 'theirs\n' }]), 'main', [
      place.base,
    ]);
    expect(await place.repositories.mergeOnto(REPOSITORY, mine.tree, place.base, other)).toBeNull();
  });
});
