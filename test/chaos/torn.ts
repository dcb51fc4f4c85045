import { appendFile, mkdir, open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Chance } from './chance.ts';
import type { Torn } from './points.ts';

/** What a frame of SQLite's write-ahead log holds: a header and a page. */
const FRAME_BYTES = 24 + 4096;
/** Older than any rule that spares what another process may still write. */
const LONG_AGO_MS = 7_200_000;

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => ({ size: 0 }))).size;

const garbage = (chance: Chance, bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, () => chance.below(256)));

/** The beginning of a frame like the last one, as an append leaves it that the power went out under. */
const tornFrame = async (file: string, chance: Chance): Promise<void> => {
  const size = await sizeOf(file);
  if (size < FRAME_BYTES) return;
  const bytes = await readFile(file);
  const frame = Buffer.from(bytes.subarray(size - FRAME_BYTES));
  frame.writeUInt32BE(chance.below(2 ** 32), 16); // What was written and what was not do not fit together.
  await appendFile(file, frame.subarray(0, chance.between(1, FRAME_BYTES)));
};

const cutTail = async (file: string, bytes: number): Promise<void> =>
  truncate(file, Math.max(0, (await sizeOf(file)) - bytes)).catch(() => undefined);

const age = async (file: string): Promise<void> => {
  const then = new Date(Date.now() - LONG_AGO_MS);
  await utimes(file, then, then);
};

/** The views are not synced while the service runs, so a machine that loses its power may tear them: they say on which start they were made. */
const lostPower = async (file: string, chance: Chance): Promise<void> => {
  if ((await sizeOf(file)) === 0) return;
  const database = new DatabaseSync(file);
  try {
    database.exec("UPDATE about SET value = 'another start' WHERE key = 'machine start'; PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    return; // It was never finished.
  } finally {
    database.close();
  }
  const size = await sizeOf(file);
  await using handle = await open(file, 'r+');
  const bytes = chance.between(1, 4096);
  await handle.write(garbage(chance, bytes), 0, bytes, Math.max(4096, size - bytes));
};

/** Garbles the end of a file as a crash in the middle of a write would. The service must not run. */
export const tear = async (
  file: Torn,
  { dataFolder, artifactFolder }: { readonly dataFolder: string; readonly artifactFolder: string },
  chance: Chance,
): Promise<void> => {
  const at = (name: string): string => join(dataFolder, name);
  switch (file) {
    case 'log':
      return tornFrame(at('log.db-wal'), chance);
    case 'views':
      return lostPower(at('views.db'), chance);
    case 'views, altogether': {
      for (const suffix of ['', '-wal', '-shm']) await rm(at(`views.db${suffix}`), { force: true });
      return;
    }
    case 'audit':
      return appendFile(at('audit.jsonl'), `{"auditVersion":"2.0","seq${garbage(chance, 9).toString('base64')}`);
    case 'audit, whole lines':
      return cutTail(at('audit.jsonl'), chance.between(1, 5_000));
    case 'artifact': {
      await mkdir(artifactFolder, { recursive: true, mode: 0o700 });
      const left = join(artifactFolder, `.writing-${crypto.randomUUID()}`);
      await writeFile(left, garbage(chance, 100));
      return age(left);
    }
    case 'local admin':
      return cutTail(at('local-admin.json'), chance.between(1, 40));
    case 'private files':
      for (const name of ['service.json', 'local-admin.json']) {
        const left = at(`${name}.${crypto.randomUUID()}`);
        await writeFile(left, '{"tok');
        await age(left);
      }
      return;
    case 'what was installed':
      return rm(at('installs'), { recursive: true, force: true });
    case 'git lock':
      for (const name of await readdir(at('mirrors')).catch(() => [])) {
        const lock = at(join('mirrors', name, 'packed-refs.lock'));
        await writeFile(lock, '');
        await age(lock);
      }
  }
};
