import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sealed } from '../../src/domain/event.ts';
import { ownText } from '../../src/domain/text.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { syncRate } from './disk.ts';
import { against, type Figure } from './figure.ts';

/** By writers: how many events each of them appends, and the least multiple of the disk's own rate. */
const BOUNDS = [
  [1, 5_000, '>= 0.75'],
  [16, 3_000, '>= 4'],
  [64, 1_500, '>= 8'],
] as const;

/** What one writer appends, sealed before the clock starts: the store alone is measured. */
const prepared = (events: number) => {
  const stream = `task-${crypto.randomUUID()}`;
  const facts = [{ type: 'TaskCancelled', data: { taskId: stream.slice(5), attempt: 1, reason: ownText('because') } }];
  const command = { type: 'Cancel', data: {}, actor: 'system:bench', channel: 'system', at: new Date().toISOString() };
  const appends = Array.from({ length: events }, (_, revision) =>
    sealed(stream, facts, { ...command, id: crypto.randomUUID() }, revision, ''),
  );
  return { stream, appends };
};

/** Durable single-event appends with a checked revision, each writer to a stream of its own, over the disk's own rate. */
export const appends = async (): Promise<Figure[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  const store = openSqliteStore({ file: join(folder, 'log.db') });
  const figures: Figure[] = [];
  for (const [writers, events, bound] of BOUNDS) {
    const work = Array.from({ length: writers }, () => prepared(events));
    const before = syncRate(folder);
    const begin = performance.now();
    const write = async ({ stream, appends }: ReturnType<typeof prepared>): Promise<void> => {
      for (const [revision, sealedEvents] of appends.entries()) {
        await store.append(stream, sealedEvents, revision === 0 ? 'no_stream' : revision - 1);
      }
    };
    await Promise.all(work.map(write));
    const rate = (writers * events) / ((performance.now() - begin) / 1_000);
    figures.push(
      against(
        `durable appends, ${writers} writer${writers === 1 ? '' : 's'}`,
        rate,
        '/s',
        (before + syncRate(folder)) / 2,
        bound,
      ),
    );
  }
  await store.close();
  await rm(folder, { recursive: true });
  return figures;
};
