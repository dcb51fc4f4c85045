import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { serve } from '../../src/main.ts';
import { seedTasks } from '../bench/seed.ts';
import { clientOf, file } from '../support/client.ts';
import { openWorkshop } from '../support/workshop.ts';

/** Their story is several times what the buffers of both ends of a socket hold. */
const TASKS = 15_000;
/** Filling those takes a few seconds, and then a message waits for its reader for ten. Source: src/infra/http/stream-route.ts. */
const NOT_READ_MS = 20_000;

const Started = z.object({ url: z.string(), token: z.string() });

describe('A watcher that stops reading', { timeout: 60_000 }, () => {
  it('is let go, is not kept anything for, and holds up nobody else', async () => {
    const workshop = await openWorkshop();
    onTestFinished(() => workshop.remove());
    await seedTasks(workshop.dataFolder, TASKS);
    const service = await serve(workshop.configuration());
    const complaints = vi.spyOn(console, 'error');
    onTestFinished(() => service.stop());
    const { url, token } = Started.parse(JSON.parse(await readFile(join(workshop.dataFolder, 'service.json'), 'utf8')));
    const { hostname, port, host } = new URL(url);
    const heard = new Map<Socket, string>();
    const watch = async (more = ''): Promise<Socket> => {
      const socket = connect(Number(port), hostname);
      onTestFinished(() => void socket.destroy());
      socket.on('data', (bytes) => heard.set(socket, `${heard.get(socket) ?? ''}${bytes}`));
      socket.write(`GET /api/v1/events/stream HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n${more}\r\n`);
      await once(socket, 'data');
      return socket;
    };
    const quick = await watch();
    const [, now = ''] = /^id: (\S+)$/m.exec(heard.get(quick) ?? '') ?? [];
    const slow = await watch(`last-event-id: ${now.replaceAll(/\d/g, '0')}\r\n`);
    slow.pause();
    await pause(NOT_READ_MS);

    slow.resume();
    await Promise.race([once(slow, 'close'), once(slow, 'error')]);
    const told = new Set((heard.get(slow) ?? '').match(/"taskId":"[^"]+"/g));
    expect(told.size).toBeGreaterThan(0);
    expect(told.size).toBeLessThan(TASKS);
    expect(complaints).not.toHaveBeenCalled();
    const task = await file(await clientOf(workshop.dataFolder), 'Make the sum a sum.');
    await expect.poll(() => heard.get(quick)).toContain(task.taskId);
  });
});
