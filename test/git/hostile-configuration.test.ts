import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collected, createPlace, git, plantCommit, plantTree, REPOSITORY, write } from './support/repository.ts';

const FILES = [
  { path: 'a.txt', content: 'one\n' },
  { path: '.gitattributes', content: '* filter=planted diff=planted merge=planted\n' },
] as const;

/** Every way a configuration can make git run something. */
const hostileConfig = (command: string): string => `
[core]
\tfsmonitor = ${command}
\thooksPath = hooks
\tsshCommand = ${command}
\tpager = ${command}
\teditor = ${command}
\taskPass = ${command}
\tgitProxy = ${command}
\talternateRefsCommand = ${command}
[filter "planted"]
\tclean = ${command}
\tsmudge = ${command}
\tprocess = ${command}
\trequired = true
[diff]
\texternal = ${command}
[diff "planted"]
\tcommand = ${command}
\ttextconv = ${command}
[merge "planted"]
\tdriver = ${command}
[uploadpack]
\tpackObjectsHook = ${command}
[remote "origin"]
\tuploadpack = ${command}
\treceivepack = ${command}
\tvcs = planted
[credential]
\thelper = !${command}
[gpg]
\tprogram = ${command}
[commit]
\tgpgSign = true
[alias]
\thash-object = !${command}
[url "ext::${command} "]
\tinsteadOf = /
`;

const HOOKS = ['post-checkout', 'pre-push', 'reference-transaction', 'post-index-change', 'pre-auto-gc', 'fsmonitor-watchman'];

/** Plants a program that leaves a trace, and a `.git` that calls it in every way there is. */
const plantHostile = (gitFolder: string, root: string): { readonly trace: string } => {
  const trace = join(root, 'trace');
  const program = join(root, 'planted.sh');
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> ${trace}\ncat\n`);
  chmodSync(program, 0o755);
  mkdirSync(join(gitFolder, 'hooks'), { recursive: true });
  mkdirSync(join(gitFolder, 'info'), { recursive: true });
  writeFileSync(join(gitFolder, 'config'), `${hostileConfig(program)}[include]\n\tpath = evil.config\n`);
  writeFileSync(join(gitFolder, 'evil.config'), hostileConfig(program));
  writeFileSync(join(gitFolder, 'info', 'attributes'), '* filter=planted diff=planted merge=planted\n');
  for (const hook of HOOKS) symlinkSync(program, join(gitFolder, 'hooks', hook));
  return { trace };
};

describe('A .git that an agent planted', () => {
  it('would run its programs if git ran there', () => {
    const place = createPlace(FILES);
    const folder = join(place.root, 'control');
    git(place.root, ['clone', '-q', place.remote, folder]);
    const { trace } = plantHostile(join(folder, '.git'), place.root);
    writeFileSync(join(folder, 'a.txt'), 'changed\n');
    try {
      execFileSync('git', ['status'], { cwd: folder, stdio: 'ignore' });
    } catch {
      // Git may well give up afterwards.
    }
    expect(existsSync(trace)).toBe(true);
  });

  it('runs nothing: not when the folder is read back, and not in what follows', async () => {
    const place = createPlace(FILES);
    let trace = '';
    const result = await collected(place, (folder) => {
      ({ trace } = plantHostile(join(folder, '.git'), place.root));
      mkdirSync(join(folder, '.git/objects/info'), { recursive: true });
      writeFileSync(join(folder, '.git/objects/info/alternates'), `${place.root}\n`);
      write(folder, 'a.txt', 'changed\n');
      write(folder, 'b/.gitattributes', '* filter=planted\n');
      // An embedded bare repository: what `git` would take a folder for.
      write(folder, 'bare/HEAD', 'ref: refs/heads/main\n');
      write(folder, 'bare/config', `[core]\n\tbare = true\n\tfsmonitor = ${place.root}/planted.sh\n`);
      write(folder, 'bare/objects/x', 'x');
      write(folder, 'bare/refs/x', 'x');
    });
    expect(result.change.entries.map(({ path }) => path)).toContain('bare/config');
    const { repositories } = place;
    const commit = await repositories.commit(REPOSITORY, {
      tree: result.tree,
      parents: [place.base],
      message: 'm',
      at: '2026-01-01T00:00:00.000Z',
    });
    await repositories.push(REPOSITORY, { branch: 'countersign/x', commit, lease: null });
    await repositories.writeOut(REPOSITORY, result.tree, join(place.root, 'out'));
    expect(existsSync(trace)).toBe(false);
  });
});

describe('A snapshot with a hostile configuration', () => {
  it('runs nothing, includes nothing and lends its origin only', async () => {
    const place = createPlace(FILES);
    const folder = join(place.snapshotRoot, REPOSITORY);
    rmSync(folder, { recursive: true });
    const { trace } = plantHostile(join(folder, '.git'), place.root);
    writeFileSync(join(folder, '.git', 'HEAD'), 'ref: refs/heads/main\n');
    const config = join(folder, '.git', 'config');
    writeFileSync(config, `${hostileConfig(join(place.root, 'planted.sh'))}[remote "origin"]\n\turl = ${place.remote}\n`);
    expect(await place.repositories.resolveBase(REPOSITORY, 'main')).toEqual({
      remote: place.remote,
      commit: place.base,
      tree: place.tree,
    });
    expect(await collected(place, () => undefined)).toMatchObject({ empty: true });
    expect(existsSync(trace)).toBe(false);
  });

  it('may name no transport that runs a command', async () => {
    const place = createPlace(FILES);
    const folder = join(place.snapshotRoot, REPOSITORY);
    for (const url of [`ext::sh -c touch% ${place.root}/trace`, '--upload-pack=touch trace', 'git://127.0.0.1/x']) {
      writeFileSync(join(folder, '.git', 'config'), `[remote "origin"]\n\turl = ${JSON.stringify(url)}\n`);
      await expect(place.repositories.resolveBase(REPOSITORY, 'main')).rejects.toMatchObject({ reason: 'SNAPSHOT_MISSING' });
    }
    expect(existsSync(join(place.root, 'trace'))).toBe(false);
  });

  it('that names no origin in so many words has none, and of several the last counts', async () => {
    const place = createPlace(FILES);
    const config = join(place.snapshotRoot, REPOSITORY, '.git', 'config');
    for (const origin of ['url', 'url =', 'fetch = x']) {
      writeFileSync(config, `[remote "origin"]\n\t${origin}\n`);
      await expect(place.repositories.resolveBase(REPOSITORY, 'main')).rejects.toMatchObject({ reason: 'SNAPSHOT_MISSING' });
    }
    writeFileSync(config, `[remote "origin"]\n\turl = /nowhere\n\turl = ${place.remote}\n`);
    expect(await place.repositories.resolveBase(REPOSITORY, 'main')).toMatchObject({ commit: place.base });
  });

  it('that is a file pointing elsewhere is not followed', async () => {
    const place = createPlace(FILES);
    const folder = join(place.snapshotRoot, REPOSITORY);
    rmSync(join(folder, '.git'), { recursive: true });
    writeFileSync(join(folder, '.git'), `gitdir: ${place.remote}\n`);
    await expect(place.repositories.resolveBase(REPOSITORY, 'main')).rejects.toMatchObject({ reason: 'SNAPSHOT_MISSING' });
  });
});

describe('Attributes of the repository', () => {
  it('hide nothing from the diff and choose no way to merge', async () => {
    const attributes = '*.txt -diff merge=union\n*.hid binary\n';
    const place = createPlace([
      { path: '.gitattributes', content: attributes },
      { path: 'a.txt', content: '1\n2\n3\n' },
      { path: 'b.hid', content: 'x\n' },
    ]);
    const mine = await collected(place, (folder) => {
      write(folder, 'a.txt', '1\nmine\n3\n');
      write(folder, 'b.hid', 'y\n');
    });
    expect(mine.change.entries.map(({ insertions }) => insertions)).toEqual([1, 1]);
    expect(mine.patch?.toString()).toContain('+mine');
    const theirs = plantTree(place.remote, [
      { path: '.gitattributes', content: attributes },
      { path: 'a.txt', content: '1\ntheirs\n3\n' },
    ]);
    const newBase = plantCommit(place.remote, theirs, 'main', [place.base]);
    expect(await place.repositories.mergeOnto(REPOSITORY, mine.tree, place.base, newBase)).toBeNull();
  });
});
