import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { outsideFailure } from '../../src/commands/ports/repositories.ts';
import { mountSmallDisk } from '../chaos/disk.ts';
import { collected, createPlace, REPOSITORY, write } from './support/repository.ts';

const BLOCK_BYTES = 4096;
const BLOCKS_MAX = 100;
/** So many that an index of them is larger than a block, and that git keeps them in the pack they come in. */
const FILES = Array.from({ length: 120 }, (_, index) => ({
  path: `folder-${index % 3}/a-file-of-number-${index}`,
  content: `${index}`,
}));

/** Everything git writes for a task, into a data folder with so many blocks left. Gives what came of it, and of the same when there is room again. */
const onDiskWith = async (blocks: number): Promise<readonly [unknown, unknown]> => {
  const place = createPlace(FILES);
  const disk = await mountSmallDisk(place.dataFolder, 4);
  onTestFinished(disk.unmount);
  const work = async (): Promise<'done'> => {
    const { tree } = await collected(place, (folder) => write(folder, 'folder-0/new', 'new\n'));
    await place.repositories.commit(REPOSITORY, { tree, parents: [place.base], message: 'A\n', at: '2026-05-01T10:20:30.456Z' });
    return 'done';
  };
  const come = (): Promise<unknown> => work().catch((error: unknown) => error);
  await disk.fill();
  const ballast = join(place.dataFolder, '.ballast');
  truncateSync(ballast, statSync(ballast).size - blocks * BLOCK_BYTES);
  const first = await come();
  await disk.free();
  const second = await come();
  await disk.unmount();
  return [first, second];
};

it('A disk that gets full is told from a fault of ours, whatever git was writing, and nothing stands in the way when there is room again', async () => {
  for (let blocks = 0; blocks < BLOCKS_MAX; blocks++) {
    const [first, second] = await onDiskWith(blocks);
    expect(second, `with ${blocks} blocks`).toBe('done');
    if (first === 'done') return expect(blocks).toBeGreaterThan(10);
    expect(outsideFailure(first)?.message, `with ${blocks} blocks: ${first}`).toMatch(/disk/);
  }
  expect.unreachable('it never had enough');
});
