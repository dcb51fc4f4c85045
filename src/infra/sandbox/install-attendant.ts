import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { z } from 'zod';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import type { Limits } from '../../domain/limits.ts';
import { bind, KEY_LABEL, OWNER_LABEL, SCRATCH_IN_PACKAGES } from './docker-container.ts';
import { type Containers, outside } from './docker-engine.ts';
import { createFrameReader } from './docker-frames.ts';
import { ensureOwnImage } from './own-image.ts';
import { SANDBOX_UID } from './test-run.ts';

const REPOSITORY = 'countersign-attendant';
const NODE = '/usr/local/bin/node';
const SCRIPT = '/attendant.mjs';
const MEMORY_BYTES = 512 * 1024 * 1024;
const PROCESSES_MAX = 64;
const OPEN_FILES_MAX = 4_096;
/** From its start until it says that it is ready. */
const READY_TIMEOUT_MS = 30_000;
/** Longest time to copy what an install step made. */
const KEEP_TIMEOUT_MS = 5 * 60_000;
/** What it must leave free on the disk of the data folder, besides the most that a step may make. In bytes. */
const FREE_BYTES_MIN = 512 * 1024 * 1024;
/** It says two short lines. */
const SAID_CHARACTERS_MAX = 10_000;

const Kept = z.union([
  z.object({ bytes: z.int().min(0), entries: z.int().min(0) }),
  z.object({ refused: z.string() }),
  z.object({ outside: z.string() }),
]);
export type Kept = z.infer<typeof Kept>;

export interface AttendantOrder {
  readonly key: string;
  readonly owner: string;
  /** In the volume; what becomes of each is a folder of its number. */
  readonly outputs: readonly string[];
  readonly limits: Limits;
  /** Absolute; what an image of its own is made of stands here for a moment. */
  readonly workFolder: string;
  /** Absolute and empty; only this may be written. */
  readonly keepFolder: string;
  /** Absolute; holds the `socket` of the egress proxy. `null`: there is no way out. */
  readonly egressFolder: string | null;
}

/** The container beside an install step: its network, its volume, and who copies out what it made. */
export interface Attendant {
  readonly containerId: string;
  readonly volume: string;
  /** Call once, when nothing of the step lives any more. Throws `OutsideFailure`. */
  keep(signal: AbortSignal): Promise<Kept>;
  /** Safe to call at any time. */
  remove(): Promise<void>;
}

const ensureImage = (engine: Docker, scratchFolder: string): Promise<string> =>
  ensureOwnImage(
    engine,
    REPOSITORY,
    new Map([
      [NODE, process.execPath],
      [SCRIPT, fileURLToPath(new URL('install-attendant.mjs', import.meta.url))],
    ]),
    [process.execPath],
    scratchFolder,
  );

const containerOptions = (order: AttendantOrder, image: string): Docker.ContainerCreateOptions => {
  const { key, owner, outputs, limits, keepFolder, egressFolder } = order;
  const bytesMax = limits.sandboxScratchBytes;
  const entriesMax = limits.sandboxScratchInodes;
  const told = { outputs, scratch: SCRATCH_IN_PACKAGES, bytesMax, entriesMax, freeBytesMin: FREE_BYTES_MIN };
  return {
    name: `countersign-${key}-attendant`,
    Labels: { [OWNER_LABEL]: owner, [KEY_LABEL]: key },
    Image: image,
    Hostname: 'sandbox',
    // What it writes belongs to the service, which must be able to remove it.
    User: `${process.getuid?.() ?? SANDBOX_UID}:${process.getgid?.() ?? SANDBOX_UID}`,
    Entrypoint: [NODE, SCRIPT],
    Cmd: [JSON.stringify(told)],
    HostConfig: {
      Init: true,
      NetworkMode: 'none',
      IpcMode: 'private',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: PROCESSES_MAX,
      Memory: MEMORY_BYTES,
      MemorySwap: MEMORY_BYTES,
      Ulimits: [
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'nofile', Soft: OPEN_FILES_MAX, Hard: OPEN_FILES_MAX },
      ],
      LogConfig: { Type: 'none', Config: {} },
      Mounts: [
        {
          Type: 'volume',
          Source: '', // Without a name it goes with this container.
          Target: '/made',
          VolumeOptions: {
            NoCopy: true,
            Labels: { [OWNER_LABEL]: owner },
            DriverConfig: {
              Name: 'local',
              Options: {
                type: 'tmpfs',
                device: 'tmpfs',
                o: `nosuid,nodev,size=${bytesMax},nr_inodes=${entriesMax},mode=755,uid=${SANDBOX_UID},gid=${SANDBOX_UID}`,
              },
            },
          },
        },
        bind(keepFolder, '/kept', false),
        ...(egressFolder === null ? [] : [bind(egressFolder, '/egress')]),
      ],
    },
  };
};

const within = async <T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T> => {
  const ended = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  const { promise, reject } = Promise.withResolvers<never>();
  const end = (): void =>
    reject(signal.aborted ? signal.reason : new OutsideFailure('The Docker engine is too slow. Try again.'));
  ended.addEventListener('abort', end, { once: true });
  try {
    ended.throwIfAborted();
    return await Promise.race([work, promise]);
  } finally {
    ended.removeEventListener('abort', end);
  }
};

/** Starts it, and resolves when it is ready. Throws `OutsideFailure`. */
export const startAttendant = async (
  { engine, patient, create, discard }: Containers,
  order: AttendantOrder,
  signal: AbortSignal,
): Promise<Attendant> => {
  let container: Docker.Container | undefined;
  let attached: Duplex | undefined;
  const remove = async (): Promise<void> => {
    attached?.destroy(); // The engine never ends it with a container that was not started.
    // The reaper finds by its label what cannot be removed now.
    if (container !== undefined) await discard(container).catch(() => undefined);
  };
  try {
    container = await create(containerOptions(order, await ensureImage(engine, order.workFolder)));
    const { id } = container;
    const output = (await patient.getContainer(id).attach({ stream: true, stdout: true, stderr: false })) as Duplex; // The client’s own stream over the connection.
    attached = output;
    let said = '';
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => undefined); // Nobody waits for it when it could not even be started.
    output.on(
      'data',
      createFrameReader((_, payload) => {
        said = (said + payload.toString()).slice(0, SAID_CHARACTERS_MAX);
        if (said.startsWith('ready\n')) ready.resolve();
      }),
    );
    output.on('error', ready.reject);
    const ended = new Promise<void>((resolve) => output.once('close', resolve).once('end', resolve));
    ended.then(() =>
      ready.reject(new OutsideFailure('The Docker engine could not run what installing needs. Its log says why.')),
    );
    await container.start();
    await within(ready.promise, READY_TIMEOUT_MS, signal);
    const [volume] = (await container.inspect()).Mounts.filter(({ Type }) => Type === 'volume');

    const keep: Attendant['keep'] = async (until) => {
      try {
        await engine.getContainer(id).kill({ signal: 'SIGUSR2' });
        await within(ended, KEEP_TIMEOUT_MS, until);
        return Kept.parse(JSON.parse(said.split('\n')[1] ?? ''));
      } catch (error) {
        until.throwIfAborted();
        throw error instanceof OutsideFailure ? error : outside(error);
      }
    };
    return { containerId: id, volume: volume?.Name ?? '', keep, remove };
  } catch (error) {
    await remove();
    signal.throwIfAborted();
    throw error instanceof OutsideFailure ? error : outside(error);
  }
};
