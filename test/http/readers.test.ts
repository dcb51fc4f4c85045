import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/commands/ports/clock.ts';
import type { Person } from '../../src/domain/person/index.ts';
import { authentication, type Variables } from '../../src/infra/http/authentication.ts';
import { listen, type ServerLimits } from '../../src/infra/http/server.ts';
import type { Views } from '../../src/infra/views/views.ts';

/** Several times what the kernel holds for the two ends of a socket. */
const ANSWER = Buffer.alloc(24 * 1024 * 1024, 'a');
const MIB = 1024 * 1024;
const UNREAD_MS = 250;

const GET = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';

const serve = async (fetch: Parameters<typeof listen>[0]['fetch'], limits: Partial<ServerLimits>) => {
  const server = await listen({ fetch }, { host: '127.0.0.1', port: 0 }, limits);
  onTestFinished(() => server.close());
  const { port, hostname } = new URL(server.url);

  /** Asks, and takes what comes only where `take` is called. */
  return (request = GET, localAddress = hostname) => {
    const socket: Socket = connect({ port: Number(port), host: hostname, localAddress }, () => socket.write(request));
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

/** Asks one after the other, then lets all read on; how each of them ended. */
const inTurn = async (asks: readonly (() => { readonly take: () => Promise<number> })[]): Promise<string[]> => {
  const readers = [];
  for (const ask of asks) {
    readers.push(ask());
    await pause(100);
  }
  const taken = await Promise.all(readers.map(({ take }) => take()));
  return taken.map((bytes) => (bytes > ANSWER.length ? 'whole' : 'cut off'));
};

/** Takes every token for that of a person of its own. */
const DOORMAN: Parameters<typeof authentication>[0] = {
  people: { get: async () => null, byToken: async (personId) => ({ personId }) as Person }, // The one field that is looked at.
  views: { queries: { personByTokenHash: (personId: string) => ({ personId }) } } as unknown as Views, // The one query that is made.
  clock: systemClock,
  used: () => undefined,
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
    expect(await inTurn(Array.from({ length: 4 }, () => ask))).toEqual(['cut off', 'cut off', 'whole', 'whole']);
  });

  it('loses nothing to another address that leaves more, on however many connections', async () => {
    const ask = await serve(() => new Response(ANSWER), { unreadBytesMax: 60 * MIB });
    expect(await inTurn([() => ask(), ...Array.from({ length: 4 }, () => () => ask(GET, '127.0.0.2'))])).toEqual([
      ...['whole', 'cut off', 'cut off', 'cut off', 'whole'],
    ]);
  });

  it('loses nothing to another person behind the same proxy, either', async () => {
    const api = new Hono<{ Variables: Variables }>().use(authentication(DOORMAN)).get('/', () => new Response(ANSWER));
    const ask = await serve(api.fetch, { unreadBytesMax: 60 * MIB });
    const as = (person: string) => () => ask(GET.replace('host', `authorization: Bearer cst_${person.padEnd(43, '_')}\r\nhost`));
    expect(await inTurn(['anna', 'mallory', 'mallory', 'mallory'].map(as))).toEqual(['whole', 'cut off', 'cut off', 'whole']);
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
