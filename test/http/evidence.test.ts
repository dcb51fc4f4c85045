import { readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../src/projections/audit.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { readContract } from './contract.ts';
import { approve, filed, type Office, openOffice, WAIT, type Worker } from './office.ts';

const SECURITY = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
};

describe('The HTTP API', () => {
  let office: Office;
  let admin: Worker;
  let done: TaskView;

  beforeAll(async () => {
    office = await openOffice();
    ({ admin } = office);
    done = (await approve(admin, await filed(admin, { intent: 'Make it right: <script>alert(1)</script>' }), WAIT)).task();
  });
  afterAll(() => office?.close());

  describe('The evidence of a task', () => {
    it('is its story, an entry for each event in their order', async () => {
      const { events } = (await admin.call('GET', `/api/v1/tasks/${done.taskId}/events`)).json() as {
        events: { type: string; revision: number }[];
      };
      expect(events.map(({ revision }) => revision)).toEqual(events.map((_, index) => index));
      expect(events.map(({ type }) => type)).toEqual(
        expect.arrayContaining(['TaskCreated', 'TaskApproved', 'ChangeCollected', 'PullRequestOpened', 'TaskCompleted']),
      );
    });

    it('is the patch, byte for byte', async () => {
      const patch = await admin.call('GET', `/api/v1/tasks/${done.taskId}/patch`);
      expect(patch.headers.get('content-type')).toBe('text/plain; charset=UTF-8');
      expect(patch.text).toContain('+echo $(($1 + $2))');
      for (const [name, value] of Object.entries(SECURITY)) expect(patch.headers.get(name)).toBe(value);
    });

    it('is what the agent and the tests printed', async () => {
      const path = `/api/v1/tasks/${done.taskId}/logs`;
      expect((await admin.call('GET', `${path}?name=agent`)).text).toBe('mending\n');
      expect((await admin.call('GET', `${path}?name=tests`)).status).toBe(200);
      expect((await admin.call('GET', path)).text).toMatch(/^== agent ==\nmending\n\n== tests ==\n/);
      const wrong = await admin.call('GET', `${path}?name=../../log.db`);
      expect([wrong.status, wrong.code()]).toEqual([400, 'VALIDATION_ERROR']);
    });

    it('is not there before there is any', async () => {
      const fresh = await filed(admin);
      for (const what of ['patch', 'logs?name=agent', 'logs?name=tests']) {
        const answer = await admin.call('GET', `/api/v1/tasks/${fresh.taskId}/${what}`);
        expect([what, answer.status, answer.code()]).toEqual([what, 404, 'INVALID_ACTION']);
      }
      expect((await admin.call('GET', `/api/v1/tasks/${fresh.taskId}/logs`)).text).toBe('');
    });

    it('is said to be damaged, or not kept any more, and the task is still shown', async () => {
      const lost = (await approve(admin, await filed(admin, { intent: 'Break it.' }), WAIT)).task();
      const digest = lost.runResult?.artifacts.patch?.digest ?? '';
      const file = join(office.workshop.dataFolder, 'artifacts', digest.slice(0, 2), digest);
      const ask = async () => {
        const answer = await admin.call('GET', `/api/v1/tasks/${lost.taskId}/patch`);
        expect(answer.text).toContain('backup');
        expect(answer.text).not.toContain(office.workshop.folder);
        return [answer.status, answer.code()];
      };
      await writeFile(file, 'another patch');
      expect(await ask()).toEqual([503, 'UNAVAILABLE']);
      await rm(file);
      expect(await ask()).toEqual([404, 'INVALID_ACTION']);
      expect((await admin.call('GET', `/api/v1/tasks/${lost.taskId}`)).status).toBe(200);

      // What it came to can be had from nowhere: with feedback, too, the next attempt starts from the base.
      await rm(join(office.workshop.dataFolder, 'mirrors'), { recursive: true });
      await office.reopen();
      const again = await admin.call('POST', `/api/v1/tasks/${lost.taskId}/rerun`, { feedback: 'Mend it.' }, WAIT);
      expect(again.task()).toMatchObject({ status: 'WAIT_APPROVE_WRITE', prepared: { startFrom: 'base' } });
    });
  });

  it('exports an audit that verifies', async () => {
    await expect
      .poll(async () => (await admin.call('GET', '/api/v1/audit.jsonl')).text, { timeout: 5_000 })
      .toContain('"type":"TaskCompleted"');
    const { text, headers } = await admin.call('GET', '/api/v1/audit.jsonl');
    expect(headers.get('content-type')).toBe('application/jsonl; charset=UTF-8');
    expect(text.endsWith('\n')).toBe(true);
    const lines = text.split('\n').slice(0, -1);
    expect(await verifyAudit(lines)).toMatchObject({ valid: true, lines: lines.length });
  });

  it('leaves nothing open for who only asks for the head, or leaves early', async () => {
    const open = async (): Promise<number> => {
      const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
      return (await Promise.all(links)).filter((link) => link.endsWith('audit.jsonl')).length;
    };
    const before = await open();
    for (let asked = 0; asked < 5; asked++) {
      expect((await admin.call('HEAD', '/api/v1/audit.jsonl')).status).toBe(200);
      const headers = { authorization: `Bearer ${admin.token}` };
      expect((await fetch(`${office.url}/api/v1/events/stream`, { method: 'HEAD', headers })).status).toBe(200);
      await (await fetch(`${office.url}/api/v1/audit.jsonl`, { headers })).body?.cancel();
    }
    await expect.poll(open, { timeout: 5_000 }).toBe(before);
  });

  it('says how each of its parts is, with the fields of the older service', async () => {
    const answer = await admin.call('GET', '/api/v1/health/details');
    expect(answer.json()).toMatchObject({
      service: 'countersign',
      status: answer.status === 200 ? 'ok' : 'degraded',
      nodeVersion: process.version,
      timestamp: expect.stringMatching(/Z$/),
      contracts: expect.objectContaining({ api: 'v1' }),
      sandbox: {
        defaultTestCommand: 'sh test.sh',
        allowedTestCommands: expect.any(Array),
        diffPolicy: expect.any(Object),
      },
    });
    const { components } = answer.json() as { components: { name: string; status: string }[] };
    const names = components.map(({ name }) => name);
    for (const part of ['event store', 'disk', 'sandbox', 'agent', 'acme/widgets', 'forge']) {
      expect(
        names.some((name) => name.startsWith(part)),
        part,
      ).toBe(true);
    }
    expect(names.filter((name) => name.startsWith('forge'))).toEqual(['forge', 'forge repository']);
    const fetched = components.find(({ name }) => name.startsWith('acme/widgets'));
    expect(fetched?.status).toBe('pass');
    expect(answer.text).not.toContain(office.workshop.dataFolder);
  });

  it('asks its parts again, and notices one that is gone', async () => {
    const origin = office.workshop.origin;
    await rm(origin, { recursive: true });
    await expect
      .poll(async () => (await admin.call('GET', '/api/v1/health/details')).json().status, { timeout: 20_000, interval: 500 })
      .toBe('degraded');
  });

  it('lives and is ready, for everybody', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const answer = await fetch(`${office.url}${path}`);
      expect([answer.status, await answer.json()]).toEqual([200, { ok: true }]);
    }
  });

  it('builds its views anew, one rebuild at a time', async () => {
    const before = (await admin.call('GET', '/api/v1/tasks?limit=100')).text;
    const [first, second] = await Promise.all([
      admin.call('POST', '/api/v1/projections/rebuild', {}),
      admin.call('POST', '/api/v1/projections/rebuild', {}),
    ]);
    const answers = [first, second].sort((a, b) => a.status - b.status);
    expect(answers.map(({ status }) => status)).toEqual([200, 409]);
    expect(answers[0]?.text.trim().split('\n').at(-1)).toBe('{"finished":true}');
    expect((await admin.call('GET', '/api/v1/tasks?limit=100')).text).toBe(before);
  });

  describe('The document', () => {
    it('describes every call of the API, for tools that read OpenAPI 3.1', async () => {
      const { document } = await readContract(office.url);
      expect(document.openapi).toBe('3.1.0');
      const calls = Object.entries(document.paths).flatMap(([path, operations]) =>
        Object.entries(operations).map(([method, { operationId, security }]) => ({ method, path, operationId, security })),
      );
      expect(new Set(calls.map(({ operationId }) => operationId)).size).toBe(calls.length);
      expect(calls.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()).toEqual(CALLS);
      expect(calls.filter(({ security }) => security?.length === 0).map(({ path }) => path)).toEqual([
        '/healthz',
        '/readyz',
        '/openapi.json',
      ]);
      expect(document.components.securitySchemes).toEqual({
        token: { type: 'http', scheme: 'bearer' },
        telegram: { type: 'apiKey', in: 'header', name: 'x-telegram-bot-api-secret-token' },
      });
    });

    it('refers to nothing that it does not hold', async () => {
      const text = await (await fetch(`${office.url}/openapi.json`)).text();
      const { document } = await readContract(office.url);
      const names = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? '');
      for (const name of names) expect(Object.keys(document.components.schemas)).toContain(name);
    });
  });
});

const CALLS = [
  'DELETE /api/v1/chats/{chatId}',
  'DELETE /api/v1/history/{historyId}',
  'DELETE /api/v1/people/{personId}',
  'DELETE /api/v1/people/{personId}/identities',
  'DELETE /api/v1/people/{personId}/invitations/{invitationId}',
  'DELETE /api/v1/people/{personId}/roles',
  'DELETE /api/v1/people/{personId}/tokens/{tokenId}',
  'DELETE /api/v1/repositories/{name}',
  'GET /api/v1/audit.jsonl',
  'GET /api/v1/chats',
  'GET /api/v1/events/stream',
  'GET /api/v1/health/details',
  'GET /api/v1/history',
  'GET /api/v1/history/{historyId}',
  'GET /api/v1/people',
  'GET /api/v1/people/{personId}',
  'GET /api/v1/people/{personId}/tokens',
  'GET /api/v1/repositories',
  'GET /api/v1/tasks',
  'GET /api/v1/tasks/{taskId}',
  'GET /api/v1/tasks/{taskId}/events',
  'GET /api/v1/tasks/{taskId}/logs',
  'GET /api/v1/tasks/{taskId}/patch',
  'GET /api/v1/whoami',
  'GET /healthz',
  'GET /openapi.json',
  'GET /readyz',
  'POST /api/v1/backup',
  'POST /api/v1/chats',
  'POST /api/v1/history',
  'POST /api/v1/people',
  'POST /api/v1/people/{personId}/identities',
  'POST /api/v1/people/{personId}/invitations',
  'POST /api/v1/people/{personId}/roles',
  'POST /api/v1/people/{personId}/tokens',
  'POST /api/v1/projections/rebuild',
  'POST /api/v1/projections/resume',
  'POST /api/v1/repositories',
  'POST /api/v1/tasks',
  'POST /api/v1/tasks/{taskId}/actions',
  'POST /api/v1/tasks/{taskId}/redactions',
  'POST /api/v1/tasks/{taskId}/rerun',
  'POST /webhook/telegram',
];
