import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const KEY = { keyId: 'AKIACOUNTERSIGN00001', secret: 'a-secret-key-of-forty-characters-or-so-12' } as const;
export const REGION = 'eu-central-1';
export const BUCKET = 'countersign-artifacts';

/** Objects in one page of a listing: few, so that tests turn pages. */
const LISTED_MAX = 2;
/** Most that a signature's time may differ from the server's, in milliseconds. */
const SKEW_MS_MAX = 15 * 60_000;

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** Signature version 4, computed anew from what arrived: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html */
const signatureOf = (request: IncomingMessage, url: URL, signed: readonly string[], day: string, bodyDigest: string): string => {
  const query = [...url.searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).sort();
  const headers = signed.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}\n`);
  const canonical = [request.method, url.pathname, query.join('&'), headers.join(''), signed.join(';'), bodyDigest].join('\n');
  const scope = `${day}/${REGION}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = [REGION, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${KEY.secret}`, day));
  return hmac(key, toSign).toString('hex');
};

/** The code of the refusal; `undefined` for a request that is signed as it must be. */
const refusalOf = (request: IncomingMessage, url: URL, body: Buffer): string | undefined => {
  const [, keyId, day, region, headers, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    ) ?? [];
  if (!keyId || !day || !headers) return 'AccessDenied';
  if (keyId !== KEY.keyId) return 'InvalidAccessKeyId';
  if (region !== REGION) return 'AuthorizationHeaderMalformed';
  const signed = headers.split(';');
  const mustBeSigned = Object.keys(request.headers).filter((name) => name === 'host' || name.startsWith('x-amz-'));
  if (!mustBeSigned.every((name) => signed.includes(name))) return 'AccessDenied';
  const date = String(request.headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)(..)Z$/, '$1-$2-$3:$4:$5Z');
  if (!(Math.abs(Date.now() - Date.parse(date)) < SKEW_MS_MAX)) return 'RequestTimeTooSkewed';
  if (request.headers['x-amz-content-sha256'] !== sha256(body)) return 'XAmzContentSHA256Mismatch';
  return signature === signatureOf(request, url, signed, day, sha256(body)) ? undefined : 'SignatureDoesNotMatch';
};

const STATUS: Readonly<Record<string, number>> = {
  NoSuchKey: 404,
  NoSuchBucket: 404,
  BadDigest: 400,
  SlowDown: 503,
  MethodNotAllowed: 405,
};

export interface S3Server {
  readonly endpoint: string;
  /** How a service is told to keep its artifacts here. */
  readonly environment: Readonly<Record<string, string>>;
  /** What is stored, by key. Tests may damage it. */
  readonly objects: Map<string, Buffer>;
  /** When an object was last put, where that is not when it really was. The next put takes it away. */
  readonly putAt: Map<string, Date>;
  readonly faults: {
    /** So many calls are answered with "SlowDown". */
    slowDown: number;
    /** So many objects are stored, but the connection breaks before that is said. */
    acknowledgementsToLose: number;
    /** Of objects half is sent, and then nothing more comes. */
    stalled: boolean;
    /** Calls are refused as if the key had no such right. */
    denied: boolean;
  };
  /** Method and key of each call that was answered. */
  readonly calls: string[];
  stop(): Promise<void>;
}

/** The part of S3 that artifacts use, path-style, on loopback. It believes nothing that is not signed, and stores nothing whose sum is wrong. */
export const startS3 = async (): Promise<S3Server> => {
  const objects = new Map<string, Buffer>();
  const putAt = new Map<string, Date>();
  const times = new Map<string, Date>();
  const modified = (key: string): Date => putAt.get(key) ?? times.get(key) ?? new Date();
  const faults: S3Server['faults'] = { slowDown: 0, acknowledgementsToLose: 0, stalled: false, denied: false };
  const calls: string[] = [];

  const refuse = (response: ServerResponse, code: string): void => {
    response.writeHead(STATUS[code] ?? 403, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
  };

  const put = (request: IncomingMessage, response: ServerResponse, key: string, body: Buffer): unknown => {
    const sum = request.headers['x-amz-checksum-sha256'];
    if (sum !== Buffer.from(sha256(body), 'hex').toString('base64')) return refuse(response, 'BadDigest');
    objects.set(key, body);
    putAt.delete(key);
    times.set(key, new Date());
    if (faults.acknowledgementsToLose > 0) {
      faults.acknowledgementsToLose -= 1;
      return request.socket.destroy();
    }
    return response.writeHead(200, { etag: `"${createHash('md5').update(body).digest('hex')}"` }).end();
  };

  /** Version 2 of the listing, a few at a time. */
  const list = (asked: URLSearchParams, response: ServerResponse): unknown => {
    const after = asked.get('continuation-token') ?? '';
    const fitting = [...objects.keys()].sort().filter((key) => key.startsWith(asked.get('prefix') ?? '') && key > after);
    const shown = fitting.slice(0, LISTED_MAX);
    const entries = shown.map(
      (key) =>
        `<Contents><Key>${key}</Key><LastModified>${modified(key).toISOString()}</LastModified><Size>${objects.get(key)?.length}</Size></Contents>`,
    );
    const next = fitting.length > shown.length ? `<NextContinuationToken>${shown.at(-1)}</NextContinuationToken>` : '';
    response.writeHead(200, { 'content-type': 'application/xml' });
    return response.end(
      `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult><IsTruncated>${next !== ''}</IsTruncated>${next}${entries.join('')}</ListBucketResult>`,
    );
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const url = new URL(request.url ?? '/', 'http://s3');
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    if (faults.slowDown > 0) {
      faults.slowDown -= 1;
      return refuse(response, 'SlowDown');
    }
    const refusal = faults.denied ? 'AccessDenied' : refusalOf(request, url, body);
    if (refusal) return refuse(response, refusal);
    const [, bucket, ...path] = decodeURIComponent(url.pathname).split('/');
    if (bucket !== BUCKET) return refuse(response, 'NoSuchBucket');
    const key = path.join('/');
    calls.push(`${request.method} ${key}`);
    if (request.method === 'PUT') return put(request, response, key, body);
    if (request.method === 'GET' && key === '') return list(url.searchParams, response);
    const object = objects.get(key);
    if (request.method === 'DELETE') {
      objects.delete(key);
      return response.writeHead(204).end();
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 'MethodNotAllowed');
    if (!object) return request.method === 'HEAD' ? response.writeHead(404).end() : refuse(response, 'NoSuchKey');
    const headers = { 'content-length': object.length, 'last-modified': modified(key).toUTCString() };
    response.writeHead(200, headers);
    if (faults.stalled) return response.write(object.subarray(0, object.length / 2));
    return response.end(request.method === 'HEAD' ? undefined : object);
  };

  const server = createServer((request, response) => void answer(request, response).catch(() => request.socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server that listens has one.
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    environment: {
      ARTIFACT_STORE: `s3://${BUCKET}/fleet`,
      ARTIFACT_STORE_ENDPOINT: endpoint,
      ARTIFACT_STORE_REGION: REGION,
      ARTIFACT_STORE_KEY_ID: KEY.keyId,
      ARTIFACT_STORE_SECRET: KEY.secret,
    },
    objects,
    putAt,
    faults,
    calls,
    stop: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
