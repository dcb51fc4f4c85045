import { connect } from 'node:net';

export interface Load {
  readonly perSecond: number;
  /** Milliseconds of each answer. */
  readonly latencies: readonly number[];
  readonly failures: number;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** How many bytes the answer will have that begins with `bytes`: this service always says how long a body is. */
const lengthOf = (bytes: Buffer): { readonly total: number; readonly ok: boolean } => {
  const headEnd = bytes.indexOf('\r\n\r\n');
  const head = bytes.toString('latin1', 0, headEnd);
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
  if (headEnd < 0 || length === undefined) throw new Error('an answer of an unknown length');
  return { total: headEnd + 4 + Number(length), ok: head.startsWith('HTTP/1.1 2') };
};

/**
 * Sends `next()` over `connections` kept-alive connections for `forMs`, each as soon as it was answered, but not before `everyMs`; loopback only.
 * An answer other than 2xx is a failure. Sockets without an HTTP client: that would need as much of the machine as the service that is measured.
 */
export const load = async (
  url: string,
  token: string,
  connections: number,
  forMs: number,
  next: () => Call,
  everyMs = 0,
): Promise<Load> => {
  const { host, hostname, port } = new URL(url);
  const latencies: number[] = [];
  let failures = 0;
  const requestOf = ({ method, path, body = '' }: Call): string =>
    [
      `${method} ${path} HTTP/1.1`,
      `host: ${host}`,
      `authorization: Bearer ${token}`,
      ...(body === '' ? [] : ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`]),
      '',
      body,
    ].join('\r\n');
  const begin = performance.now();
  const connection = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      let sentAt = 0;
      let missing = 0;
      const send = (): void => {
        sentAt = performance.now();
        if (sentAt - begin >= forMs) {
          socket.destroy();
          resolve();
        } else socket.write(requestOf(next()));
      };
      socket.on('connect', send).on('error', reject);
      socket.on('data', (bytes) => {
        if (missing === 0) {
          const { total, ok } = lengthOf(bytes);
          missing = total;
          if (!ok) failures++;
        }
        missing -= bytes.length;
        if (missing > 0) return;
        const took = performance.now() - sentAt;
        latencies.push(took);
        if (took < everyMs) setTimeout(send, everyMs - took);
        else send();
      });
      socket.on('close', () => reject(new Error('the service hung up')));
    });
  await Promise.all(Array.from({ length: connections }, connection));
  const seconds = (performance.now() - begin) / 1_000;
  return { perSecond: latencies.length / seconds, latencies, failures };
};
