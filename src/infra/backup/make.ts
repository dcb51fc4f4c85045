import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { isDiskFull, OutsideFailure } from '../../commands/ports/repositories.ts';
import { StoreFull } from '../../domain/event-store.ts';
import { removeFolder } from '../remove-folder.ts';
import { storeError } from '../store/sqlite-errors.ts';
import { storeIdOf } from '../store/sqlite-file.ts';
import { fileDigests, KEPT, LOG, MANIFEST, type Manifest, sealedManifest } from './manifest.ts';

const STAGING = 'backup-';

/** All pages in one step, which is one moment of the log: in smaller ones every append in between would begin it anew. */
const ALL_PAGES = 0x7fffffff;

/** Whoever takes a backup takes so much of it between two looks, in bytes; less, and nobody else could have one for as long. */
const TAKEN_BYTES_MIN = 1024 ** 2;
const LOOK_EVERY_MS = 60_000;
const STALLED =
  'The backup was given up: less than 1 MiB of it was taken in a minute. Make another one, over a faster connection.';
const NO_ROOM =
  'The disk of the data folder has no room for the copy of the log that a backup begins with. Free some space, then make it again.';

export interface Backup {
  /** A tar archive. Destroying it ends the backup. */
  readonly bytes: Readable;
  /** Resolves when the archive is whole and what was staged is gone; rejects when it is not whole. */
  readonly done: Promise<void>;
}

export interface BackupOptions {
  readonly dataFolder: string;
  readonly artifactFolder: string;
  /** Whether the log is the SQLite file of the data folder. */
  readonly holdsLog: boolean;
  readonly now: () => string;
  /** Between two looks at how much was taken, in milliseconds. */
  readonly lookEveryMs?: number;
}

/** The log as it is at one moment, beside the service that goes on writing; copied on a thread of the pool. */
const snapshotLog = async (from: string, to: string): Promise<Manifest['log']> => {
  const log = new DatabaseSync(from, { readOnly: true });
  try {
    await backup(log, to, { rate: ALL_PAGES });
  } finally {
    log.close();
  }
  const copy = new DatabaseSync(to); // One that could only read would leave files beside it.
  try {
    // Positions have no gaps, so the last one counts them.
    const last = copy.prepare('SELECT max(position) AS last FROM events').get()?.last;
    return { storeId: storeIdOf(copy), events: Number(last ?? 0) };
  } finally {
    copy.close();
  }
};

const archive = (folder: string, staged: readonly string[], artifactFolder: string) =>
  execa(
    'tar',
    [
      '--create',
      '--warning=no-file-changed',
      '--exclude=./.writing-*',
      // Only the artifacts are named by ".", wherever their folder stands.
      '--transform=s,^\\.,artifacts,',
      '--directory',
      folder,
      MANIFEST,
      ...staged,
      '--directory',
      artifactFolder,
      '.',
    ],
    { extendEnv: false, env: { PATH: '/usr/bin:/bin' }, stdin: 'ignore', buffer: false, encoding: 'buffer', reject: false },
  );

/** Destroys what stands still. Whether it did, and how to look no more. */
const watchFlow = (bytes: Readable & { readonly bytesRead?: number }, everyMs: number) => {
  let [before, stalled] = [0, false];
  const timer = setInterval(() => {
    const taken = bytes.bytesRead ?? 0;
    if (taken - before < TAKEN_BYTES_MIN) {
      stalled = true;
      bytes.destroy();
    }
    before = taken;
  }, everyMs);
  return { isStalled: () => stalled, end: () => clearInterval(timer) };
};

/** The same bytes, whose end comes when `done` resolves: whoever read it has a whole archive, and may have the next one. */
const endingAfter = (done: Promise<void>, bytes: Readable): Readable => {
  const ending = new Transform({
    transform: (chunk, _, next) => next(null, chunk),
    flush: (next) => void done.then(() => next(), next),
  });
  pipeline(bytes, ending).catch(() => undefined); // Whoever reads is told.
  return ending;
};

/** What an earlier process that was killed had staged. */
export const clearStagedBackups = async (dataFolder: string): Promise<void> => {
  const left = (await readdir(dataFolder)).filter((name) => name.startsWith(STAGING));
  await Promise.all(left.map((name) => removeFolder(join(dataFolder, name))));
};

/**
 * A backup of everything that cannot be made again from elsewhere: the log first, then the artifacts: every one that is there when the
 * log is copied and is not cleared away meanwhile.
 */
export const makeBackup = async (options: BackupOptions): Promise<Backup> => {
  const { dataFolder, artifactFolder, holdsLog, now, lookEveryMs = LOOK_EVERY_MS } = options;
  const folder = await mkdtemp(join(dataFolder, STAGING));
  try {
    await mkdir(artifactFolder, { recursive: true, mode: 0o700 });
    const madeAt = now();
    const log = holdsLog ? await snapshotLog(join(dataFolder, LOG), join(folder, LOG)) : null;
    for (const name of KEPT.filter((name) => existsSync(join(dataFolder, name))))
      await cp(join(dataFolder, name), join(folder, name), {
        recursive: true,
        filter: (path) => !basename(path).startsWith('.'),
      });
    const staged = await readdir(folder);
    const manifest = sealedManifest({ madeAt, log, digests: await fileDigests(folder) });
    await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest)}\n`);
    const tar = archive(folder, staged, artifactFolder);
    const flow = watchFlow(tar.stdout, lookEveryMs);
    const finish = async (): Promise<void> => {
      const { exitCode, message } = await tar;
      flow.end();
      await removeFolder(folder);
      if (flow.isStalled()) throw new Error(STALLED);
      // 1: a folder got another file while it was read, which is what a running service does.
      if (exitCode !== 0 && exitCode !== 1) throw new Error('The archive could not be written whole.', { cause: message });
    };
    const done = finish();
    return { bytes: endingAfter(done, tar.stdout), done };
  } catch (error) {
    await removeFolder(folder);
    throw isDiskFull(error) || storeError(error) instanceof StoreFull ? new OutsideFailure(NO_ROOM, { cause: error }) : error;
  }
};

export interface Backups {
  /** One is being made, or taken: what its log names is to be there until it is copied. */
  isUnderWay(): boolean;
  make(): Promise<Backup>;
}

export const createBackups = (options: BackupOptions): Backups => {
  let underWay = 0;
  const end = (): void => {
    underWay--;
  };
  return {
    isUnderWay: () => underWay > 0,
    make: async () => {
      underWay++;
      const made = makeBackup(options);
      made.then(({ done }) => done).then(end, end);
      return made;
    },
  };
};
