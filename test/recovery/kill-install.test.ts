import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/domain/canonical.ts';
import { ensureDocker } from '../support/docker-daemon.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { expectDeliveredOnce } from './evidence.ts';
import { processesWith, remains } from './remains.ts';
import { deliver, livingIn, openSuccession, type Succession } from './succession.ts';

/** An argument by which a process of this test run is known. */
const SECONDS = `1.${process.pid}`;
const FILES = {
  '.countersign.yml': 'install: { run: sh make.sh, inputs: [make.sh], outputs: [lib] }\n',
  'make.sh': `mkdir lib && echo half > lib/x && sleep ${SECONDS} && echo whole > lib/x\n`,
  'sum.sh': 'echo $(($1 - $2))\n',
  'test.sh': 'test "$(sh sum.sh 2 3)" = 5 && test "$(cat lib/x)" = whole\n',
};

let workshop: Workshop;
let succession: Succession;

afterEach(async () => {
  await succession?.end();
  await workshop?.remove();
});

describe('A service that is killed while it installs', { timeout: 120_000 }, () => {
  it('uses nothing half, leaves nothing behind, and delivers after the next start', async () => {
    workshop = await openWorkshop(FILES);
    const environment = await livingIn(workshop, {
      SANDBOX: 'docker',
      SANDBOX_IMAGE: await ensureTestImage(),
      ALLOWED_INSTALL_COMMANDS: 'sh make.sh',
    });
    succession = openSuccession(() => environment);
    const delivered = deliver(succession.client, 'Make the sum a sum.');
    while ((await processesWith(SECONDS)) === 0) await pause(20);
    const installs = join(workshop.dataFolder, 'installs');
    expect((await readdir(installs)).map((name) => name.replace(/^[0-9a-f]+/, ''))).toEqual(['.new']);
    await (await succession.current()).end('SIGKILL');

    const task = await delivered;
    expect(task.status, task.sentence).toBe('COMPLETED');
    await expectDeliveredOnce(workshop, [task]);
    expect((await readdir(installs)).map((name) => name.replace(/^[0-9a-f]+/, ''))).toEqual(['']);
    const { pid } = await succession.current();
    expect(await remains(workshop, [pid])).toEqual([]);
    expect(await processesWith(SECONDS)).toBe(0);
    const owner = sha256(workshop.dataFolder).slice(0, 16);
    const filters = { label: [`countersign.owner=${owner}`] };
    expect(await (await ensureDocker()).listContainers({ all: true, filters })).toEqual([]);
  });
});
