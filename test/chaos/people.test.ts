import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startTelegram } from '../support/telegram/index.ts';
import { openWorkshop } from '../support/workshop.ts';
import { chanceOf } from './chance.ts';
import { gatherPeople } from './people.ts';
import { superviseService } from './supervision.ts';

const GLANCE_MS = 20;

describe('The only person over HTTP', () => {
  it('gets the wish fulfilled, however often somebody is wanted who rejects and cancels', async () => {
    await using open = new AsyncDisposableStack();
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
    const people = gatherPeople({ doors: [service], telegram, writers: [], group: null, token }, chanceOf('whims'), false);
    open.defer(() => people.leave());

    people.ask();
    while (people.open() > 0) {
      people.provoke('append TaskRejected');
      people.provoke('append TaskCancelled');
      await pause(GLANCE_MS);
    }

    const tasks = await client.call('GET', '/api/v1/tasks');
    expect(tasks.json()).toMatchObject({ tasks: [{ status: 'COMPLETED', attempt: (people.wishes[0]?.failures() ?? 0) + 1 }] });
  });
});
