import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataFolderInUse, lockDataFolder } from '../../src/infra/store/data-folder-lock.ts';
import { nextLine, runChild } from './child.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('The lock of a data folder', () => {
  it('is held by one', () => {
    const lock = lockDataFolder(folder);

    expect(() => lockDataFolder(folder)).toThrow(DataFolderInUse);
    expect(() => lockDataFolder(folder)).toThrow(/Stop it, or set DATA_DIR/);
    lock.release();
  });

  it('can be taken again once it is released, and released again', () => {
    const lock = lockDataFolder(folder);
    lock.release();
    lock.release();

    lockDataFolder(folder).release();
  });

  it('keeps another process out, also after this one has failed to take it twice', async () => {
    const child = runChild('hold-data-folder.ts', folder);
    await nextLine(child);

    expect(() => lockDataFolder(folder)).toThrow(DataFolderInUse);
    expect(() => lockDataFolder(folder)).toThrow(DataFolderInUse);
    child.process.kill('SIGKILL');
    await child.exit;
  });

  it('held here stays held when others fail to take it', async () => {
    const lock = lockDataFolder(folder);
    expect(() => lockDataFolder(folder)).toThrow(DataFolderInUse);

    const child = runChild('hold-data-folder.ts', folder);

    expect(await child.exit).toBe(1);
    lock.release();
  });

  it('is free after kill -9', async () => {
    const child = runChild('hold-data-folder.ts', folder);
    await nextLine(child);
    child.process.kill('SIGKILL');
    await child.exit;

    lockDataFolder(folder).release();
  });

  it('is a file of the owner only', () => {
    lockDataFolder(folder).release();

    expect(statSync(join(folder, 'owner.lock')).mode & 0o777).toBe(0o600);
  });
});
