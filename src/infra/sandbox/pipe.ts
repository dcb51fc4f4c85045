import { constants, openSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
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

/**
 * A pipe as a shell makes one. What Node gives a child is a socket, and a test that writes to `/dev/stderr` fails on a socket. The
 * name it is made under, in a folder that whoever clears away knows, is gone when this resolves; its mode lets another user open it again
 * through `/dev/stdout`.
 */
export const openPipe = async (near: string): Promise<Pipe> => {
  const folder = await mkdtemp(join(near, 'pipe-'));
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
