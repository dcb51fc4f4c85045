import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sealed } from '../../src/domain/event.ts';
import { ownText } from '../../src/domain/text.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { syncRate } from './disk.ts';
import { against, type Figure } from './figure.ts';

const FOR_MS = 2_000;
/** By writers: the least multiple of the disk's own rate. */
const BOUNDS = [
  [1, '>= 0.75'],
  [16, '>= 4'],
  [64, '>= 8'],
] as const;

const event = (stream: string, revision: number) =>
  sealed(
    stream,
    [{ type: 'TaskCancelled', data: { taskId: stream.slice(5), attempt: 1, reason: ownText('because') } }],
    { id: crypto.randomUUID(), type: 'Cancel', data: {}, actor: 'system:bench', channel: 'system', at: new Date().toISOString() },
    revision,
    '',
  );

/** Durable single-event appends with a checked revision, each writer to a stream of its own, over the disk's own rate. */
export const appends = async (): Promise<Figure[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  const store = openSqliteStore({ file: join(folder, 'log.db') });
  const figures: Figure[] = [];
  for (const [writers, bound] of BOUNDS) {
    const before = syncRate(folder);
    const end = performance.now() + FOR_MS;
    let count = 0;
    const begin = performance.now();
    const write = async (): Promise<void> => {
      const stream = `task-${crypto.randomUUID()}`;
      for (let revision = 0; performance.now() < end; revision++) {
        await store.append(stream, event(stream, revision), revision === 0 ? 'no_stream' : revision - 1);
        count++;
      }
    };
    await Promise.all(Array.from({ length: writers }, write));
    const rate = count / ((performance.now() - begin) / 1_000);
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
