import { lstat, open, opendir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import { storeIdOf } from '../store/sqlite-file.ts';
import { ARTIFACTS, BackupFault, fileDigest, LOG, MANIFEST, Manifest } from './manifest.ts';

const DAMAGED = 'The backup is damaged or was cut short. Take another one.';

/** What an archive ends with, in zeros: two blocks of 512 bytes. */
const TAR_END_BYTES = 1_024;

/** Whether an archive has its end: tar itself is content with one that was cut off between two files. */
const hasEnd = async (file: string): Promise<boolean> => {
  await using handle = await open(file);
  const { size } = await handle.stat();
  const { buffer } = await handle.read(Buffer.alloc(TAR_END_BYTES, 1), 0, TAR_END_BYTES, Math.max(0, size - TAR_END_BYTES));
  return buffer.every((byte) => byte === 0);
};

/** Unpacks an archive into an empty folder. Throws `BackupFault`. */
export const unpackBackup = async (file: string, folder: string): Promise<void> => {
  const { failed } = await execa(
    'tar',
    ['--extract', '--no-same-owner', '--no-same-permissions', '--file', file, '--directory', folder],
    { extendEnv: false, env: { PATH: '/usr/bin:/bin' }, stdin: 'ignore', reject: false },
  );
  if (failed || !(await hasEnd(file))) throw new BackupFault(DAMAGED);
};

const manifestOf = async (folder: string): Promise<Manifest> => {
  try {
    return Manifest.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
  } catch {
    throw new BackupFault('The file is no backup of Countersign, or one of a newer version.');
  }
};

const checkLog = (file: string, { storeId, events }: NonNullable<Manifest['log']>): void => {
  const log = new DatabaseSync(file, { readOnly: true });
  try {
    const sound = log.prepare('PRAGMA quick_check').get()?.quick_check === 'ok';
    const count = Number(log.prepare('SELECT count(*) AS count FROM events').get()?.count);
    if (!sound || count !== events || storeIdOf(log) !== storeId) throw new BackupFault(DAMAGED);
  } catch (error) {
    throw error instanceof BackupFault ? error : new BackupFault(DAMAGED, { cause: error });
  } finally {
    log.close();
  }
};

export interface BackupReport extends Pick<Manifest, 'format' | 'madeAt' | 'log'> {
  readonly artifacts: number;
}

/** Whether what was unpacked is whole: the log sound, every file what the manifest or its name says. Throws `BackupFault`. */
export const checkBackup = async (folder: string): Promise<BackupReport> => {
  const manifest = await manifestOf(folder);
  const { format, madeAt, log } = manifest;
  const others: Record<string, string> = {};
  let artifacts = 0;
  for await (const entry of await opendir(folder, { recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    const found = await lstat(path);
    if (found.isDirectory() || name === MANIFEST) continue;
    if (!found.isFile()) throw new BackupFault('The archive holds what no backup holds.');
    const digest = await fileDigest(path);
    if (!name.startsWith(`${ARTIFACTS}/`)) others[name] = digest;
    else if (digest !== basename(path)) throw new BackupFault(DAMAGED);
    else artifacts++;
  }
  if (manifest.format === 2 && !isDeepStrictEqual(others, manifest.digests)) throw new BackupFault(DAMAGED);
  if (log) checkLog(join(folder, LOG), log);
  return { format, madeAt, log, artifacts };
};
