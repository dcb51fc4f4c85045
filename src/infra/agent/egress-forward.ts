import { type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { EgressGate } from './egress-gate.ts';
import { splitAuthority } from './egress-rules.ts';
import { CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS } from './egress-tunnel.ts';

const HTTP_PORT = 80;

/** Headers that concern one connection, never the next. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
]);

/** Names and values in turn, without what concerns this connection and without `also`. */
const endToEnd = ({ rawHeaders, headers }: IncomingMessage, also: readonly string[]): string[] => {
  const dropped = new Set([...also, ...(headers.connection ?? '').toLowerCase().split(/\s*,\s*/)]);
  return rawHeaders.filter((_, index) => {
    const name = (rawHeaders[index - (index % 2)] ?? '').toLowerCase();
    return !HOP_BY_HOP.has(name) && !dropped.has(name);
  });
};

const answer = (response: ServerResponse, status: 403 | 502, text: string): void => {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(text);
};

/** Answers a plain `http://` request. `track` learns of the outer connection, to end it with the run. */
export const forward = (
  gate: EgressGate,
  track: (socket: Socket) => void,
  incoming: IncomingMessage,
  response: ServerResponse,
): void => {
  response.on('error', () => response.destroy());
  const url = URL.parse(incoming.url ?? '');
  const target = url?.protocol === 'http:' ? splitAuthority(url.host) : null;
  if (url === null || target === null) return void answer(response, 403, gate.refusalOf('anything but http:// and CONNECT'));
  const { host } = target;
  const port = target.port ?? HTTP_PORT;
  const passage = gate.open({ host, port, way: 'http' });
  if (passage === null) return void answer(response, 403, gate.refusalOf(`${host}:${port}`));

  const chunked = incoming.headers['transfer-encoding'] === undefined ? [] : ['transfer-encoding', 'chunked'];
  const outgoing = sendRequest({
    host,
    port,
    method: incoming.method ?? 'GET',
    path: `${url.pathname}${url.search}`,
    headers: ['host', url.host, ...chunked, ...endToEnd(incoming, ['host'])],
    agent: false,
    lookup: passage.lookup,
  });
  outgoing.once('response', (answered) => {
    answered.on('error', () => response.destroy());
    try {
      response.writeHead(answered.statusCode ?? 502, endToEnd(answered, []));
      answered.pipe(response);
    } catch {
      response.destroy(); // It answered what may not be passed on.
    }
  });
  outgoing.once('socket', (socket) => {
    track(socket);
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => outgoing.destroy(new Error('timed out')));
    socket.once('connect', () => socket.setTimeout(IDLE_TIMEOUT_MS));
  });
  outgoing.on('error', (error) => {
    const { status, text } = passage.failure(error);
    answer(response, status, text);
  });
  response.on('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
};
