import { Agent, request } from 'node:http';

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

/** Sends `next()` over `connections` kept-alive connections for `forMs`; loopback only. An answer other than 2xx is a failure. */
export const load = async (url: string, token: string, connections: number, forMs: number, next: () => Call): Promise<Load> => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latencies: number[] = [];
  let failures = 0;
  const end = performance.now() + forMs;
  const send = ({ method, path, body }: Call): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      };
      const sent = request(new URL(path, url), { method, agent, headers }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const begin = performance.now();
  const connection = async (): Promise<void> => {
    while (performance.now() < end) {
      const at = performance.now();
      const status = await send(next());
      latencies.push(performance.now() - at);
      if (status < 200 || status > 299) failures++;
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  const seconds = (performance.now() - begin) / 1_000;
  agent.destroy();
  return { perSecond: latencies.length / seconds, latencies, failures };
};
