import { describe, it } from 'vitest';
import type { TaskView } from '../../src/projections/task-view.ts';
import { ensureDocker } from '../support/docker-daemon.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { openWorkshop } from '../support/workshop.ts';
import { DELIVERY, expectDeliveredOnce, expectRebuilt, factsOf, storyOf } from './evidence.ts';
import { remains } from './remains.ts';
import { deliver, livingIn, openSuccession } from './succession.ts';

/** Appends to the stream of a task from its creation to its completion; a claim for each stage. */
const APPENDS = 13;
/** Longest from SIGTERM to the end of the process, in milliseconds. */
const STOP_MS_MAX = 5_000;

describe.concurrent.for([
  { signal: 'SIGKILL', when: 'before', sandbox: 'bubblewrap' },
  { signal: 'SIGKILL', when: 'after', sandbox: 'docker' },
  { signal: 'SIGTERM', when: 'before', sandbox: 'bubblewrap' },
  { signal: 'SIGTERM', when: 'after', sandbox: 'bubblewrap' },
] as const)('A service with $sandbox that gets $signal right $when an event is stored', ({ signal, when, sandbox }) => {
  it('delivers once, whichever event it is, and leaves nothing behind', { timeout: 240_000 }, async ({ expect }) => {
    const workshop = await openWorkshop();
    const engine = await ensureDocker();
    const image = sandbox === 'docker' ? { SANDBOX_IMAGE: await ensureTestImage() } : {};
    const environment = await livingIn(workshop, { SANDBOX: sandbox, ...image });
    const succession = openSuccession(() => environment);
    try {
      const delivered: TaskView[] = [];
      const deliverFated = async (nth: number): Promise<ServiceProcess> => {
        const service = await succession.current();
        await service.arm({ call: 'store.append', nth, when, signal });
        const task = await deliver(succession.client, `Make the sum a sum, after ${nth - 1} events.`);
        expect(task.status, task.sentence).toBe('COMPLETED');
        delivered.push(task);
        return service;
      };
      for (let nth = 1; nth <= APPENDS; nth++) {
        const { ended, outlived } = await deliverFated(nth);
        expect(await ended).toBe(signal === 'SIGKILL' ? signal : 0);
        if (signal === 'SIGTERM') expect(await outlived).toBeLessThanOrEqual(STOP_MS_MAX);
        const { pid } = await succession.current();
        expect(await remains(workshop, [pid])).toEqual([]);
      }
      const survivor = await deliverFated(APPENDS + 1);
      expect(survivor.hasEnded()).toBe(false);

      for (const task of delivered) expect(factsOf(await storyOf(succession.client, task))).toEqual(DELIVERY);
      await expectDeliveredOnce(workshop, delivered);
      await succession.end();
      expect(await remains(workshop, [])).toEqual([]);
      const filters = { name: delivered.map(({ taskId }) => taskId) };
      expect(await engine.listContainers({ all: true, filters })).toEqual([]);
      await expectRebuilt(workshop);
    } finally {
      await succession.end();
      await workshop.remove();
    }
  });
});
