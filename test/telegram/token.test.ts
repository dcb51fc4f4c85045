import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import { clientOf } from '../support/client.ts';
import { openWorkshop } from '../support/workshop.ts';

const TOKEN = `7000000001:${'Secret_-9'.repeat(4).slice(0, 35)}`;
const ROOT = join(import.meta.dirname, '..', '..');

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Says the address it was called by, as proxies do. */
const startParrot = async (): Promise<string> => {
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/getMe')) {
      response.writeHead(500).end(`cannot reach ${request.url}`);
      return;
    }
    const description = `no such path ${request.url}`;
    response
      .writeHead(404, { 'content-type': 'application/json' })
      .end(JSON.stringify({ ok: false, error_code: 404, description }));
  }).listen(0, '127.0.0.1');
  closing.push(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server that listens has one.
  return `http://127.0.0.1:${port}`;
};

describe('The token of the bot', { timeout: 60_000 }, () => {
  it('stands in nothing that the service says, whatever Telegram answers', async () => {
    const workshop = await openWorkshop();
    closing.push(workshop.remove);
    const env = workshop.environment({
      LOG_LEVEL: 'trace',
      TELEGRAM_BOT_TOKEN: TOKEN,
      TELEGRAM_API_ROOT: await startParrot(),
    });
    const service = execa(process.execPath, [join(ROOT, 'src/main.ts'), 'serve', '--json'], {
      env,
      cwd: workshop.folder,
      extendEnv: false,
      all: true,
      reject: false,
    });
    closing.push(() => service.kill('SIGKILL'));
    let said = '';
    service.all.on('data', (chunk) => {
      said += chunk;
    });
    await expect.poll(() => said, { timeout: 20_000 }).toContain('Telegram does not answer');
    const client = await clientOf(workshop.dataFolder);
    const health = await client.call('GET', '/api/v1/health/details');
    expect(health.text).toContain('Telegram does not answer');
    service.kill('SIGTERM');
    await service;
    for (const text of [said, health.text]) expect(text).not.toMatch(/Secret_-9|7000000001:/);
  });
});
