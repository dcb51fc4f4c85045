import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen, type ServerLimits } from '../../src/infra/http/server.ts';

/** Several times what the kernel holds for the two ends of a socket. */
const ANSWER = Buffer.alloc(24 * 1024 * 1024, 'a');
const MIB = 1024 * 1024;
const UNREAD_MS = 250;

const serve = async (fetch: () => Response | Promise<Response>, limits: Partial<ServerLimits>) => {
  const server = await listen({ fetch }, { host: '127.0.0.1', port: 0 }, limits);
  onTestFinished(() => server.close());
  const { port, hostname } = new URL(server.url);

  /** Asks, and takes what comes only where `take` is called. */
  return (request = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n') => {
    const socket: Socket = connect(Number(port), hostname, () => socket.write(request));
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined);
    // A connection that is cut off may end with an error.
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    let bytes = 0;
    socket.on('data', (part) => {
      bytes += part.length;
    });
    socket.pause();
    /** Takes about so many bytes, or all until the end; gives how many came so far. */
    const take = async (upTo = Number.POSITIVE_INFINITY): Promise<number> => {
      socket.resume();
      while (bytes < upTo && !socket.closed) await Promise.race([ended, once(socket, 'data').catch(() => ended)]);
      socket.pause();
      return bytes;
    };
    return { socket, take };
  };
};

describe('A reader', () => {
  it('who takes nothing is cut off, and nothing is kept for them', async () => {
    let signal: AbortSignal | undefined;
    const ask = await serve(
      () => {
        const gone = new AbortController();
        ({ signal } = gone);
        // A body that comes in pieces is told that nobody wants the rest.
        const body = new ReadableStream({ pull: (out) => out.enqueue(new Uint8Array(ANSWER)), cancel: () => gone.abort() });
        return new Response(body);
      },
      { unreadTimeoutMs: UNREAD_MS },
    );
    const { take } = ask();
    await expect.poll(() => signal?.aborted, { timeout: 5_000 }).toBe(true);
    expect(await take()).toBeLessThan(ANSWER.length);

    const whole = await serve(() => new Response(ANSWER), { unreadTimeoutMs: UNREAD_MS });
    const reader = whole();
    await pause(5 * UNREAD_MS);
    expect(await reader.take()).toBeLessThan(ANSWER.length);
  });

  it('who is slow gets all of it, however long it takes', async () => {
    const ask = await serve(() => new Response(ANSWER), { unreadTimeoutMs: UNREAD_MS });
    const { take } = ask();
    // Pieces that make room at the other end: the kernels of both tell each other of no smaller ones.
    for (let taken = 0; taken < ANSWER.length / 2; taken = await take(taken + 2 * MIB)) await pause(UNREAD_MS / 2);
    expect(await take()).toBeGreaterThan(ANSWER.length);
  });

  it('is waited for while the service itself says nothing', async () => {
    const ask = await serve(
      async () => {
        await pause(3 * UNREAD_MS);
        const body = new ReadableStream({
          pull: async (out) => {
            out.enqueue(new TextEncoder().encode('said, '));
            await pause(3 * UNREAD_MS);
            out.enqueue(new TextEncoder().encode('and said more'));
            out.close();
          },
        });
        return new Response(body);
      },
      { unreadTimeoutMs: UNREAD_MS },
    );
    const { socket, take } = ask();
    let said = '';
    socket.on('data', (part) => {
      said += part;
    });
    await take();
    expect(said).toContain('said, ');
    expect(said).toContain('and said more');
  });

  it('who reads for longest is cut off where more waits for all than may', async () => {
    const ask = await serve(() => new Response(ANSWER), { unreadBytesMax: 60 * MIB });
    const readers = [];
    for (let n = 0; n < 4; n++) {
      readers.push(ask());
      await pause(100);
    }
    const [first = 0, second = 0, ...others] = await Promise.all(readers.map(({ take }) => take()));
    expect(first).toBeLessThan(ANSWER.length);
    expect(second).toBeLessThan(ANSWER.length);
    for (const bytes of others) expect(bytes).toBeGreaterThan(ANSWER.length);
  });

  it('who asks again before they were answered is cut off', async () => {
    let asked = 0;
    const ask = await serve(() => {
      asked++;
      return new Response(ANSWER);
    }, {});
    const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
    const { take } = ask(request.repeat(600));
    expect(await take()).toBeLessThan(ANSWER.length);
    expect(asked).toBe(1);
  });
});
