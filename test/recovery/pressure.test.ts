import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { serve } from '../../src/main.ts';
import { drive, MORE } from '../bench/api.ts';
import { flood } from '../bench/flood.ts';
import { memoryOf } from '../bench/pressure.ts';
import { startServerDouble } from '../store/server-double/index.ts';
import { clientOf } from '../support/client.ts';
import { startService } from '../support/service-process.ts';
import { openWorkshop } from '../support/workshop.ts';

/** More than may wait for the log at once. */
const ASKED = 400;

/** So many times what is carried, on as many sockets as the service takes but for a few. */
const TIMES = 10;
const SOCKETS_MAX = 900;
const CARRIED_MS = 1_500;
const FLOOD_MS = 5_000;
/** A young process grows to what its buffers and caches are bound to; what waits without a bound is far more. In MiB. */
const GROWTH_MIB_MAX = 250;

describe('A service whose log does not answer', { timeout: 120_000 }, () => {
  it('refuses what is too much with 429 and when to come back, and takes requests again afterwards', async () => {
    const server = await startServerDouble();
    const workshop = await openWorkshop();
    const service = await serve(workshop.configuration({ EVENTSTORE_URL: server.url, LOG_LEVEL: 'silent' }));
    try {
      const client = await clientOf(workshop.dataFolder);
      const file = () => client.call('POST', '/api/v1/tasks', { intent: 'Make the sum a sum.' });
      expect((await file()).status).toBe(201);

      server.faults.hung = true;
      const answers = await Promise.all(Array.from({ length: ASKED }, file));
      const counts = Object.groupBy(answers, ({ status }) => status);
      expect(Object.keys(counts).sort()).toEqual(['429', '503']);
      expect(counts[429]?.length).toBe(ASKED - 256);
      for (const { headers } of answers) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);

      server.faults.hung = false;
      await expect.poll(async () => (await file()).status, { timeout: 30_000 }).toBe(201);
    } finally {
      await service.stop();
      await server.stop();
      await workshop.remove();
    }
  });
});

describe('A service that gets ten times the requests it carries, whether or not it answers', { timeout: 120_000 }, () => {
  it('takes each or says when to come back, has what it took once in its log, grows within bounds, and goes on at once', async () => {
    await using opened = new AsyncDisposableStack();
    const workshop = opened.adopt(await openWorkshop(), ({ remove }) => remove());
    const service = opened.adopt(
      await startService(workshop.environment(MORE), null),
      async ({ end }) => void (await end('SIGKILL')),
    );
    const { perSecond } = await drive(workshop.dataFolder, 64, CARRIED_MS, 'post');
    const before = await memoryOf(service);

    const came = await flood(workshop.dataFolder, { perSecond: TIMES * perSecond, forMs: FLOOD_MS, socketsMax: SOCKETS_MAX });
    expect(await memoryOf(service)).toBeLessThan(before + GROWTH_MIB_MAX);
    const next = await service.client.call('POST', '/api/v1/tasks', { intent: 'Change one more thing.' });
    expect(next.status).toBe(201);
    expect(await service.end('SIGTERM')).toBe(0);

    const { answers, taken, sent, hungUp, unanswered } = came;
    expect({ hungUp, unanswered }).toEqual({ hungUp: 0, unanswered: 0 });
    expect(Object.keys(answers).filter((kind) => !['201', '429', '503'].includes(kind))).toEqual([]);
    expect(sent).toBe(Object.values(answers).reduce((sum, count) => sum + count, 0));
    expect(answers['429']).toBeGreaterThan(0);

    const store = openSqliteStore({ file: join(workshop.dataFolder, 'log.db') });
    const stored: string[] = [];
    for await (const { stream, type, data } of store.readAll())
      if (type === 'TaskCreated' && JSON.stringify(data).includes('of the flood.')) stored.push(stream.slice('task-'.length));
    await store.close();
    expect(new Set(stored).size).toBe(stored.length);
    expect(taken.filter((taskId) => !stored.includes(taskId))).toEqual([]);
    // Whoever is told 503 may find it stored; nobody else does.
    expect(stored.length - taken.length).toBeLessThanOrEqual(answers['503'] ?? 0);
  });
});
