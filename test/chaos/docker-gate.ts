import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';

const ENGINE = '/var/run/docker.sock';

/** A socket before the Docker engine, so that the engine can go away for one service and stay for everybody else. */
export interface DockerGate {
  readonly socket: string;
  /** `refused`: nobody listens, and what was open is cut off. `hung`: connections are taken, which `taken` is told of, and nothing comes back. */
  close(how: 'refused' | 'hung', taken?: () => void): Promise<void>;
  open(): Promise<void>;
  stop(): Promise<void>;
}

export const openDockerGate = async (socket: string): Promise<DockerGate> => {
  const sockets = new Set<Socket>();
  let hung = false;
  let tell = (): void => undefined;

  const track = (one: Socket): void => {
    sockets.add(one);
    one.on('error', () => undefined); // Its other end went away: both are closed below.
    one.on('close', () => sockets.delete(one));
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    track(client);
    if (hung) return tell();
    const engine = connect({ path: ENGINE, allowHalfOpen: true });
    track(engine);
    client.pipe(engine).pipe(client);
    client.on('close', () => engine.destroy());
    engine.on('close', () => client.destroy());
  });
  const cut = (): void => {
    for (const one of sockets) one.destroy();
  };
  const listen = async (): Promise<void> => {
    await rm(socket, { force: true });
    server.listen(socket);
    await once(server, 'listening');
  };
  const unlisten = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    cut();
    await once(server, 'close');
  };
  await listen();
  return {
    socket,
    close: async (how, taken = () => undefined) => {
      hung = how === 'hung';
      tell = taken;
      if (hung) cut();
      else await unlisten();
    },
    open: async () => {
      if (hung) cut();
      hung = false;
      if (!server.listening) await listen();
    },
    stop: unlisten,
  };
};
