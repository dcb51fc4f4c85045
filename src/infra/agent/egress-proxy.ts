import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { forward } from './egress-forward.ts';
import { createEgressGate, type EgressParty, type EgressRecord, type Resolve } from './egress-gate.ts';
import type { EgressRule } from './egress-rules.ts';
import { CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS, tunnel } from './egress-tunnel.ts';

export interface EgressProxy {
  /** Each destination once, in the order of first asking; at most 100. */
  asked(): readonly EgressRecord[];
  /** Whether a host that is allowed could not be reached. */
  hasFailed(): boolean;
  /** Ends every connection. */
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 128;
const HEADER_BYTES_MAX = 32 * 1024;

/**
 * A proxy for `CONNECT` and plain HTTP on a unix socket, for one run of one agent or install step. What no rule covers is answered 403 with a sentence, and
 * so is a name that leads to a private address.
 */
export const startEgressProxy = async (options: {
  readonly socketPath: string;
  readonly rules: readonly EgressRule[];
  readonly resolve?: Resolve;
  /** An agent unless told otherwise. */
  readonly party?: EgressParty;
}): Promise<EgressProxy> => {
  const gate = createEgressGate(options.rules, options.resolve, options.party);
  const sockets = new Set<Duplex>();
  const track = (socket: Duplex): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };

  const server = createServer({ maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: CONNECT_TIMEOUT_MS, requestTimeout: 0 });
  server.maxConnections = CONNECTIONS_MAX;
  server.on('connection', (socket) => {
    track(socket);
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
  });
  // What an agent sends must not end the service, whatever it makes our code throw.
  server.on('request', (incoming, response) => {
    try {
      forward(gate, track, incoming, response);
    } catch {
      incoming.socket.destroy();
    }
  });
  server.on('connect', (incoming, socket, head) => {
    try {
      tunnel(gate, track, incoming, socket, head);
    } catch {
      socket.destroy();
    }
  });
  server.on('clientError', (_, socket) => socket.destroy());

  // A unix socket's path may have 107 bytes: a folder opened as a descriptor keeps it short wherever the data folder is. It stays
  // open as long as the server, which removes the socket by that path.
  const folder = await open(dirname(options.socketPath));
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(`/proc/self/fd/${folder.fd}/${basename(options.socketPath)}`, resolve);
    });
  } catch (error) {
    await folder.close();
    throw error;
  }

  return {
    asked: gate.asked,
    hasFailed: gate.hasFailed,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
      await folder.close();
    },
  };
};
