import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { letGoOfEnded } from '../../src/commands/task/bookkeeping.ts';
import { collected, createPlace, git, PATCH_BYTES_MAX, plantCommit, plantTree, REPOSITORY, write } from './support/repository.ts';

const FILES = [
  { path: 'a.txt', content: 'one\ntwo\n' },
  { path: 'b/c.txt', content: 'three\n' },
  { path: 'run.sh', mode: '100755', content: '#!/bin/sh\n' },
] as const;

const kinds = (result: Awaited<ReturnType<typeof collected>>): Record<string, string> =>
  Object.fromEntries(result.change.entries.map(({ path, kind }) => [path, kind]));

describe('What an agent did to the files', () => {
  it('is seen as additions, changes, deletions and changes of type, with counts and sizes', async () => {
    const place = createPlace(FILES);
    const result = await collected(place, (folder) => {
      write(folder, 'a.txt', 'one\nTWO\nthree');
      rmSync(join(folder, 'b'), { recursive: true });
      rmSync(join(folder, 'run.sh'));
      symlinkSync('a.txt', join(folder, 'run.sh'));
      write(folder, 'new/file.bin', Buffer.from([1, 0, 2]));
      write(folder, 'new/empty', '');
    });
    expect(result.empty).toBe(false);
    expect(result.change.entries.map(({ oldId: _, newId: __, ...rest }) => rest)).toEqual([
      {
        path: 'a.txt',
        pathIsUtf8: true,
        kind: 'modified',
        oldMode: '100644',
        newMode: '100644',
        insertions: 2,
        deletions: 1,
        newBytes: 13,
      },
      {
        path: 'b/c.txt',
        pathIsUtf8: true,
        kind: 'deleted',
        oldMode: '100644',
        newMode: '000000',
        insertions: 0,
        deletions: 1,
        newBytes: 0,
      },
      {
        path: 'new/empty',
        pathIsUtf8: true,
        kind: 'added',
        oldMode: '000000',
        newMode: '100644',
        insertions: 0,
        deletions: 0,
        newBytes: 0,
      },
      {
        path: 'new/file.bin',
        pathIsUtf8: true,
        kind: 'added',
        oldMode: '000000',
        newMode: '100644',
        insertions: null,
        deletions: null,
        newBytes: 3,
      },
      {
        path: 'run.sh',
        pathIsUtf8: true,
        kind: 'type_changed',
        oldMode: '100755',
        newMode: '120000',
        insertions: 1,
        deletions: 1,
        newBytes: 5,
      },
    ]);
  });

  it('counts when only a mode changed, and when only an empty file came', async () => {
    const place = createPlace(FILES);
    expect(kinds(await collected(place, (folder) => chmodSync(join(folder, 'a.txt'), 0o755)))).toEqual({ 'a.txt': 'modified' });
    expect(kinds(await collected(place, (folder) => write(folder, 'empty', '')))).toEqual({ empty: 'added' });
  });

  it('is nothing when only times, other mode bits or empty folders changed', async () => {
    const place = createPlace(FILES);
    const result = await collected(place, (folder) => {
      utimesSync(join(folder, 'a.txt'), 1, 1);
      chmodSync(join(folder, 'a.txt'), 0o666);
      chmodSync(join(folder, 'run.sh'), 0o777);
      mkdirSync(join(folder, 'empty/folder'), { recursive: true });
    });
    expect(result).toMatchObject({ empty: true, tree: place.tree });
  });

  it('is found however carefully size and time were kept', async () => {
    const place = createPlace(FILES);
    const result = await collected(place, (folder) => {
      write(folder, 'a.txt', 'one\nTWO\n');
      utimesSync(join(folder, 'a.txt'), 1, 1);
    });
    expect(kinds(result)).toEqual({ 'a.txt': 'modified' });
  });

  it('can put a folder in the place of a file and a file in the place of a folder', async () => {
    const place = createPlace(FILES);
    const result = await collected(place, (folder) => {
      rmSync(join(folder, 'a.txt'));
      write(folder, 'a.txt/inside', 'x\n');
      rmSync(join(folder, 'b'), { recursive: true });
      write(folder, 'b', 'now a file\n');
    });
    expect(kinds(result)).toEqual({ 'a.txt': 'deleted', 'a.txt/inside': 'added', b: 'added', 'b/c.txt': 'deleted' });
  });

  it('is the same whichever hard links it is made of', async () => {
    const place = createPlace(FILES);
    const result = await collected(place, (folder) => linkSync(join(folder, 'a.txt'), join(folder, 'z.txt')));
    expect(kinds(result)).toEqual({ 'z.txt': 'added' });
  });

  it('has one patch, whichever folder and time it was made in', async () => {
    const place = createPlace(FILES);
    const change = (folder: string): void => write(folder, 'a.txt', 'one\nother\n');
    const [first, second] = [await collected(place, change), await collected(createPlace(FILES), change)];
    expect(first.patch?.toString()).toBe(second.patch?.toString());
    expect(first.patch?.toString()).toContain('diff --git a/a.txt b/a.txt\nindex ');
    expect(first.patch?.toString()).not.toContain(place.root);
  });

  it('is compared with the base, also when the agent went on from another tree', async () => {
    const place = createPlace(FILES);
    const first = await collected(place, (folder) => write(folder, 'first.txt', '1\n'));
    const second = await collected(place, (folder) => write(folder, 'second.txt', '2\n'), { startTree: first.tree });
    expect(kinds(second)).toEqual({ 'first.txt': 'added', 'second.txt': 'added' });
    const untouched = await collected(place, () => undefined, { startTree: first.tree });
    expect(untouched).toMatchObject({ tree: first.tree, empty: false });
    const undone = await collected(place, (folder) => rmSync(join(folder, 'first.txt')), { startTree: first.tree });
    expect(undone).toMatchObject({ tree: place.tree, empty: true });
  });

  it('has no patch over the limit, and its size says so', async () => {
    const place = createPlace(FILES);
    const result = await collected(place, (folder) => write(folder, 'big.txt', 'line\n'.repeat(10_000)), {
      patchBytesMax: 1_000,
    });
    expect(result.patch).toBeNull();
    expect(result.patchBytes).toBeGreaterThan(1_000);
    expect(result.change.patchBytes).toBe(result.patchBytes);
    expect(result.change.entries).toHaveLength(1);
  });

  it('is never inflated for a patch when it is a bomb', async () => {
    const place = createPlace(FILES);
    const result = await collected(place, (folder) => write(folder, 'zeros.bin', Buffer.alloc(20 * 1024 * 1024)));
    expect(result.patch).toBeNull();
    expect(result.patchBytes).toBeGreaterThan(PATCH_BYTES_MAX);
    expect(result.change.entries[0]).toMatchObject({ insertions: null, newBytes: 20 * 1024 * 1024 });
  });
});

describe('What no tree may hold', () => {
  it.each(['.git', '.GIT', 'git~1', '.g\u200cit', '.git.', '.git::$INDEX_ALLOCATION'])(
    'is refused: another %j, file or folder',
    async (name) => {
      const place = createPlace(FILES);
      const result = await collected(place, (folder) => {
        write(folder, `b/${name}/config`, '[core]\n');
        write(folder, `d/${name}`, 'gitdir: /elsewhere\n');
      });
      expect(result.empty).toBe(false);
      expect(result.change.refusedPaths).toEqual([
        { path: `b/${name}`, what: 'git_folder' },
        { path: `d/${name}`, what: 'git_folder' },
      ]);
      expect(
        git(join(place.dataFolder, 'mirrors', 'acme+widgets.git'), ['ls-tree', '-r', '--name-only', result.tree]),
      ).not.toContain('config');
    },
  );

  it('is refused also when the rules would leave it out', async () => {
    const place = createPlace([...FILES, { path: '.gitignore', content: '*\n' }]);
    const result = await collected(place, (folder) => write(folder, 'b/.git/HEAD', 'x'));
    expect(result.change.refusedPaths).toEqual([{ path: 'b/.git', what: 'git_folder' }]);
  });

  it('passes over the .git at the root, whatever it is', async () => {
    const place = createPlace(FILES);
    const plants = [
      (folder: string) => write(folder, '.git/objects/info/alternates', '/etc\n'),
      (folder: string) => write(folder, '.git', 'gitdir: /etc\n'),
      (folder: string) => symlinkSync('/etc', join(folder, '.git')),
    ];
    for (const plant of plants)
      expect(await collected(place, plant)).toMatchObject({ empty: true, change: { refusedPaths: [] } });
  });

  it('is a named pipe, a socket or a device, without waiting for either', async () => {
    const place = createPlace(FILES);
    const server = createServer();
    const result = await collected(place, async (folder) => {
      execFileSync('mkfifo', [join(folder, 'pipe')]);
      rmSync(join(folder, 'a.txt'));
      execFileSync('mkfifo', [join(folder, 'a.txt')]);
      execFileSync('mknod', [join(folder, 'null'), 'c', '1', '3']);
      await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
    });
    server.close();
    expect(result.change.refusedPaths).toEqual([
      { path: 'a.txt', what: 'fifo' },
      { path: 'null', what: 'device' },
      { path: 'pipe', what: 'fifo' },
      { path: 'socket', what: 'socket' },
    ]);
    expect(result.empty).toBe(false);
  });

  it('is a file nobody may read, or one too large to be read', async () => {
    const place = createPlace(FILES);
    const result = await collected(place, (folder) => {
      write(folder, 'closed', 'x');
      chmodSync(join(folder, 'closed'), 0o000);
      execFileSync('truncate', ['-s', '1T', join(folder, 'sparse')]);
    });
    expect(result.change.refusedPaths).toEqual([
      { path: 'closed', what: 'unreadable' },
      { path: 'sparse', what: 'too_large' },
    ]);
  });

  it('is a path too long, or a folder too deep: then nothing of the folder counts', async () => {
    const place = createPlace(FILES);
    const long = await collected(place, (folder) => write(folder, `${`${'d'.repeat(230)}/`.repeat(16)}f`, 'x'));
    expect(long.change.refusedPaths.map(({ what }) => what)).toEqual(['unreadable']);
    expect(long.empty).toBe(false);
    const deep = await collected(place, (folder) => write(folder, `${'d/'.repeat(250)}f`, 'x'));
    expect(deep).toMatchObject({ tree: place.tree, empty: false, change: { refusedPaths: [{ path: '', what: 'too_large' }] } });
  });

  it('is a link in the place of .gitmodules', async () => {
    const place = createPlace(FILES);
    const result = await collected(place, (folder) => symlinkSync('a.txt', join(folder, '.GITMODULES')));
    expect(result.change.refusedPaths).toEqual([{ path: '.GITMODULES', what: 'git_folder' }]);
  });
});

describe('Links in the folder', () => {
  it('are read as links and never followed, out of it or round in it', async () => {
    const place = createPlace(FILES);
    const outside = join(place.root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'kept.txt'), 'of the host\n');
    const result = await collected(place, (folder) => {
      symlinkSync(outside, join(folder, 'out'));
      symlinkSync('.', join(folder, 'round'));
      symlinkSync('/dev/zero', join(folder, 'zero'));
      rmSync(join(folder, 'b'), { recursive: true });
      symlinkSync(outside, join(folder, 'b'));
      symlinkSync('nowhere', join(folder, 'broken'));
    });
    expect(kinds(result)).toEqual({
      b: 'added',
      'b/c.txt': 'deleted',
      broken: 'added',
      out: 'added',
      round: 'added',
      zero: 'added',
    });
    expect(result.change.entries.filter(({ newMode }) => newMode !== '000000').every(({ newMode }) => newMode === '120000')).toBe(
      true,
    );
    expect(readFileSync(join(outside, 'kept.txt'), 'utf8')).toBe('of the host\n');
  });

  it('in the way do not lead a tree that is written out outside', async () => {
    const place = createPlace(FILES);
    await place.repositories.resolveBase(REPOSITORY, 'main');
    const folder = mkdtempSync(join(place.root, 'out-'));
    symlinkSync(place.root, join(folder, 'b'));
    await expect(place.repositories.writeOut(REPOSITORY, place.tree, folder)).rejects.toThrow(RangeError);
    expect(existsSync(join(place.root, 'c.txt'))).toBe(false);
  });
});

describe('Files that the rules of the base leave out', () => {
  const RULES = [
    ...FILES,
    { path: '.gitignore', content: 'node_modules/\n*.log\n!keep.log\n/dist\nbuild/*\n' },
    { path: 'sub/.gitignore', content: '*.tmp\n' },
    { path: 'build/tracked.js', content: 'x\n' },
    { path: 'dist/tracked/deep.js', content: 'x\n' },
  ];

  it('are outside when they are new, counted, and their folders not entered', async () => {
    const place = createPlace(RULES);
    const result = await collected(place, (folder) => {
      for (let index = 0; index < 50; index++) write(folder, `node_modules/dep/${index}.js`, 'x');
      write(folder, 'node_modules/dep/.git/config', 'x');
      write(folder, 'debug.log', 'x');
      write(folder, 'keep.log', 'x');
      write(folder, 'sub/x.tmp', 'x');
      write(folder, 'y.tmp', 'x');
      write(folder, 'build/new.js', 'x');
      write(folder, ':(top)x.log', 'x');
      write(folder, Buffer.from([0xff, 0x0a, 0x2e, 0x6c, 0x6f, 0x67]), 'x');
    });
    expect(kinds(result)).toEqual({ 'keep.log': 'added', 'y.tmp': 'added' });
    expect(result.ignored).toEqual({
      count: 6,
      sample: [':(top)x.log', 'build/new.js', 'debug.log', 'node_modules/', 'sub/x.tmp', '\\xff\n.log'],
    });
    expect(result.change.refusedPaths).toEqual([]);
  });

  it('are inside when the base tracks them', async () => {
    const place = createPlace(RULES);
    const result = await collected(place, (folder) => {
      write(folder, 'build/tracked.js', 'changed\n');
      rmSync(join(folder, 'dist/tracked/deep.js'));
      write(folder, 'dist/tracked/new.js', 'ignored, for dist is\n');
    });
    expect(kinds(result)).toEqual({ 'build/tracked.js': 'modified', 'dist/tracked/deep.js': 'deleted' });
    expect(result.ignored.count).toBe(1);
  });

  it('are not chosen by rules the agent wrote, in the folder or in its .git', async () => {
    const place = createPlace(FILES);
    const result = await collected(place, (folder) => {
      write(folder, '.gitignore', '*\n');
      write(folder, 'b/.gitignore', '*\n');
      write(folder, '.git/info/exclude', '*\n');
      write(folder, 'evil.js', 'x\n');
    });
    expect(Object.keys(kinds(result))).toEqual(['.gitignore', 'b/.gitignore', 'evil.js']);
  });

  it('are not read through rules that are a link in the base', async () => {
    const place = createPlace([...FILES, { path: '.gitignore', mode: '120000', content: '/etc/passwd' }]);
    const result = await collected(place, (folder) => write(folder, 'x.log', 'x'));
    expect(kinds(result)).toEqual({ 'x.log': 'added' });
  });
});

describe('A submodule', () => {
  const WITH_MODULE = [...FILES, { path: 'lib/module', mode: '160000', content: 'a'.repeat(40) }];

  it('stands when it is left alone, also next to other changes and without its empty folder', async () => {
    const place = createPlace(WITH_MODULE);
    const result = await collected(place, (folder) => {
      write(folder, 'a.txt', 'changed\n');
      rmSync(join(folder, 'lib'), { recursive: true });
    });
    expect(kinds(result)).toEqual({ 'a.txt': 'modified' });
  });

  it('is a change of a submodule once files or a file stand in its place', async () => {
    const place = createPlace(WITH_MODULE);
    const filled = await collected(place, (folder) => write(folder, 'lib/module/x', 'x\n'));
    expect(filled.change.entries.map(({ path, oldMode }) => [path, oldMode])).toEqual([
      ['lib/module', '160000'],
      ['lib/module/x', '000000'],
    ]);
    const replaced = await collected(place, (folder) => {
      rmSync(join(folder, 'lib/module'), { recursive: true });
      write(folder, 'lib/module', 'x\n');
    });
    expect(replaced.change.entries).toMatchObject([{ path: 'lib/module', oldMode: '160000', kind: 'type_changed' }]);
  });
});

describe('A base that git itself would not write', () => {
  it.each(['.git', '.GIT', 'git~1', '.g\u200cit'])('is refused with a sentence: %j', async (name) => {
    const place = createPlace(FILES);
    plantCommit(place.remote, plantTree(place.remote, [{ path: `x/${name}/hooks`, content: 'x' }]), 'main', [place.base]);
    const { tree } = await place.repositories.resolveBase(REPOSITORY, 'main');
    await expect(place.repositories.writeOut(REPOSITORY, tree, join(place.root, 'out'))).rejects.toMatchObject({
      name: 'RepositoryProblem',
      message: expect.stringContaining('name another base'),
    });
  });

  it('may have modes of old, which count as no change', async () => {
    const place = createPlace([{ path: 'old.txt', mode: '100664', content: 'x\n' }, ...FILES]);
    expect(await collected(place, () => undefined)).toMatchObject({ empty: true });
    expect(kinds(await collected(place, (folder) => write(folder, 'a.txt', 'x\n')))).toEqual({ 'a.txt': 'modified' });
  });
});

describe('What a task kept', () => {
  it('is let go of once the task is over for good', async () => {
    const place = createPlace(FILES);
    const { repositories } = place;
    for (const keep of ['over', 'under-way', 'of a person/ü'])
      await collected(place, (folder) => write(folder, 'a.txt', keep), { keep });
    expect([...(await repositories.kept(REPOSITORY))].sort()).toEqual(['of a person/ü', 'over', 'under-way']);

    await letGoOfEnded(repositories, (keep) => keep === 'over');
    expect([...(await repositories.kept(REPOSITORY))].sort()).toEqual(['of a person/ü', 'under-way']);
    const refs = git(join(place.dataFolder, 'mirrors/acme+widgets.git'), [
      'for-each-ref',
      '--format=%(refname)',
      'refs/countersign/keep',
    ]);
    expect(refs).not.toContain('over');
  });

  it('is nothing where nothing was fetched yet, and no mirror is made to find out', async () => {
    const { repositories, dataFolder } = createPlace(FILES);
    expect(await repositories.kept(REPOSITORY)).toEqual([]);
    expect(existsSync(join(dataFolder, 'mirrors'))).toBe(false);
  });
});
