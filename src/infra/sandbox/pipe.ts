import { constants, openSync } from 'node:fs';
import { chmod, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** execa takes any number, its types those of one digit. */
type Descriptor = 3;

/** A file that a child is given as it is; closed by the caller once the child is started. */
export const openDescriptor = (path: string, flags: number): Descriptor => openSync(path, flags) as Descriptor;

export interface Pipe {
  readonly reader: Socket;
  /** To be given to a child and then closed, or the reader never ends. */
  readonly writeDescriptor: Descriptor;
}

const PREFIX = 'countersign-pipe-';
/** A name is there for milliseconds; one this old was left by a process that was killed. */
const NAME_STALE_MS = 60_000;

/** Removes the names of pipes that killed processes left. */
export const clearPipes = async (): Promise<void> => {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(tmpdir(), name);
    const found = await lstat(folder).catch(() => null);
    if (found === null || !found.isDirectory() || found.uid !== process.getuid?.()) continue;
    if (Date.now() - found.mtimeMs > NAME_STALE_MS) await rm(folder, { recursive: true, force: true });
  }
};

/**
 * A pipe as a shell makes one. What Node gives a child is a socket, and a test that writes to `/dev/stderr` fails on a socket. The
 * name it is made under is gone when this resolves, and says nothing of where the service stands; its mode lets another user open it again
 * through `/dev/stdout`.
 */
export const openPipe = async (): Promise<Pipe> => {
  const folder = await mkdtemp(join(tmpdir(), PREFIX));
  try {
    const path = join(folder, 'pipe');
    await execa('mkfifo', [path], { extendEnv: false, env: { PATH: '/usr/bin:/bin' } });
    await chmod(path, 0o666);
    const reader = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
    return { reader, writeDescriptor: openDescriptor(path, constants.O_WRONLY) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
