import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TaskView } from '../../src/projections/task-view.ts';
import { untilAgent, untilCompleted, untilPatchGate, untilPrepared } from '../domain/task/events.ts';
import { aFolder, aStore, theViews } from './places.ts';
import { taskIdOf, tell, tellMany } from './stories.ts';

const HISTORIES = [untilPrepared, untilAgent, untilPatchGate, untilCompleted];

describe('The views of a log', () => {
  it('show what was appended once they have come to its position', async () => {
    const folder = aFolder();
    const store = aStore(folder);
    const views = await theViews(folder, store);

    expect(await views.waitFor(await tell(store, 1, untilCompleted), 5_000)).toBe(true);

    const task = views.queries.getTask(taskIdOf(1));
    expect(task).toMatchObject({ taskId: taskIdOf(1), repo: 'acme/shop', status: 'COMPLETED' });
    expect(TaskView.parse(JSON.parse(task?.json ?? ''))).toMatchObject({ status: 'COMPLETED', pullRequest: { number: 7 } });
  });

  it('come back the same after they were deleted', async () => {
    const folder = aFolder();
    const store = aStore(folder);
    const views = await theViews(folder, store);
    await tellMany(store, 400, (number) => HISTORIES[number % HISTORIES.length] ?? []);
    await views.waitFor((await store.head()) ?? '', 20_000);
    const live = [...views.dump()];
    await views.close();
    rmSync(join(folder, 'views.db'));

    const rebuilt = await theViews(folder, store);
    await rebuilt.ready;

    expect(live.length).toBeGreaterThan(400);
    expect([...rebuilt.dump()]).toEqual(live);
  });
});
