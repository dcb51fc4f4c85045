import { lookup as resolveName } from 'node:dns/promises';
import { open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestOptions, type ServerResponse, request as sendRequest } from 'node:http';
import { connect, isIP, type LookupFunction } from 'node:net';
import { basename, dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { type Destination, type EgressRule, isPublicAddress, judgeDestination, splitAuthority } from './egress-rules.ts';

export interface EgressRecord {
  /** `host:port`, as asked for. */
  readonly host: string;
  readonly allowed: boolean;
}

export interface EgressProxy {
  /** Each destination once, in the order of first asking; at most `EGRESS_RECORDS_MAX`. */
  readonly asked: () => readonly EgressRecord[];
  /** Ends every connection. */
  close(): Promise<void>;
}

const EGRESS_RECORDS_MAX = 100;
const CONNECTIONS_MAX = 128;
const HEADER_BYTES_MAX = 32 * 1024;
const CONNECT_TIMEOUT_MS = 15_000;
/** A model may think this long between two bytes of an answer. */
const IDLE_TIMEOUT_MS = 10 * 60_000;
/** Headers that concern one connection, never the next. */
const HOP_BY_HOP = new Set(
  'connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade'.split(' '),
);

const refusalOf = (destination: string): string =>
  `Countersign: this agent may not reach ${destination}. The operator can allow it in AGENT_EGRESS.\n`;
const UNREACHABLE = 'Countersign: the host is allowed but could not be reached.\n';

class PrivateAddress extends Error {}

/** Resolves here, so that the address that was judged is the one that is used. */
const lookupFor =
  (verdict: 'listed' | 'public'): LookupFunction =>
  (hostname, options, done) => {
    resolveName(hostname, { ...options, all: true }).then(
      (found) => {
        const usable = verdict === 'listed' ? found : found.filter(({ address }) => isPublicAddress(address));
        const [first] = usable;
        if (first === undefined) return done(new PrivateAddress(), '');
        return options.all === true ? done(null, usable) : done(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => done(error, ''),
    );
  };

const forwardedHeaders = (incoming: IncomingMessage, host: string): string[] => {
  const named = new Set((incoming.headers.connection ?? '').toLowerCase().split(/\s*,\s*/));
  const kept = ['host', host];
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    const name = incoming.rawHeaders[i] ?? '';
    const folded = name.toLowerCase();
    if (folded !== 'host' && !HOP_BY_HOP.has(folded) && !named.has(folded)) kept.push(name, incoming.rawHeaders[i + 1] ?? '');
  }
  return kept;
};

/** A proxy for `CONNECT` and plain HTTP on a unix socket, for one run of one agent. What no rule covers is answered 403 with a sentence. */
export const startEgressProxy = async (options: {
  readonly socketPath: string;
  readonly rules: readonly EgressRule[];
}): Promise<EgressProxy> => {
  const records = new Map<string, EgressRecord>();
  const sockets = new Set<Duplex>();

  const track = <Stream extends Duplex>(socket: Stream): Stream => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const record = (host: string, allowed: boolean): void => {
    const key = `${allowed} ${host}`;
    if (records.size < EGRESS_RECORDS_MAX && !records.has(key)) records.set(key, { host, allowed });
  };
  const judge = (destination: Destination): 'listed' | 'public' | 'refused' => {
    const verdict = judgeDestination(options.rules, destination);
    record(`${destination.host}:${destination.port}`, verdict !== 'refused');
    return verdict;
  };
  const failureOf = (error: Error, destination: string): { status: 403 | 502; text: string } => {
    if (!(error instanceof PrivateAddress)) return { status: 502, text: UNREACHABLE };
    records.delete(`true ${destination}`);
    record(destination, false);
    return { status: 403, text: refusalOf(destination) };
  };

  const tunnel = (incoming: IncomingMessage, inner: Duplex, head: Buffer): void => {
    inner.on('error', () => inner.destroy());
    const answer = (status: number, text: string): void => {
      inner.end(
        `HTTP/1.1 ${status} ${status === 502 ? 'Bad Gateway' : 'Forbidden'}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
          `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
      );
    };
    const target = splitAuthority(incoming.url ?? '');
    if (target?.port == null) return void answer(403, refusalOf('a destination without host and port'));
    const { host, port } = target;
    const verdict = judge({ host, port, way: 'connect' });
    if (verdict === 'refused') return void answer(403, refusalOf(`${host}:${port}`));

    const outer = track(connect({ host, port, lookup: lookupFor(verdict), autoSelectFamily: true, allowHalfOpen: true }));
    outer.setTimeout(CONNECT_TIMEOUT_MS, () => outer.destroy(new Error('timed out')));
    let established = false;
    outer.once('connect', () => {
      established = true;
      outer.setTimeout(IDLE_TIMEOUT_MS);
      inner.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) outer.write(head);
      inner.pipe(outer);
      outer.pipe(inner);
    });
    outer.on('error', (error) => {
      if (established) return void inner.destroy();
      const { status, text } = failureOf(error, `${host}:${port}`);
      answer(status, text);
    });
    outer.on('close', () => established && inner.destroy());
    inner.on('close', () => outer.destroy());
  };

  const forward = (incoming: IncomingMessage, response: ServerResponse): void => {
    const answer = (status: number, text: string): void => {
      if (response.headersSent) return void response.destroy();
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
      response.end(text);
    };
    const url = URL.canParse(incoming.url ?? '') ? new URL(incoming.url ?? '') : null;
    const target = url?.protocol === 'http:' ? splitAuthority(url.host) : null;
    if (url === null || target === null) return void answer(403, refusalOf('anything but http:// and CONNECT'));
    const { host } = target;
    const port = target.port ?? 80;
    const verdict = judge({ host, port, way: 'http' });
    if (verdict === 'refused') return void answer(403, refusalOf(`${host}:${port}`));

    const request: RequestOptions = {
      host,
      port,
      method: incoming.method ?? 'GET',
      path: `${url.pathname}${url.search}`,
      headers: forwardedHeaders(incoming, url.host),
      agent: false,
      ...(isIP(host) === 0 && { lookup: lookupFor(verdict), autoSelectFamily: true }),
    };
    const outgoing = sendRequest(request, (answered) => {
      const headers = answered.rawHeaders.filter((_, i, all) => !HOP_BY_HOP.has((all[i - (i % 2)] ?? '').toLowerCase()));
      response.writeHead(answered.statusCode ?? 502, headers);
      answered.pipe(response);
      answered.on('error', () => response.destroy());
    });
    outgoing.once('socket', (socket) => {
      track(socket).setTimeout(CONNECT_TIMEOUT_MS, () => outgoing.destroy(new Error('timed out')));
      socket.once('connect', () => socket.setTimeout(IDLE_TIMEOUT_MS));
    });
    outgoing.on('error', (error) => {
      const { status, text } = failureOf(error, `${host}:${port}`);
      answer(status, text);
    });
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  };

  const server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: 0, headersTimeout: CONNECT_TIMEOUT_MS },
    forward,
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.on('connection', (socket) => track(socket).setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy()));
  server.on('connect', tunnel);
  server.on('clientError', (_, socket) => socket.destroy());

  // A unix socket's path may have 107 bytes: a folder opened as a descriptor keeps it short wherever the data folder is. It stays
  // open as long as the server, which removes the socket by that path.
  const folder = await open(dirname(options.socketPath));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`/proc/self/fd/${folder.fd}/${basename(options.socketPath)}`, resolve);
  }).catch(async (error) => {
    await folder.close();
    throw error;
  });

  return {
    asked: () => [...records.values()],
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
      await folder.close();
    },
  };
};
