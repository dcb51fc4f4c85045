import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Client } from '../support/client.ts';
import { startTelegram } from '../support/telegram/index.ts';
import { openWorkshop } from '../support/workshop.ts';
import { chanceOf } from './chance.ts';
import { gatherPeople, type People } from './people.ts';
import { superviseService } from './supervision.ts';

const GLANCE_MS = 20;

/** People over HTTP, with a service that they call by way of `through`, and how their one task stands. */
const gathered = async (through: (client: Client) => Client = (client) => client) => {
  const open = new AsyncDisposableStack();
  onTestFinished(() => open.disposeAsync());
  const workshop = await openWorkshop();
  open.defer(() => workshop.remove());
  const telegram = await startTelegram();
  open.defer(() => telegram.stop());
  const environment = workshop.environment({ AGENT_CLI_TEMPLATE: 'sed -i s/-/+/ sum.sh # $OKD_INTENT' });
  const service = superviseService({ environment, folder: workshop.folder });
  open.defer(() => service.end());
  const client = await service.client();
  const started = await readFile(join(workshop.dataFolder, 'service.json'), 'utf8');
  const { token } = z.object({ token: z.string() }).parse(JSON.parse(started));
  const door = { client: async () => through(client) };
  const origin = { pushToMain: async () => {} };
  const world = { doors: [door] as const, telegram, writers: [], group: null, token, origin, services: [], nodes: null };
  const people = gatherPeople(world, chanceOf('whims'), false);
  open.defer(() => people.leave());
  return { people, tasks: async (): Promise<unknown> => (await client.call('GET', '/api/v1/tasks')).json() };
};

/** Somebody asks for something, and until it is over `events` are wanted of people. */
const asked = async (people: People, ...events: readonly string[]): Promise<number> => {
  people.ask();
  const [wish] = people.wishes;
  if (!wish) throw new Error('nobody asked for anything');
  let ended = false;
  void wish.over.finally(() => {
    ended = true;
  });
  while (!ended) {
    for (const event of events) people.provoke(event);
    await pause(GLANCE_MS);
  }
  expect(wish.isOver()).toBe(true);
  return wish.failures();
};

describe('A person over HTTP', () => {
  it('gets a wish fulfilled as the only one, however often somebody is wanted who rejects and cancels', {
    timeout: 180_000,
  }, async () => {
    const { people, tasks } = await gathered();
    const failures = await asked(people, 'append TaskRejected', 'append TaskCancelled');
    expect(await tasks()).toMatchObject({ tasks: [{ status: 'COMPLETED', attempt: failures + 1 }] });
  });

  it('asks again when a process that is behind the others refuses', { timeout: 180_000 }, async () => {
    let refused = 0;
    const { people, tasks } = await gathered((client) => ({
      // It reads of an attempt that is over, and so asks for another one than is due.
      call: (method, path, body, headers) =>
        path.endsWith('/rerun') && refused++ === 0
          ? client.call(method, path, { attempt: 99 }, headers)
          : client.call(method, path, body, headers),
    }));
    expect(await asked(people, 'append TaskRejected')).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(1);
    expect(await tasks()).toMatchObject({ tasks: [{ status: 'COMPLETED' }] });
  });
});
