import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ForgeRefusal } from '../../src/commands/ports/forge.ts';
import { OutsideFailure } from '../../src/commands/ports/repositories.ts';
import { createLocalForge } from '../../src/infra/forge/local.ts';
import { bareRepository, commitInto, git } from '../support/git-commands.ts';
import { describeForge } from './contract.ts';

const scratch = () => mkdtemp(join(tmpdir(), 'countersign-forge-'));

describeForge('The local forge', async () => {
  const folder = await scratch();
  const bare = join(folder, 'widgets.git');
  await bareRepository(bare);
  const forge = createLocalForge({ folder: join(folder, 'forge') });
  return {
    forge,
    remote: bare,
    bare,
    settle: (number, state) => forge.settle(bare, number, state),
    texts: async (number) => {
      const { title, body } = await forge.read(bare, number);
      return { title, body };
    },
    comments: async (number) => (await forge.read(bare, number)).comments,
    stop: () => rm(folder, { recursive: true }),
  };
});

describe('The records of the local forge', () => {
  let folder: string;
  let bare: string;
  beforeAll(async () => {
    folder = await scratch();
    bare = join(folder, 'org', 'widgets.git');
    await bareRepository(bare);
    await commitInto(bare, 'one', 'one\n');
  });
  afterAll(() => rm(folder, { recursive: true }));
  const draft = (branch: string, remote = bare) => ({ remote, branch, base: 'main', title: 'T', body: 'B' });

  it('outlive the process, and are the same for a path and its file URL', async () => {
    const records = join(folder, 'kept');
    const opened = await createLocalForge({ folder: records }).openDraft(draft('one'));
    expect(opened.url).toBe('local://widgets/pull/1');
    const url = `file://${bare}`;
    expect(await createLocalForge({ folder: records }).findPullRequest(url, 'one')).toEqual(opened);
  });

  it('of two repositories with one name are kept apart', async () => {
    const other = join(folder, 'other', 'widgets.git');
    await bareRepository(other);
    await commitInto(other, 'one', 'one\n');
    const forge = createLocalForge({ folder: join(folder, 'apart') });
    await forge.openDraft(draft('one'));
    expect(await forge.findPullRequest(other, 'one')).toBeNull();
  });

  it('never give two processes one number, nor one branch two pull requests', async () => {
    const records = join(folder, 'raced');
    const branches = Array.from({ length: 6 }, (_, index) => `raced/${index}`);
    for (const branch of branches) await commitInto(bare, branch, `${branch}\n`);
    const script = `
      const { createLocalForge } = await import(process.argv[1]);
      const forge = createLocalForge({ folder: process.argv[2] });
      const open = (branch) => forge.openDraft({ remote: process.argv[3], branch, base: 'main', title: 'T', body: 'B' });
      const opened = await Promise.all(JSON.parse(process.argv[4]).map(open));
      process.stdout.write(JSON.stringify(opened.map(({ number }) => number)));
    `;
    const module = join(import.meta.dirname, '../../src/infra/forge/local.ts');
    const processes = Array.from({ length: 3 }, () =>
      execa(process.execPath, ['--input-type=module', '--eval', script, module, records, bare, JSON.stringify(branches)]),
    );
    const [first, ...others] = (await Promise.all(processes)).map(({ stdout }): unknown => JSON.parse(stdout));
    expect(new Set(first as number[]).size).toBe(branches.length);
    for (const other of others) expect(other).toEqual(first);
    const [kept = ''] = (await readdir(records)).filter((name) => name !== 'git');
    expect((await readdir(join(records, kept))).sort()).toEqual(branches.map((_, index) => `${index + 1}.json`));
  });

  it('that are damaged are named, not passed over', async () => {
    const records = join(folder, 'damaged');
    await createLocalForge({ folder: records }).openDraft(draft('one'));
    const [kept = ''] = (await readdir(records)).filter((name) => name !== 'git');
    const path = join(records, kept, '1.json');
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, 40));
    const refused = createLocalForge({ folder: records }).findPullRequest(bare, 'one');
    await expect(refused).rejects.toThrow(ForgeRefusal);
    await expect(refused).rejects.toThrow('record of pull request 1 is damaged');
  });

  it('that cannot be written are an outside failure without a path', async () => {
    const blocked = join(folder, 'blocked');
    const forge = createLocalForge({ folder: join(blocked, 'forge') });
    await writeFile(blocked, 'a file where the folder should be');
    const failed = forge.commentOnce(bare, 1, 'm', 'm');
    await expect(failed).rejects.toThrow(OutsideFailure);
    await expect(failed).rejects.not.toThrow(folder);
    expect(await forge.probe()).toMatchObject([{ name: 'forge', status: 'fail' }]);
  });

  it('keep the last head of a branch that is gone, and of a pull request that is settled', async () => {
    const forge = createLocalForge({ folder: join(folder, 'gone') });
    const head = await commitInto(bare, 'gone', 'gone\n');
    await forge.openDraft(draft('gone'));
    await git(bare, ['update-ref', '-d', 'refs/heads/gone']);
    expect(await forge.findPullRequest(bare, 'gone')).toMatchObject({ state: 'open', head });
    await forge.settle(bare, 1, 'closed');
    await commitInto(bare, 'gone', 'again\n');
    expect(await forge.findPullRequest(bare, 'gone')).toMatchObject({ state: 'closed', head });
  });

  it('are said to be in order by the preflight, repository and all', async () => {
    const checks = await createLocalForge({ folder: join(folder, 'probed') }).probe(bare);
    expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual(['forge pass', 'repository pass']);
    expect(await createLocalForge({ folder: join(folder, 'probed') }).probe('/no/such/place')).toMatchObject([
      { status: 'pass' },
      { status: 'fail', sentence: expect.stringContaining('Set origin to a bare repository') },
    ]);
  });

  it.each([
    'https://github.com/acme/widgets.git',
    'git@github.com:acme/widgets.git',
    '/no/such/place',
    'ext::sh -c id',
    '--upload-pack=x',
    'file://host/x',
    '',
  ])('refuse the remote %j with what to do', async (remote) => {
    const forge = createLocalForge({ folder: join(folder, 'elsewhere') });
    const refused = forge.findPullRequest(remote, 'one');
    await expect(refused).rejects.toThrow(ForgeRefusal);
    await expect(refused).rejects.toThrow(/origin to a (path|bare repository)/);
  });
});
