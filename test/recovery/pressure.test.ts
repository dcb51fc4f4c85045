import { describe, expect, it } from 'vitest';
import { serve } from '../../src/main.ts';
import { startServerDouble } from '../store/server-double/index.ts';
import { clientOf } from '../support/client.ts';
import { openWorkshop } from '../support/workshop.ts';

/** More than may wait for the log at once. */
const ASKED = 400;

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
