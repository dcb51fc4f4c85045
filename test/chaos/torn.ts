import { appendFile, mkdir, open, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Chance } from './chance.ts';
import type { Torn } from './points.ts';

/** A page of SQLite; what a frame of its write-ahead log holds, a header and a page; and what stands before the first frame. */
const PAGE_BYTES = 4096;
const FRAME_BYTES = 24 + PAGE_BYTES;
const HEADER_BYTES = 32;
/** Older than any rule that spares what another process may still write. */
const LONG_AGO_MS = 7_200_000;

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => ({ size: 0 }))).size;

const garbage = (chance: Chance, bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, () => chance.below(256)));

/** The beginning of a frame like the last one, as an append leaves it that the power went out under. */
const tornFrame = async (file: string, chance: Chance): Promise<boolean> => {
  const size = await sizeOf(file);
  if (size < FRAME_BYTES) return false;
  const bytes = await readFile(file);
  const frame = Buffer.from(bytes.subarray(size - FRAME_BYTES));
  frame.writeUInt32BE(chance.below(2 ** 32), 16); // What was written and what was not do not fit together.
  await appendFile(file, frame.subarray(0, chance.between(1, FRAME_BYTES)));
  return true;
};

/** Overwrites the second half of `page`, counted from 1. */
const garble = async (file: string, page: number, chance: Chance): Promise<void> => {
  await using handle = await open(file, 'r+');
  await handle.write(garbage(chance, PAGE_BYTES / 2), 0, PAGE_BYTES / 2, page * PAGE_BYTES - PAGE_BYTES / 2);
};

/** Half a page in the file of the log, as the power leaves one that goes out while the write-ahead log is written back: it stands there, too. */
const tornPage = async (file: string, chance: Chance): Promise<boolean> => {
  const wal = await readFile(`${file}-wal`).catch(() => Buffer.alloc(0));
  // Frames of this generation bear its salt; those up to the last that ends a commit are what SQLite reads again.
  const frames = Array.from({ length: Math.floor((wal.length - HEADER_BYTES) / FRAME_BYTES) }, (_, index) => {
    const at = HEADER_BYTES + index * FRAME_BYTES;
    return wal.subarray(at, at + FRAME_BYTES);
  });
  const foreign = frames.findIndex((frame) => !frame.subarray(8, 16).equals(wal.subarray(16, 24)));
  const own = foreign < 0 ? frames : frames.slice(0, foreign);
  const committed = own.slice(0, own.findLastIndex((frame) => frame.readUInt32BE(4) > 0) + 1);
  const [first, ...others] = committed.map((frame) => frame.readUInt32BE(0)).filter((page) => page > 1);
  if (first === undefined) return false;
  await garble(file, chance.pick([first, ...others]), chance);
  return true;
};

const cutTail = async (file: string, bytes: number): Promise<boolean> => {
  const size = await sizeOf(file);
  if (size > 0) await truncate(file, Math.max(0, size - bytes));
  return size > 0;
};

const age = async (file: string): Promise<void> => {
  const then = new Date(Date.now() - LONG_AGO_MS);
  await utimes(file, then, then);
};

/** The views are not synced while the service runs, so a machine that loses its power may tear them: they say on which start they were made. */
const lostPower = async (file: string, chance: Chance): Promise<boolean> => {
  if ((await sizeOf(file)) === 0) return false;
  const database = new DatabaseSync(file);
  try {
    database.exec("UPDATE about SET value = 'another start' WHERE key = 'machine start'; PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    return false; // It was never finished.
  } finally {
    database.close();
  }
  const size = await sizeOf(file);
  await using handle = await open(file, 'r+');
  const bytes = chance.between(1, 4096);
  await handle.write(garbage(chance, bytes), 0, bytes, Math.max(4096, size - bytes));
  return true;
};

/** What `tearOne` does to each mirror of git, from its folder. */
const inMirrors = async (dataFolder: string, tearOne: (mirror: string) => Promise<boolean>): Promise<boolean> => {
  const folder = join(dataFolder, 'mirrors');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.git'));
  return (await Promise.all(names.map((name) => tearOne(join(folder, name))))).includes(true);
};

const refsOf = async (mirror: string): Promise<readonly string[]> => {
  const found = await readdir(join(mirror, 'refs'), { recursive: true, withFileTypes: true }).catch(() => []);
  return found.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
};

/** Written long ago by a process that was killed. */
const leave = async (file: string, bytes: Buffer | string): Promise<true> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, bytes);
  await age(file);
  return true;
};

/**
 * Garbles the end of a file as a crash in the middle of a write would, of the process or of the machine. The service must not run. `false`: there is
 * no such file yet.
 */
export const tear = async (
  file: Torn,
  { dataFolder, artifactFolder }: { readonly dataFolder: string; readonly artifactFolder: string },
  chance: Chance,
): Promise<boolean> => {
  const at = (name: string): string => join(dataFolder, name);
  switch (file) {
    case 'log':
      return tornFrame(at('log.db-wal'), chance);
    case 'log, a page':
      return tornPage(at('log.db'), chance);
    case 'views':
      return lostPower(at('views.db'), chance);
    case 'views, altogether': {
      for (const suffix of ['', '-wal', '-shm']) await rm(at(`views.db${suffix}`), { force: true });
      return true;
    }
    case 'audit':
      await appendFile(at('audit.jsonl'), `{"auditVersion":"2.0","seq${garbage(chance, 9).toString('base64')}`);
      return true;
    case 'audit, whole lines':
      return cutTail(at('audit.jsonl'), chance.between(1, 5_000));
    case 'audit, made anew':
      return leave(at('audit.jsonl.new'), '{"auditVersion":"2.0","seq');
    case 'artifact':
      return leave(join(artifactFolder, `.writing-${crypto.randomUUID()}`), garbage(chance, 100));
    case 'local admin':
      return cutTail(at('local-admin.json'), chance.between(1, 40));
    case 'private files':
      for (const name of ['service.json', 'local-admin.json']) await leave(at(`${name}.${crypto.randomUUID()}`), '{"tok');
      return true;
    case 'what was installed':
      await rm(at('installs'), { recursive: true, force: true });
      return true;
    case 'an install':
      return leave(at(join('installs', `${garbage(chance, 32).toString('hex')}.new`, 'kept', '0', 'half')), garbage(chance, 100));
    case 'a workspace':
      return leave(at(join('work', crypto.randomUUID(), 'half')), garbage(chance, 100));
    case 'git scratch':
      return leave(at(join('git', 'scratch', `x-${chance.below(1e6)}`, 'index.lock')), garbage(chance, 100));
    case 'git configuration':
      return leave(at(join('git', 'config')), '[core');
    case 'git locks':
      return inMirrors(dataFolder, async (mirror) => {
        for (const file of [join(mirror, 'packed-refs'), ...(await refsOf(mirror))]) await leave(`${file}.lock`, 'f00d');
        return true;
      });
    case 'git object':
      return inMirrors(dataFolder, (mirror) => leave(join(mirror, 'objects', '00', 'tmp_obj_TornUp'), garbage(chance, 50)));
    case 'git ref':
      return inMirrors(dataFolder, async (mirror) => {
        const [first, ...others] = await refsOf(mirror);
        return first !== undefined && cutTail(chance.pick([first, ...others]), 64);
      });
    case 'git mirror':
      return inMirrors(dataFolder, (mirror) => cutTail(join(mirror, 'HEAD'), 64));
    case 'git mirror, being made':
      return inMirrors(dataFolder, async (mirror) => {
        await rm(`${mirror}.making`, { recursive: true, force: true });
        await rename(mirror, `${mirror}.making`);
        return true;
      });
    case 'record of the local forge':
      return leave(at(join('forge', 'widgets-0123456789abcdef', `.${crypto.randomUUID()}`)), '{"num');
  }
};
