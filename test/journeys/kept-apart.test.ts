import { lstat, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/domain/canonical.ts';
import { approve, file } from '../support/client.ts';
import { git } from '../support/git-commands.ts';
import { openService, type ServiceHere } from '../support/service-here.ts';

/** Every entry below a folder with its mode and what it holds; times do not count. */
const everything = async (folder: string): Promise<Readonly<Record<string, string>>> => {
  const names = (await readdir(folder, { recursive: true })).sort();
  const entries = names.map(async (name) => {
    const path = join(folder, name);
    const stats = await lstat(path);
    const held = stats.isSymbolicLink() ? await readlink(path) : stats.isFile() ? sha256(await readFile(path)) : '';
    return [name, `${stats.mode.toString(8)} ${held}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
};

describe('A service', () => {
  let here: ServiceHere;
  beforeAll(async () => {
    here = await openService();
  });
  afterAll(() => here?.close());

  it('leaves the snapshot that it delivers from as a person left it, unsaved and untracked work included', async () => {
    const snapshot = join(here.workshop.folder, 'repos', 'acme', 'widgets');
    await writeFile(join(snapshot, 'sum.sh'), 'half a thought\n');
    await writeFile(join(snapshot, 'notes.txt'), 'mine\n');
    await symlink('/etc/hostname', join(snapshot, 'link'));
    await git(snapshot, ['switch', '--quiet', '--create', 'private']);
    await git(snapshot, ['add', 'notes.txt']);
    const before = await everything(snapshot);

    const task = await approve(
      here.client,
      await file(here.client, 'sed -i s/-/+/ sum.sh; echo theirs > notes.txt; echo > link'),
    );
    expect(task.status, task.sentence).toBe('COMPLETED');
    expect(await everything(snapshot)).toEqual(before);
  });

  it('begins each task from its base, whatever others on the same repository made or broke meanwhile', async () => {
    const asked = await Promise.all([
      file(here.client, 'echo broken > test.sh; echo broken > sum.sh; exit 0'),
      file(here.client, 'sed -i s/-/+/ sum.sh; echo one > one.txt'),
      file(here.client, 'sed -i s/-/+/ sum.sh; ls > seen.txt'),
    ]);
    const [broken, first, second] = await Promise.all(asked.map((task) => approve(here.client, task)));
    expect([broken?.errorCode, first?.status, second?.status]).toEqual(['TEST_FAILED', 'COMPLETED', 'COMPLETED']);

    const after = await approve(here.client, await file(here.client, 'sed -i s/-/+/ sum.sh; ls > seen.txt'));
    for (const task of [second, after]) {
      const branch = task?.branch ?? '';
      expect(await git(here.workshop.origin, ['show', `${branch}:seen.txt`])).toBe('seen.txt\nsum.sh\ntest.sh');
      expect(await git(here.workshop.origin, ['show', `${branch}:test.sh`])).toBe('test "$(sh sum.sh 2 3)" = 5');
    }
  });
});
