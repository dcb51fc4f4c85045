import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { visibleLine } from '../visible.ts';
import { Failure } from './failure.ts';

/** How often a call is sent that was not answered, or answered with "not now". Every copy carries the same key, so it counts once. */
const SENDS_MAX = 4;
const PAUSE_MS = 500;
/** Until an answer begins, beyond what the caller asked to wait for. */
const ANSWER_TIMEOUT_MS = 60_000;

export interface Address {
  readonly url: string;
  readonly token: string;
}

export interface Call {
  readonly body?: unknown;
  /** `Prefer: wait`, in seconds. */
  readonly waitSeconds?: number | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Statuses that are an answer too. */
  readonly accepts?: readonly number[];
}

export interface Api {
  readonly url: string;
  /** The answer's JSON as it came; nothing in it may reach a terminal but through `visible`. Throws `Failure` with the service's sentence. */
  get(path: string, call?: Call): Promise<unknown>;
  send(method: 'POST' | 'DELETE', path: string, call?: Call): Promise<unknown>;
  /** An answer that is read as it comes. */
  open(method: 'GET' | 'POST', path: string, call?: Call): Promise<AsyncIterable<Uint8Array>>;
}

const Refusal = z.object({
  error: z.string(),
  error_code: z.string(),
  fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(host);

/** Where the API is below an address a person typed. Throws `Failure`: a token is never sent where others can read it on the way. */
export const baseOf = (typed: string): string => {
  const url = URL.parse(typed);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Failure('The address of the service must begin with https:// or http://.');
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new Failure('The token would travel unencrypted. Use https:// for a service on another machine, or a tunnel to it.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
};

const refusalOf = async (response: Response): Promise<Failure> => {
  const parsed = Refusal.safeParse(await response.json().catch(() => null));
  if (!parsed.success) return new Failure(`What answers there is no Countersign service (status ${response.status}).`);
  const { error, error_code, fields = [] } = parsed.data;
  const faults = fields.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return new Failure((faults.length === 0 ? [error] : faults).map(visibleLine).join('\n'), error_code);
};

/** The HTTP API of a running service. */
export const createApi = ({ url, token }: Address): Api => {
  const base = baseOf(url);
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Failure('The token is none: it holds characters that no token has.');

  const unreachable = (): Failure =>
    new Failure(
      `No service answers at ${visibleLine(base)}. Start it with "countersign serve", or name another with --url and --token.`,
      'UNREACHABLE',
    );

  const request = async (method: string, path: string, call: Call, key: string | null): Promise<Response> => {
    const { body, waitSeconds, headers, signal } = call;
    const answerInTime = AbortSignal.timeout(ANSWER_TIMEOUT_MS + (waitSeconds ?? 0) * 1_000);
    return fetch(`${base}/api/v1${path}`, {
      method,
      redirect: 'error',
      headers: {
        authorization: `Bearer ${token}`,
        ...(method !== 'GET' && { 'content-type': 'application/json' }),
        ...(key !== null && { 'idempotency-key': key }),
        ...(waitSeconds !== undefined && { prefer: `wait=${waitSeconds}` }),
        ...headers,
      },
      ...(method !== 'GET' && { body: JSON.stringify(body ?? {}) }),
      signal: signal ?? answerInTime,
    });
  };

  const answered = async (method: string, path: string, call: Call): Promise<Response> => {
    const key = method === 'GET' ? null : randomUUID();
    for (let sent = 1; ; sent++) {
      const response = await request(method, path, call, key).catch((error: unknown) => {
        if (call.signal?.aborted) throw error;
        if (sent === SENDS_MAX || !wasCutOff(error)) throw unreachable();
        return null;
      });
      if (response !== null && (response.ok || call.accepts?.includes(response.status))) return response;
      if (response !== null && (response.status !== 503 || sent === SENDS_MAX)) throw await refusalOf(response);
      await response?.body?.cancel();
      await pause(PAUSE_MS * sent);
    }
  };

  return {
    url: base,
    get: async (path, call = {}) => (await answered('GET', path, call)).json(),
    send: async (method, path, call = {}) => (await answered(method, path, call)).json(),
    open: async (method, path, call = {}) => {
      const { body } = await answered(method, path, { signal: new AbortController().signal, ...call });
      return body ?? new ReadableStream<Uint8Array>();
    },
  };
};

/** A connection that broke may have carried the command; one that was never made did not, and another try will not help. */
const wasCutOff = (error: unknown): boolean => {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(code);
};

/** Path and query, every value encoded. */
export const pathOf = (strings: TemplateStringsArray, ...values: readonly string[]): string =>
  strings.reduce((path, text, at) => path + encodeURIComponent(values[at - 1] ?? '') + text);

export const queryOf = (values: Readonly<Record<string, string | undefined>>): string => {
  const said = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return said.length === 0 ? '' : `?${new URLSearchParams(said)}`;
};
