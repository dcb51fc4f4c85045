import { lstat, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { setVariables } from '../../../src/infra/cli/setup/environment-file.ts';

it('An .env that cannot be read is not written over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, '.env');
  await symlink(file, file);
  await expect(setVariables(file, '', new Map([['FORGE', 'local']]))).rejects.toMatchObject({ code: 'ELOOP' });
  expect((await lstat(file)).isSymbolicLink()).toBe(true);
});
