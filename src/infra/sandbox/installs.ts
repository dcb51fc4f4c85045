import { renameSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Installed, InstallFailed, type InstallRequest, type Installs } from '../../commands/ports/installs.ts';
import { digestOf, sha256 } from '../../domain/canonical.ts';
import { inTree } from '../../domain/install-step.ts';
import { syncDisk } from '../disk-sync.ts';
import { removeFolder } from '../remove-folder.ts';
import { createSharedWork } from './shared-work.ts';

/** What a step made, in bytes of files and in files, folders and links. */
const Made = z.object({ bytes: z.int().min(0), entries: z.int().min(0) });
export type Made = z.infer<typeof Made>;

export interface InstallPlace {
  /** Names what a step needs while it runs. */
  readonly key: string;
  /** Absolute and empty; what stands here is thrown away afterwards. */
  readonly workFolder: string;
  /** Absolute and empty; each output goes here, under its number. */
  readonly keepFolder: string;
}

/** Runs a step. Throws as `Installs.provide`. */
export type MakeInstall = (request: InstallRequest, place: InstallPlace) => Promise<Made>;

/** What was not used for so long is removed. In milliseconds. */
const AGE_MAX_MS = 30 * 86_400_000;
/** What a file, folder or link takes on a disk besides its bytes, about. */
const ENTRY_BYTES = 4_096;
const RECORD = 'made.json';
const UNFINISHED = /\.(?:new|old)$/;

/** The same for whatever gives the same packages: image, command, place, what it reads, and what is kept. */
const installId = ({ image, path, step, inputs }: InstallRequest): string =>
  digestOf({
    image: image.id,
    run: step.run,
    path: path ?? null,
    inputs: [...inputs].map(([name, bytes]) => [name, sha256(bytes)]),
    outputs: [...step.outputs],
  });

export interface InstallsOptions {
  /** Absolute; a cache, which may be deleted while no service runs. */
  readonly folder: string;
  readonly bytesMax: number;
  readonly make: MakeInstall;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Keeps what install steps made, below `folder`. A folder there is whole or has a name that says it is not. */
export const createInstalls = ({ folder, bytesMax, make, now = Date.now }: InstallsOptions): Installs => {
  const at = (id: string): string => join(folder, id);
  const held = new Map<string, number>();
  const hold = (id: string, by: 1 | -1): void => {
    const holders = (held.get(id) ?? 0) + by;
    if (holders === 0) held.delete(id);
    else held.set(id, holders);
  };

  /** Bytes on the disk, about; `null`: it is none of ours, or somebody broke it. */
  const sizeOf = async (id: string): Promise<number | null> => {
    const record: unknown = await readFile(join(at(id), RECORD), 'utf8')
      .then(JSON.parse)
      .catch(() => null);
    const { data } = Made.safeParse(record);
    return data === undefined ? null : data.bytes + data.entries * ENTRY_BYTES;
  };

  /** What is kept, used last first. */
  const kept = async () => {
    const ids = (await readdir(folder)).filter((name) => !UNFINISHED.test(name));
    const found = await Promise.all(
      ids.map(async (id) => ({ id, usedAt: (await stat(at(id))).mtimeMs, size: await sizeOf(id) })),
    );
    return found.sort((one, other) => other.usedAt - one.usedAt);
  };

  /** In one turn with the look at who holds it: whoever comes later finds it gone. */
  const discard = async (id: string): Promise<void> => {
    if (held.has(id)) return;
    renameSync(at(id), `${at(id)}.old`);
    await removeFolder(`${at(id)}.old`);
  };

  const prune = async (): Promise<void> => {
    let total = 0;
    for (const { id, usedAt, size } of await kept()) {
      total += size ?? 0;
      if (size === null || total > bytesMax || now() - usedAt > AGE_MAX_MS) await discard(id);
    }
  };

  const begin = async (id: string, request: InstallRequest): Promise<void> => {
    const fresh = `${at(id)}.new`;
    const [workFolder, keepFolder] = [join(fresh, 'work'), join(fresh, 'kept')];
    await removeFolder(fresh);
    for (const made of [workFolder, keepFolder]) await mkdir(made, { recursive: true, mode: 0o700 });
    try {
      // Other services may need the same on this machine's engine at the same time.
      const key = `install-${request.owner}-${id.slice(0, 16)}`;
      const made = await make(request, { key, workFolder, keepFolder });
      await writeFile(join(keepFolder, RECORD), JSON.stringify(made));
      await syncDisk(keepFolder);
      await rename(keepFolder, at(id));
    } finally {
      await removeFolder(fresh);
    }
    await prune().catch(() => undefined); // What was made serves all the same; the next start says what is wrong.
  };

  const isWhole = (id: string): Promise<boolean> =>
    stat(at(id)).then(
      () => true,
      () => false,
    );
  const once = createSharedWork<InstallRequest>(begin);

  const provide = async (request: InstallRequest): Promise<Installed> => {
    request.signal.throwIfAborted();
    const id = installId(request);
    hold(id, 1);
    try {
      if (await isWhole(id)) request.onProgress('the packages for the tests are here already');
      else await once(id, request);
      const usedAt = new Date(now());
      await utimes(at(id), usedAt, usedAt);
    } catch (error) {
      hold(id, -1);
      throw error;
    }
    let letGo = () => hold(id, -1);
    return {
      dependencies: request.step.outputs.map((output, index) => ({
        folder: join(at(id), String(index)),
        path: inTree(request.path, output),
      })),
      [Symbol.asyncDispose]: async () => {
        letGo();
        letGo = () => undefined;
      },
    };
  };

  const reap = async (): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const left = (await readdir(folder)).filter((name) => UNFINISHED.test(name));
    await Promise.all(left.map((name) => removeFolder(at(name))));
    await prune();
  };

  return { refusal: null, provide, reap };
};

const NEEDS_DOCKER =
  'Installing what the tests need works with Docker only. Start Docker on the service’s machine, or take `install` out of .countersign.yml.';

/** Where tests run in bubblewrap: an install step there would run the machine's own package manager, without a bound on what it writes. */
export const noInstalls: Installs = {
  refusal: NEEDS_DOCKER,
  provide: async () => {
    throw new InstallFailed(NEEDS_DOCKER);
  },
  reap: async () => {},
};
