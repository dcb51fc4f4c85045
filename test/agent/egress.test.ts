import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { startEgressProxy } from '../../src/infra/agent/egress-proxy.ts';
import { parseEgressRule } from '../../src/infra/agent/egress-rules.ts';
import { openWorkbench } from './workbench.ts';

const webServer = async () => {
  const seen: { readonly url: string; readonly headers: NodeJS.Dict<string | string[]>; readonly body: string }[] = [];
  const server = createServer(async (incoming, response) => {
    seen.push({ url: incoming.url ?? '', headers: incoming.headers, body: await text(incoming) });
    response.setHeader('x-answer', 'yes');
    response.end('hello from outside');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, seen, [Symbol.dispose]: () => void server.close() };
};

const proxyWith = async (operator: readonly string[], profile: readonly string[] = [], addresses: readonly string[] = []) => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-egress-'));
  const socketPath = join(folder, 'a-folder-name-that-is-long-enough-to-be-over-the-limit-of-a-unix-socket-path'.slice(0, 60));
  const proxy = await startEgressProxy({
    socketPath,
    rules: [
      ...operator.map((line) => parseEgressRule(line, 'operator')),
      ...profile.map((line) => parseEgressRule(line, 'profile')),
    ],
    resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  });
  const ask = async (url: string, options: { readonly method?: string; readonly body?: string } = {}) => {
    const sent = request({
      socketPath,
      path: url,
      method: options.method ?? 'GET',
      headers: { host: 'other.test', 'proxy-authorization': 'x', te: 'y' },
    });
    sent.end(options.body);
    const [answered] = await once(sent, 'response');
    return { status: answered.statusCode, body: await text(answered), headers: answered.headers };
  };
  /** Sends raw bytes and returns all that comes back until the proxy hangs up. */
  const raw = async (bytes: string) => {
    const socket = connect(socketPath);
    socket.write(bytes);
    return text(socket).catch(() => ''); // Reset, for a proxy need not read all that is sent.
  };
  return {
    ...proxy,
    socketPath,
    ask,
    raw,
    [Symbol.asyncDispose]: async () => {
      await proxy.close();
      await rm(folder, { recursive: true });
    },
  };
};

describe('The egress proxy', () => {
  it('passes a plain request on to a listed host, as that host and without headers of this connection', async () => {
    using web = await webServer();
    await using proxy = await proxyWith([`127.0.0.1:${web.port}`]);
    const answered = await proxy.ask(`http://127.0.0.1:${web.port}/a?b=c`, { method: 'POST', body: 'hi' });
    expect(answered).toMatchObject({ status: 200, body: 'hello from outside', headers: { 'x-answer': 'yes' } });
    expect(web.seen).toMatchObject([{ url: '/a?b=c', body: 'hi', headers: { host: `127.0.0.1:${web.port}` } }]);
    expect(web.seen[0]?.headers).not.toHaveProperty('proxy-authorization');
    expect(proxy.asked()).toEqual([{ host: `127.0.0.1:${web.port}`, allowed: true }]);
  });

  it('tunnels to a listed host', async () => {
    using web = await webServer();
    await using proxy = await proxyWith([`127.0.0.1:${web.port}`]);
    const answered = await proxy.raw(
      `CONNECT 127.0.0.1:${web.port} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    );
    expect(answered).toMatch(/^HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*hello from outside/);
  });

  it.each([
    ['a host that is not listed', 'CONNECT evil.test:443 HTTP/1.1\r\n\r\n', 'evil.test:443'],
    ['another port', 'CONNECT listed.test:22 HTTP/1.1\r\n\r\n', 'listed.test:22'],
    ['plain HTTP', 'GET http://listed.test/ HTTP/1.1\r\nhost: listed.test\r\nconnection: close\r\n\r\n', 'listed.test:80'],
    ['the metadata address', 'CONNECT 169.254.169.254:443 HTTP/1.1\r\n\r\n', '169.254.169.254:443'],
    ['the loopback', 'CONNECT [::1]:443 HTTP/1.1\r\n\r\n', '[::1]:443'],
  ])('refuses %s with a sentence and records it', async (_, bytes, host) => {
    await using proxy = await proxyWith([], ['listed.test']);
    const answered = await proxy.raw(bytes);
    expect(answered).toMatch(/^HTTP\/1\.1 403 /);
    expect(answered).toContain(`this agent may not reach`);
    expect(answered).toContain('AGENT_EGRESS');
    expect(proxy.asked()).toEqual([{ host, allowed: false }]);
  });

  it.each(['127.0.0.1', '10.0.0.8', '169.254.169.254', '::1', '::ffff:127.0.0.1'])(
    'refuses a listed name that leads to %s',
    async (address) => {
      await using proxy = await proxyWith(['*.listed.test', 'listed.test'], ['listed.test:8080'], [address]);
      for (const bytes of [
        'CONNECT listed.test:443 HTTP/1.1\r\n\r\n',
        'CONNECT a.listed.test:443 HTTP/1.1\r\n\r\n',
        'GET http://listed.test:8080/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
      ]) {
        expect(await proxy.raw(bytes)).toMatch(/^HTTP\/1\.1 403 [\s\S]*may not reach/);
      }
      expect(proxy.asked().map(({ allowed }) => allowed)).toEqual([false, false, false]);
    },
  );

  it('says so when a listed host does not answer', async () => {
    await using proxy = await proxyWith(['127.0.0.1:9'], ['nowhere.test']);
    expect(await proxy.raw('CONNECT 127.0.0.1:9 HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 [\s\S]*could not be reached/);
    expect(await proxy.raw('CONNECT nowhere.test:443 HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /);
  });

  it.each([
    'CONNECT / HTTP/1.1\r\n\r\n',
    'CONNECT :443 HTTP/1.1\r\n\r\n',
    'CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n',
    'GET https://listed.test/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    'GET file:///etc/passwd HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    'GET http://a@listed.test:443/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    'nonsense\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01',
  ])('answers %j without passing anything on', async (bytes) => {
    await using proxy = await proxyWith([], ['listed.test']);
    const answered = await proxy.raw(bytes);
    expect(answered === '' || answered.startsWith('HTTP/1.1 403 ') || answered.startsWith('HTTP/1.1 4')).toBe(true);
  });

  it('reads no more of a request line than 32 KiB', async () => {
    await using proxy = await proxyWith([], ['listed.test:80']);
    await proxy.raw(`GET http://listed.test/${'x'.repeat(70_000)} HTTP/1.1\r\n\r\n`);
    expect(proxy.asked()).toEqual([]);
  });

  it('remembers at most 100 destinations', async () => {
    await using proxy = await proxyWith([]);
    for (let i = 0; i < 130; i++) await proxy.raw(`CONNECT h${i % 120}.test:443 HTTP/1.1\r\n\r\n`);
    expect(proxy.asked()).toHaveLength(100);
  });

  it('ends its connections with the run', async () => {
    const silent = createTcpServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const proxy = await proxyWith([`127.0.0.1:${port}`]);
    const socket = connect(proxy.socketPath);
    socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`);
    await once(socket, 'data');
    const closed = once(socket, 'close');
    await proxy.close();
    await closed;
    expect(await once(connect(proxy.socketPath), 'error')).toMatchObject([{ code: 'ENOENT' }]);
    silent.close();
    await rm(dirname(proxy.socketPath), { recursive: true });
  });
});

describe("An agent's way out", () => {
  const fetching = (url: string) =>
    `node -e 'fetch(${JSON.stringify(url)}).then(async (r) => console.log(r.status, await r.text()), (e) => console.log("failed", e.cause?.code))'`;

  it('is the proxy, for the hosts that are listed', async () => {
    using web = await webServer();
    await using bench = await openWorkbench();
    const result = await bench.sh(fetching(`http://127.0.0.1:${web.port}/`), {}, { egressHosts: [`127.0.0.1:${web.port}`] });
    expect(result.log.toString()).toBe('200 hello from outside\n');
    expect(result.egress).toEqual([{ host: `127.0.0.1:${web.port}`, allowed: true }]);
  });

  it('is closed for every other, and the log says which were asked for', async () => {
    using web = await webServer();
    await using bench = await openWorkbench();
    const url = `http://127.0.0.1:${web.port}/`;
    const asking = `node -e 'http.get("${url}", (r) => r.pipe(process.stdout))'`;
    const result = await bench.sh(`${fetching(url)}; ${asking}; NODE_USE_ENV_PROXY=0 ${fetching(url)}`);
    expect(result.log.toString()).toMatch(
      /^failed .*\nCountersign: this agent may not reach .*AGENT_EGRESS\.\nfailed ECONNREFUSED\n/,
    );
    expect(result.log.toString()).toContain(`[countersign] Hosts it asked for and may not reach: 127.0.0.1:${web.port}`);
    expect(result.egress).toEqual([{ host: `127.0.0.1:${web.port}`, allowed: false }]);
    expect(web.seen).toEqual([]);
  });
});
