import * as client from '@eventstore/db-client';
import { afterEach, describe, expect, it } from 'vitest';
import { openEventStoreDb } from '../../src/infra/store/eventstoredb.ts';
import { openKeeper } from '../../src/infra/views/keeper.ts';
import { PROJECTIONS } from '../../src/infra/views/projections.ts';
import { openViews } from '../../src/infra/views/views.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { type FoldedTask, tasksProjection } from '../../src/projections/tasks.ts';
import { untilCompleted, untilPrepared } from '../domain/task/events.ts';
import { startServerDouble } from '../store/server-double/index.ts';
import { aFolder } from './places.ts';
import { taskIdOf, tell, tellMany } from './stories.ts';

const TASKS = 300;

const raised: Projection = {
  ...tasksProjection,
  version: tasksProjection.version + 1,
  show: (state) => {
    const shown = tasksProjection.show(state as FoldedTask); // The state is the same as in the version before.
    return { ...shown, document: shown.document.replace('{', '{"raised":true,') };
  },
};

describe('A view of a raised version, on EventStoreDB', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  it('is built beside the old one, which answers until then, although the subscription breaks meanwhile', async () => {
    const server = await startServerDouble();
    const store = openEventStoreDb({ url: server.url, client, quietMs: 200 });
    ends.push(server.stop, store.close);
    const folder = aFolder();
    const open = async (projections: readonly Projection[]) => {
      const file = `${folder}/views.db`;
      return openViews(file, await openKeeper({ file, auditFile: `${folder}/audit.jsonl`, store, projections }));
    };
    await tellMany(store, TASKS, () => untilCompleted);
    const older = await open(PROJECTIONS);
    await older.ready;
    await older.close();

    server.faults.mute = true;
    const newer = await open(PROJECTIONS.map((each) => (each.name === tasksProjection.name ? raised : each)));
    ends.push(newer.close);
    await newer.ready;
    const standing = () => newer.status().find(({ name }) => name === raised.name);
    expect(standing()).toMatchObject({ version: raised.version, state: 'building', events: 0 });
    expect(standing()?.expected).toBe(TASKS * untilCompleted.length);
    expect(newer.queries.getTask(taskIdOf(3))?.json).not.toContain('"raised"');

    server.dropSubscriptions();
    server.faults.mute = false;
    const position = await tell(store, TASKS, untilPrepared);
    expect(await newer.waitFor(position, 30_000)).toBe(true);
    expect(standing()).toMatchObject({ state: 'live' });
    for (const number of [3, TASKS]) expect(newer.queries.getTask(taskIdOf(number))?.json).toContain('"raised"');
  });
});
