import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { artifactPath } from '../artifacts.ts';
import { syncDisk } from '../disk-sync.ts';
import { removeFolder } from '../remove-folder.ts';
import { ARTIFACTS, BackupFault } from './manifest.ts';
import { type BackupReport, checkBackup, unpackBackup } from './read.ts';

/** Unpacks an archive beside `near`, hands the folder to `use`, and leaves nothing behind. */
const withUnpacked = async <T>(file: string, near: string, use: (folder: string) => Promise<T>): Promise<T> => {
  await mkdir(dirname(near), { recursive: true });
  const folder = await mkdtemp(`${near}.unpacked-`);
  try {
    await unpackBackup(file, folder);
    return await use(folder);
  } finally {
    await removeFolder(folder);
  }
};

/** Whether an archive is whole: it is unpacked beside itself and looked through. Throws `BackupFault`. */
export const verifyBackup = (file: string): Promise<BackupReport> => withUnpacked(file, file, checkBackup);

export interface RestoreOptions {
  readonly file: string;
  readonly dataFolder: string;
  readonly artifactFolder: string;
  /** Whether the service is to find its log in the data folder. */
  readonly holdsLog: boolean;
  /** Looks through the log in the folder; throws what a person should read. Resolves to the artifacts it needs, as `Offline.needed` does. */
  readonly verifyLog: (folder: string) => Promise<ReadonlyMap<string, string>>;
}

export interface RestoreReport extends BackupReport {
  /** Artifacts that open tasks name and that are neither in the backup nor in the folder already. */
  readonly missing: readonly { readonly digest: string; readonly taskId: string }[];
}

const missingIn = (folder: string, needed: ReadonlyMap<string, string>): RestoreReport['missing'] => {
  const named = [...needed].map(([digest, taskId]) => ({ digest, taskId }));
  return named.filter(({ digest }) => !existsSync(artifactPath(folder, digest)));
};

const refuseFull = async (folder: string): Promise<void> => {
  const found = await readdir(folder).catch(() => []);
  if (found.length > 0)
    throw new BackupFault(`${basename(folder)} is not empty. Move that data folder away, or set DATA_DIR to a new one.`);
};

/**
 * Makes a data folder from an archive: unpacked beside it, looked through, and only then given its name. Views and the audit are made again from the log at the start.
 * Throws `BackupFault`; the data folder is then as it was.
 */
export const restoreBackup = async (options: RestoreOptions): Promise<RestoreReport> => {
  const { file, dataFolder, artifactFolder, holdsLog, verifyLog } = options;
  await refuseFull(dataFolder);
  return withUnpacked(file, dataFolder, async (folder) => {
    const report = await checkBackup(folder);
    if (report.log === null && holdsLog)
      throw new BackupFault('The log of this backup stands in an EventStoreDB. Restore it there, and set EVENTSTORE_URL.');
    if (report.log !== null && !holdsLog)
      throw new BackupFault('This backup holds its log. Unset EVENTSTORE_URL to restore it into the data folder.');
    const needed = report.log === null ? new Map<string, string>() : await verifyLog(folder);
    if (artifactFolder !== join(dataFolder, ARTIFACTS)) {
      await cp(join(folder, ARTIFACTS), artifactFolder, { recursive: true, force: false });
      await syncDisk(artifactFolder);
      await removeFolder(join(folder, ARTIFACTS));
    }
    await syncDisk(folder);
    await rm(dataFolder, { recursive: true, force: true });
    await rename(folder, dataFolder);
    await syncDisk(dirname(dataFolder));
    return { ...report, missing: missingIn(artifactFolder, needed) };
  });
};
