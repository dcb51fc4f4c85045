import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../src/infra/http/server.ts';
import { answerOf, filed, type Office, openOffice } from './office.ts';

/** Sends bytes as they are and returns all that comes back. */
const raw = async (url: string, ...parts: readonly string[]): Promise<string> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const closed = Promise.withResolvers<void>();
  let answer = '';
  socket
    .on('data', (bytes) => {
      answer += bytes;
    })
    .on('error', () => undefined)
    .on('close', () => closed.resolve());
  for (const part of parts) socket.write(part);
  await Promise.race([closed.promise, pause(5_000)]);
  socket.destroy();
  return answer;
};

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

describe('The door of the HTTP API', () => {
  let office: Office;
  let host: string;
  let bearer: string;

  beforeAll(async () => {
    office = await openOffice();
    ({ host } = new URL(office.url));
    bearer = `Bearer ${office.admin.token}`;
  });
  afterAll(() => office?.close());

  const send = async (path: string, init: RequestInit = {}) => answerOf(await fetch(`${office.url}${path}`, init));
  const post = (headers: Readonly<Record<string, string>>, body = '{"intent":"Change it."}') =>
    send('/api/v1/tasks', { method: 'POST', headers: { authorization: bearer, ...headers }, body });

  describe('stays shut without a token', () => {
    const paths = [
      '/api/v1/tasks',
      '/API/V1/TASKS',
      '//api/v1/tasks',
      '/api//v1/tasks',
      '/api/v1/tasks/',
      '/api/v1/./tasks',
      '/api/v1/x/../tasks',
      '/api/v1/%74asks',
      '/api%2Fv1%2Ftasks',
      '/api/v1/tasks%2f',
      '/api/v1/%2e%2e/v1/tasks',
      '/api/v1/tasks.',
      '/api/v1/tasks;x=1',
      '/api/v1/tasks%00',
      '/api/v1/tasks?access_token=TOKEN',
      '/api/v1/tasks?authorization=Bearer%20TOKEN',
      '/healthz/../api/v1/tasks',
      '/healthz/',
      '/HEALTHZ',
      '/openapi.json/',
      '/nothing',
      '/',
      '/webhook/telegram/',
      '/WEBHOOK/telegram',
    ];
    it.each(paths)('on GET %s', async (path) => {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'POST', 'QUERY']) {
        const answer = await send(path.replace('TOKEN', office.admin.token), { method });
        expect([method, answer.status]).toEqual([method, 401]);
        if (method !== 'HEAD') expect(answer.code()).toBe('UNAUTHORIZED');
      }
    });

    it.each([
      ['none', undefined],
      ['an empty one', ''],
      ['the scheme only', 'Bearer'],
      ['the scheme and a space', 'Bearer '],
      ['undefined', 'Bearer undefined'],
      ['null', 'Bearer null'],
      ['a word', 'Bearer token'],
      ['one of the right form', `Bearer cst_${'A'.repeat(43)}`],
      ['one that is longer', (): string => `${bearer}A`],
      ['one that is shorter', (): string => bearer.slice(0, -1)],
      ['one with a space behind', (): string => `${bearer} x`],
      ['another scheme', (): string => bearer.replace('Bearer', 'Basic')],
      ['two in one header', (): string => `${bearer}, ${bearer}`],
      ['the hash', 'Bearer cst_da39a3ee5e6b4b0d3255bfef95601890afd80709aaa'],
    ])('with %s as the token', async (_, header) => {
      const authorization = typeof header === 'function' ? header() : header;
      const answer = await send('/api/v1/whoami', authorization === undefined ? {} : { headers: { authorization } });
      expect([answer.status, answer.code(), answer.headers.get('www-authenticate')]).toEqual([401, 'UNAUTHORIZED', 'Bearer']);
    });

    it('with two headers, of which one is right', async () => {
      for (const [first, second] of [
        [bearer, 'Bearer undefined'],
        ['Bearer undefined', bearer],
      ]) {
        const answer = await raw(
          office.url,
          `GET /api/v1/whoami HTTP/1.1\r\nhost: ${host}\r\nauthorization: ${first}\r\nAuthorization: ${second}\r\nconnection: close\r\n\r\n`,
        );
        expect(statusOf(answer)).toBe(401);
      }
    });

    it('with the token anywhere but in its header', async () => {
      for (const name of ['cookie', 'x-authorization', 'proxy-authorization', 'x-api-key']) {
        expect((await send('/api/v1/whoami', { headers: { [name]: bearer } })).status).toBe(401);
      }
    });

    it('to an absolute address', async () => {
      const answer = await raw(
        office.url,
        `GET http://${host}/api/v1/tasks HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
      );
      expect(statusOf(answer)).toBe(401);
    });
  });

  describe('with a token', () => {
    it.each(['/API/V1/WHOAMI', '//api/v1/whoami', '/api/v1/whoami/', '/api%2Fv1%2Fwhoami', '/api/v1/whoami.', '/'])(
      'knows no other spelling: %s',
      async (path) => {
        const answer = await send(path, { headers: { authorization: bearer } });
        expect([answer.status, answer.code()]).toEqual([404, 'INVALID_ACTION']);
      },
    );

    it('obeys the method only, not a header or a parameter that names another', async () => {
      const task = await filed(office.admin);
      const path = `/api/v1/tasks/${task.taskId}/actions`;
      for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
        const answer = await send(`${path}?_method=POST`, { headers: { authorization: bearer, [name]: 'POST' } });
        expect(answer.status).toBe(404);
      }
      for (const method of ['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']) {
        expect((await send(path, { method, headers: { authorization: bearer } })).status).toBe(404);
      }
      expect((await office.admin.call('GET', `/api/v1/tasks/${task.taskId}`)).task().status).toBe('WAIT_APPROVE_WRITE');
    });

    it('changes nothing by GET, however the link reads', async () => {
      const task = await filed(office.admin);
      for (const path of ['actions?action=approve', 'actions?action=cancel', 'rerun', 'approve', 'cancel']) {
        expect((await office.admin.call('GET', `/api/v1/tasks/${task.taskId}/${path}`)).status).toBe(404);
      }
      const after = (await office.admin.call('GET', `/api/v1/tasks/${task.taskId}`)).task();
      expect([after.status, after.position]).toEqual([task.status, task.position]);
    });
  });

  describe('lets no page of another site in', () => {
    it.each([
      ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
      ['a form with files', { 'content-type': 'multipart/form-data; boundary=x' }, 415],
      ['text', { 'content-type': 'text/plain' }, 415],
      ['text that says json', { 'content-type': 'text/plain; application/json' }, 415],
      ['JSON of another kind', { 'content-type': 'application/jsonp' }, 415],
      ['a beacon', { 'content-type': 'text/plain;charset=UTF-8', 'sec-fetch-mode': 'no-cors' }, 415],
      ['another site', { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' }, 403],
      ['a neighbour', { 'content-type': 'application/json', 'sec-fetch-site': 'same-site' }, 403],
      ['another origin', { 'content-type': 'application/json', origin: 'https://evil.example' }, 403],
      ['no origin', { 'content-type': 'application/json', origin: 'null' }, 403],
      ['another port', { 'content-type': 'application/json', origin: 'http://127.0.0.1:1' }, 403],
    ])('as %s', async (_, headers, status) => {
      expect((await post(headers)).status).toBe(status);
    });

    it('nor a packed body, or none at all', async () => {
      expect((await post({ 'content-type': 'application/json', 'content-encoding': 'gzip' })).status).toBe(415);
      expect((await post({ 'content-type': 'application/json', 'content-encoding': 'identity' })).status).toBe(415);
      expect((await post({ 'content-type': 'application/json' }, '')).status).toBe(400);
      const bare = await send('/api/v1/tasks', { method: 'POST', headers: { authorization: bearer } });
      expect(bare.status).toBe(415);
    });

    it('but its own', async () => {
      const answer = await post({
        'content-type': 'application/json; charset=utf-8',
        origin: office.url,
        'sec-fetch-site': 'same-origin',
      });
      expect(answer.status).toBe(201);
      expect(answer.headers.has('access-control-allow-origin')).toBe(false);
    });
  });

  describe('is bounded', () => {
    const large = `{"intent":"${'x'.repeat(300 * 1024)}"}`;

    it('in the length a body announces', async () => {
      const answer = await post({ 'content-type': 'application/json' }, large);
      expect([answer.status, answer.code()]).toEqual([413, 'VALIDATION_ERROR']);
    });

    it('in the length of a body that announces none', async () => {
      const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
      const head = `POST /api/v1/tasks HTTP/1.1\r\nhost: ${host}\r\nauthorization: ${bearer}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n`;
      const answer = await raw(office.url, head, ...Array.from({ length: 20 }, () => chunk));
      expect(statusOf(answer)).toBe(413);
      const small = await raw(office.url, head, '1b\r\n{"intent":"A small change"}\r\n0\r\n\r\n');
      expect(statusOf(small)).toBe(201);
    });

    it('in its headers', async () => {
      const answer = await raw(office.url, `GET /healthz HTTP/1.1\r\nhost: ${host}\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`);
      expect(statusOf(answer)).toBe(431);
      expect(answer).toContain('application/problem+json');
    });

    it('against requests that are two', async () => {
      const both = `POST /api/v1/tasks HTTP/1.1\r\nhost: ${host}\r\nauthorization: ${bearer}\r\ncontent-type: application/json\r\n`;
      for (const framing of [
        'content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n',
        'content-length: 2\r\ncontent-length: 40\r\n\r\n{}',
        'transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n',
        'transfer-encoding : chunked\r\n\r\n0\r\n\r\n',
        ' folded: x\r\n\r\n',
      ]) {
        const answer = await raw(office.url, both + framing);
        expect([framing, statusOf(answer)]).toEqual([framing, 400]);
        expect(answer.split('HTTP/1.1 ')).toHaveLength(2);
      }
    });

    it('against what is no request, and tells nothing of itself', async () => {
      for (const bytes of [
        'hello\r\n\r\n',
        '\u0016\u0003\u0001\u0002\r\n\r\n',
        'GET /healthz HTTP/9.9\r\n\r\n',
        'GET healthz HTTP/1.1\r\nhost: x\r\n\r\n',
      ]) {
        const answer = await raw(office.url, bytes);
        expect(statusOf(answer)).toBe(400);
        expect(answer).not.toMatch(/ at |\.ts|node_modules|HPE_/);
      }
    });

    it('in the time a request may take to arrive', async () => {
      const server = await listen(
        { fetch: () => new Response('never') },
        { host: '127.0.0.1', port: 0 },
        {
          headerBytesMax: 4096,
          headersMax: 10,
          headersTimeoutMs: 150,
          requestTimeoutMs: 300,
          lookEveryMs: 50,
          connectionsMax: 2,
        },
      );
      const begin = performance.now();
      const slowHeaders = await raw(server.url, 'GET / HTTP/1.1\r\nhost: x\r\nx-slow: ');
      expect(statusOf(slowHeaders)).toBe(408);
      expect(performance.now() - begin).toBeLessThan(3_000);

      const open = [1, 2].map(() => connect(Number(new URL(server.url).port), '127.0.0.1'));
      await Promise.all(open.map((socket) => once(socket, 'connect')));
      expect(await raw(server.url, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')).toBe('');
      for (const socket of open) socket.destroy();
      await server.close();
    });
  });

  it('says no with the same headers as it says yes', async () => {
    for (const answer of [
      await send('/nothing'),
      await send('/healthz'),
      await send('/api/v1/whoami', { headers: { authorization: bearer } }),
    ]) {
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      });
      expect(answer.headers.has('x-powered-by')).toBe(false);
      expect(answer.headers.has('server')).toBe(false);
    }
  });
});
