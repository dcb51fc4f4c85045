import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { v4 } from 'uuid';
import { ArtifactMissing, type Artifacts } from '../commands/ports/artifacts.ts';
import { isDiskFull, OutsideFailure } from '../commands/ports/repositories.ts';
import { type ArtifactRef, ArtifactRef as ArtifactRefSchema } from '../domain/artifact.ts';
import { sha256 } from '../domain/canonical.ts';
import type { ArtifactStock } from './artifact-retention.ts';

/** A temporary file this old was left by a process that was killed; the folder may be shared with others that still write. */
const TEMPORARY_STALE_MS = 3_600_000;
const TEMPORARY = '.writing-';

const FULL = 'The disk under the artifacts is full. Free some space; then it is tried again.';

export interface ArtifactsOptions {
  /** Made when missing, mode 0700. Several processes may share it. */
  readonly folder: string;
  readonly bytesMax: number;
}

/** A name that was given is only durable once its folder is. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const writeDurably = async (path: string, bytes: Buffer): Promise<void> => {
  const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const isGone = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** The bytes when there are exactly `bytesExpected` of them with this digest; `null` when the file is another, `undefined` when there is none. */
const verified = async (path: string, { digest, bytes: bytesExpected }: ArtifactRef): Promise<Buffer | null | undefined> => {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) =>
    isGone(error) ? undefined : null,
  );
  if (!handle) return handle;
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size !== bytesExpected) return null;
    const bytes = await handle.readFile();
    return sha256(bytes) === digest ? bytes : null;
  } finally {
    await handle.close();
  }
};

/** Removes what writers left in this folder that were killed. Safe while others write. */
export const clearUnfinished = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(TEMPORARY)) continue;
    const found = await stat(join(folder, name)).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > TEMPORARY_STALE_MS) await rm(join(folder, name), { force: true });
  }
};

const makeFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await clearUnfinished(folder);
};

/** From now on it counts as just put. `false`: somebody cleared it away meanwhile. */
const touch = async (path: string): Promise<boolean> => {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    (error: unknown) => {
      if (isGone(error)) return false;
      throw error;
    },
  );
};

const DIGEST = /^[0-9a-f]{64}$/;

async function* stored(root: string): ReturnType<ArtifactStock['list']> {
  for (const first of await readdir(root).catch(() => [])) {
    for (const digest of /^[0-9a-f]{2}$/.test(first) ? await readdir(join(root, first)).catch(() => []) : []) {
      const found = DIGEST.test(digest) ? await lstat(join(root, first, digest)).catch(() => null) : null;
      if (found?.isFile()) yield { digest, bytes: found.size, putAt: found.mtimeMs };
    }
  }
}

/** Where an artifact stands. */
export const artifactPath = (folder: string, digest: string): string => join(folder, digest.slice(0, 2), digest);

/** Files named by the SHA-256 of their bytes, in a folder a first byte: `<folder>/ab/abcd…`, mode 0600. */
export const createArtifacts = ({ folder, bytesMax }: ArtifactsOptions): Artifacts & ArtifactStock => {
  const root = resolve(folder);
  const pathOf = (digest: string): string => artifactPath(root, digest);
  let ready: Promise<void> | undefined;
  const start = (): Promise<void> => {
    ready ??= makeFolder(root).catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    return ready;
  };
  return {
    put: async (bytes) => {
      if (bytes.length > bytesMax) throw new RangeError(`an artifact holds at most ${bytesMax} bytes`);
      await start();
      const ref: ArtifactRef = { digest: sha256(bytes), bytes: bytes.length };
      const inside = join(root, ref.digest.slice(0, 2));
      const path = pathOf(ref.digest);
      if ((await verified(path, ref)) && (await touch(path))) {
        // Whoever wrote it may not have come as far as making its name durable.
        await syncFolder(inside);
        return ref;
      }
      const temporary = join(root, `${TEMPORARY}${v4()}`);
      try {
        await writeDurably(temporary, bytes);
        await mkdir(inside, { recursive: true, mode: 0o700 });
        await rename(temporary, path);
      } catch (error) {
        throw isDiskFull(error) ? new OutsideFailure(FULL, { cause: error }) : error;
      } finally {
        await rm(temporary, { force: true });
      }
      await syncFolder(inside);
      await syncFolder(root);
      return ref;
    },
    get: async (ref) => {
      const { digest, bytes } = ArtifactRefSchema.parse(ref);
      const found = bytes > bytesMax ? null : await verified(pathOf(digest), { digest, bytes });
      if (found === undefined) throw new ArtifactMissing(ref);
      if (found === null) throw new Error(`The artifact ${digest.slice(0, 12)} is damaged; restore it from a backup.`);
      return found;
    },
    list: () => stored(root),
    remove: async (digest, putBefore) => {
      const aside = join(root, `${TEMPORARY}${v4()}`);
      try {
        // Whoever puts it meanwhile touched it before, and it comes back; or finds it gone, and writes it.
        await rename(pathOf(digest), aside);
        if ((await lstat(aside)).mtimeMs < putBefore) await rm(aside);
        else await rename(aside, pathOf(digest));
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    },
  };
};
