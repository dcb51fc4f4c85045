import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Api } from './context.ts';

/** Longest header block, in bytes. */
const HEADER_BYTES_MAX = 16 * 1024;
/** A request that takes longer to arrive is cut off, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 1_000;

export interface Server {
  readonly url: string;
  /** Takes nothing new and ends what is open; safe to call twice. */
  close(): Promise<void>;
}

/** Listens on `host`; port 0 takes a free one. Throws an error that says what to do when the port is taken. */
export const listen = async (api: Api, { host, port }: { readonly host: string; readonly port: number }): Promise<Server> => {
  const server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS },
    getRequestListener(api.fetch),
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new Error(`Nothing can listen on ${host}:${port}: another program may. Set PORT to another one.`, { cause: error });
  }
  const { address, family, port: actual } = server.address() as AddressInfo; // A TCP server that listens has one.
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
