import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, opendir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { storeIdOf } from '../store/sqlite-file.ts';
import { ARTIFACTS, BackupFault, LOG, MANIFEST, Manifest } from './manifest.ts';

const DAMAGED = 'The backup is damaged or was cut short. Take another one.';

/** Unpacks an archive into an empty folder. Throws `BackupFault`. */
export const unpackBackup = async (file: string, folder: string): Promise<void> => {
  const { failed } = await execa(
    'tar',
    ['--extract', '--no-same-owner', '--no-same-permissions', '--file', file, '--directory', folder],
    { extendEnv: false, env: { PATH: '/usr/bin:/bin' }, stdin: 'ignore', reject: false },
  );
  if (failed) throw new BackupFault(DAMAGED);
};

const digestOf = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
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

export interface BackupReport extends Manifest {
  readonly artifacts: number;
}

/** Whether what was unpacked is whole: the log sound, every artifact what its name says. Throws `BackupFault`. */
export const checkBackup = async (folder: string): Promise<BackupReport> => {
  const manifest = await manifestOf(folder);
  if (manifest.log) checkLog(join(folder, LOG), manifest.log);
  let artifacts = 0;
  for await (const entry of await opendir(folder, { recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const found = await lstat(path);
    if (!found.isFile() && !found.isDirectory()) throw new BackupFault('The archive holds what no backup holds.');
    if (!found.isFile() || !relative(folder, path).startsWith(`${ARTIFACTS}/`)) continue;
    if ((await digestOf(path)) !== basename(path)) throw new BackupFault(DAMAGED);
    artifacts++;
  }
  return { ...manifest, artifacts };
};
