import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { DOWNLOAD_BYTES_MAX } from './chats.ts';
import { type Faults, faultRefusal } from './faults.ts';
import type { Call, Method } from './parameters.ts';
import { Refusal, tooManyRequests } from './refusal.ts';
import { type Body, readBody } from './request-body.ts';
import type { World } from './world.ts';

/** A call of the bot, for assertions. */
export interface LoggedCall {
  readonly method: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Milliseconds of the server's clock. */
  readonly at: number;
  /** The status of the answer, or what happened instead of one; `undefined` while there is none. */
  outcome: number | 'reset' | 'hang' | 'lost' | undefined;
}

interface FrontOptions {
  readonly world: World;
  readonly token: string;
  readonly methods: Readonly<Record<string, Method>>;
  readonly faults: Faults;
  /** Seconds to wait for a call that came too fast. */
  readonly tooFast: (method: string, parameters: Readonly<Record<string, unknown>>) => number | undefined;
}

export interface Front {
  readonly apiRoot: string;
  readonly calls: readonly LoggedCall[];
  /** Errors of this server itself: a test that met one proves nothing. */
  readonly errors: readonly unknown[];
  call(method: string, parameters: Readonly<Record<string, unknown>>): Promise<void>;
  down(): Promise<void>;
  up(): Promise<void>;
}

const PROXY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

const refuse = (response: ServerResponse, { code, message, parameters }: Refusal): void => {
  if (PROXY_STATUSES.has(code)) {
    response.writeHead(code, { 'content-type': 'text/html' }).end(`<html><head><title>${code}</title></head></html>`);
    return;
  }
  const body = { ok: false, error_code: code, description: message, ...(parameters === undefined ? {} : { parameters }) };
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** HTTP on loopback: the paths, the token, the log, and what goes wrong on request. */
export const startFront = async ({ world, token, methods, faults, tooFast }: FrontOptions): Promise<Front> => {
  const byName = new Map(Object.entries(methods).map(([name, method]) => [name.toLowerCase(), { name, method }]));
  const calls: LoggedCall[] = [];
  const errors: unknown[] = [];
  let port = 0;

  const result = async (name: string, { parameters }: Body, call: Call): Promise<unknown> => {
    const found = byName.get(name.toLowerCase());
    if (found === undefined) throw new Refusal(404, 'Not Found: method not found');
    const seconds = tooFast(found.name, parameters);
    if (seconds !== undefined) throw tooManyRequests(seconds);
    return found.method(parameters, call);
  };

  const download = (response: ServerResponse, path: string): void => {
    const file = world.files.get(path.replace(/^files\//, ''));
    if (file === undefined || file.bytes.length > DOWNLOAD_BYTES_MAX) throw new Refusal(404, 'Not Found');
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(file.bytes);
  };

  const answerCall = async (name: string, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request, url);
    const logged: LoggedCall = {
      method: byName.get(name.toLowerCase())?.name ?? name,
      parameters: body.parameters,
      at: world.now(),
      outcome: undefined,
    };
    calls.push(logged);
    const fault = faults.take(name) ?? {};
    const { error, delayMs = 0 } = fault;
    if (delayMs > 0) await sleep(delayMs);
    if (error === 'reset' || error === 'hang') {
      logged.outcome = error;
      if (error === 'reset') request.socket.destroy();
      return;
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    try {
      if (typeof error === 'number') throw faultRefusal(error, fault);
      const value = await result(name, body, { uploads: body.uploads, signal: gone.signal });
      logged.outcome = error ?? 200;
      if (error === 'lost') request.socket.destroy();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, result: value }));
    } catch (caught) {
      logged.outcome = caught instanceof Refusal ? caught.code : 500;
      throw caught;
    }
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const [, file, given, rest = ''] = /^\/(file\/)?bot([^/]*)\/(.+)$/.exec(decodeURIComponent(url.pathname)) ?? [];
    if (given === undefined || !/^\d+:[\w-]{30,}$/.test(given)) throw new Refusal(404, 'Not Found');
    if (given !== token) throw new Refusal(401, 'Unauthorized');
    if (file === undefined) await answerCall(rest, url, request, response);
    else download(response, rest);
  };

  const listen = (): Promise<Server> =>
    new Promise((resolve, reject) => {
      const created = createServer((request, response) => {
        answer(request, response).catch((error: unknown) => {
          if (!(error instanceof Refusal)) errors.push(error);
          if (!response.headersSent)
            refuse(response, error instanceof Refusal ? error : new Refusal(500, 'Internal Server Error'));
        });
      });
      created.once('error', reject);
      created.listen({ port, host: '127.0.0.1' }, () => resolve(created));
    });

  let server: Server | undefined = await listen();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the Bot API server has no port');
  port = address.port;

  return {
    apiRoot: `http://127.0.0.1:${port}`,
    calls,
    errors,
    call: async (name, parameters) => {
      const logged: LoggedCall = { method: name, parameters, at: world.now(), outcome: undefined };
      calls.push(logged);
      try {
        await result(name, { parameters, uploads: new Map() }, { uploads: new Map(), signal: new AbortController().signal });
        logged.outcome = 200;
      } catch (error) {
        logged.outcome = error instanceof Refusal ? error.code : 500;
        if (!(error instanceof Refusal)) errors.push(error);
      }
    },
    down: async () => {
      const stopping = server;
      server = undefined;
      if (stopping !== undefined) await closed(stopping);
    },
    up: async () => {
      server ??= await listen();
    },
  };
};
