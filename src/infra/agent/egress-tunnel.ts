import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { EgressGate } from './egress-gate.ts';
import { splitAuthority } from './egress-rules.ts';

export const CONNECT_TIMEOUT_MS = 15_000;
/** A model may think this long between two bytes of an answer. */
export const IDLE_TIMEOUT_MS = 10 * 60_000;

const answer = (inner: Duplex, status: 403 | 502, text: string): void => {
  inner.end(
    `HTTP/1.1 ${status} ${status === 502 ? 'Bad Gateway' : 'Forbidden'}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
};

/** Answers `CONNECT host:port`. `track` learns of the outer connection, to end it with the run. */
export const tunnel = (
  gate: EgressGate,
  track: (socket: Socket) => void,
  incoming: IncomingMessage,
  inner: Duplex,
  head: Buffer,
): void => {
  inner.on('error', () => inner.destroy());
  const target = splitAuthority(incoming.url ?? '');
  if (target?.port == null) return void answer(inner, 403, gate.refusalOf('a destination without host and port'));
  const { host, port } = target;
  const passage = gate.open({ host, port, way: 'connect' });
  if (passage === null) return void answer(inner, 403, gate.refusalOf(`${host}:${port}`));

  let established = false;
  const outer = connect({ host, port, lookup: passage.lookup, autoSelectFamily: true, allowHalfOpen: true });
  track(outer);
  outer.setTimeout(CONNECT_TIMEOUT_MS, () => outer.destroy(new Error('timed out')));
  outer.once('connect', () => {
    established = true;
    outer.setTimeout(IDLE_TIMEOUT_MS);
    inner.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) outer.write(head);
    inner.pipe(outer);
    outer.pipe(inner);
  });
  outer.on('error', (error) => {
    if (established) return;
    const { status, text } = passage.failure(error);
    answer(inner, status, text);
  });
  outer.on('close', () => {
    if (established) inner.destroy();
  });
  inner.on('close', () => outer.destroy());
};
