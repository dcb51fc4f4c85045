import { once } from 'node:events';
import { createServer, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Bindings } from './context.ts';
import { BadCall, PROBLEM_TYPE, problemOf, problemText } from './problem.ts';

export interface ServerLimits {
  /** Longest header block, in bytes. */
  readonly headerBytesMax: number;
  readonly headersMax: number;
  /** Headers, and the whole request, that take longer to arrive are cut off, in milliseconds. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How often slow connections are looked for. */
  readonly lookEveryMs: number;
  readonly connectionsMax: number;
  /**
   * A reader who takes nothing of an answer for this long is cut off, after twice as long at the latest. In milliseconds. Long, because the kernel tells
   * of what a slow reader took in pieces of a megabyte or more.
   */
  readonly unreadTimeoutMs: number;
  /** Answers that wait for their readers, all together. */
  readonly unreadBytesMax: number;
}

const LIMITS: ServerLimits = {
  headerBytesMax: 16 * 1024,
  headersMax: 100,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  lookEveryMs: 2_000,
  connectionsMax: 1_000,
  unreadTimeoutMs: 300_000,
  unreadBytesMax: 128 * 1024 * 1024,
};

/** What is being answered when the server stops may be answered; who waits or watches for longer is cut off. In milliseconds. */
const CLOSE_MS = 500;

/** On every answer, also on those that say no. The API has no pages, so nothing of it may be shown, framed or kept as one. */
const SECURITY_HEADERS = new Map([
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cache-control', 'no-store'],
  ['referrer-policy', 'no-referrer'],
]);

export interface Server {
  readonly url: string;
  /** Takes nothing new and ends what is open; safe to call twice. */
  close(): Promise<void>;
}

/** What is told to whoever sent something that is no request, by the parser's code. */
const UNREADABLE: Readonly<Record<string, { readonly status: number; readonly sentence: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, sentence: 'The headers are too large. Send fewer, or shorter ones.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, sentence: 'The request took too long to arrive. Send it again.' },
};
const NO_REQUEST = { status: 400, sentence: 'This is no HTTP request.' };

/** Written by hand, because there is no request to answer. */
const refuse = (error: Error & { readonly code?: string }, socket: Duplex): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, sentence } = UNREADABLE[error.code ?? ''] ?? NO_REQUEST;
  const body = problemText({ status, code: 'VALIDATION_ERROR', sentence });
  const headers = [
    ['content-type', PROBLEM_TYPE],
    ['content-length', String(Buffer.byteLength(body))],
    ['connection', 'close'],
    ...SECURITY_HEADERS,
  ];
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`);
};

/** A target or host that is none never gets to the API. Anything else that comes here broke while it was being sent. */
const notUnderstood = (error: unknown): Response | undefined =>
  error instanceof RequestError
    ? problemOf(new BadCall(400, 'VALIDATION_ERROR', 'The address that was asked for is none.'), () => undefined)
    : undefined;

/**
 * Holds what readers have not taken yet to `bytesMax` in all. Beyond that, of the reader who leaves the most the oldest answer is cut off: with
 * however many connections, nobody takes the room of somebody who leaves less.
 */
const unreadWithin = (bytesMax: number) => {
  const unread = new Map<ServerResponse, string>();

  /** The answer to cut off; `undefined` when there is room for all. */
  const tooMuch = (): ServerResponse | undefined => {
    const bytesOf = new Map<string, number>();
    let bytes = 0;
    for (const [{ writableLength }, reader] of unread) {
      bytes += writableLength;
      bytesOf.set(reader, (bytesOf.get(reader) ?? 0) + writableLength);
    }
    if (bytes <= bytesMax) return undefined;
    const most = Math.max(...bytesOf.values());
    for (const [outgoing, reader] of unread) if (outgoing.writableLength > 0 && bytesOf.get(reader) === most) return outgoing;
    return undefined;
  };

  return (outgoing: ServerResponse, reader: string): void => {
    if (outgoing.destroyed || outgoing.writableLength === 0) return;
    unread.set(outgoing, reader);
    outgoing.once('close', () => unread.delete(outgoing));
    for (let cut = tooMuch(); cut; cut = tooMuch()) {
      unread.delete(cut);
      cut.destroy();
    }
  };
};

/** Listens on `host`; port 0 takes a free one. Throws an error that says what to do when the port is taken. */
export const listen = async (
  api: { readonly fetch: (request: Request, bindings: Bindings) => Response | Promise<Response> },
  { host, port }: { readonly host: string; readonly port: number },
  changed: Partial<ServerLimits> = {},
): Promise<Server> => {
  const limits = { ...LIMITS, ...changed };
  const keep = unreadWithin(limits.unreadBytesMax);
  /** People, where they are known: behind a proxy all have one address. */
  const readers = new WeakMap<object, string>();
  const answer = getRequestListener(
    (request, { outgoing }) =>
      api.fetch(request, { cutOff: () => outgoing.destroy(), isOf: (personId) => readers.set(outgoing, personId) }),
    { errorHandler: notUnderstood },
  );
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.lookEveryMs,
    },
    (incoming, outgoing) => {
      // Another answer is still on its way to this connection. Nobody's client asks like that, and one could ask for any number of them.
      if (outgoing.socket === null) {
        incoming.socket.destroy();
        return;
      }
      outgoing.setHeaders(SECURITY_HEADERS);
      // Node takes what is left to write for progress when there is less of it. Silence of ours, with nothing left to write, is no fault of the reader.
      outgoing.on('timeout', () => {
        if (outgoing.writableLength > 0) outgoing.destroy();
      });
      const { remoteAddress = '' } = incoming.socket;
      void answer(incoming, outgoing).then(() => keep(outgoing, readers.get(outgoing) ?? remoteAddress));
    },
  );
  server.timeout = limits.unreadTimeoutMs;
  server.maxHeadersCount = limits.headersMax;
  server.maxConnections = limits.connectionsMax;
  server.on('clientError', refuse);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new Error(`Nothing can listen on ${host}:${port}: another program may. Set PORT in .env to another one.`, {
      cause: error,
    });
  }
  const { address, family, port: actual } = server.address() as AddressInfo; // A TCP server that listens has one.
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const cutOff = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
      await closed;
      clearTimeout(cutOff);
    },
  };
};
