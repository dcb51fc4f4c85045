import { mkdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { outsideFailure } from '../../src/commands/ports/repositories.ts';
import { createRepositories } from '../../src/infra/git/repositories.ts';
import { mountSmallDisk } from '../chaos/disk.ts';
import { collected, createPlace, REPOSITORY, write } from './support/repository.ts';

const BLOCK_BYTES = 4096;
const BLOCKS_MAX = 200;
/** So many that an index of them is larger than a block, and that git keeps them in the pack they come in. */
const FILES = Array.from({ length: 120 }, (_, index) => ({
  path: `folder-${index % 3}/a-file-of-number-${index}`,
  content: `${index}`,
}));

it('A disk that gets full is told from a fault of ours, whatever git was writing, and nothing stands in the way when there is room again', {
  timeout: 180_000,
}, async () => {
  const place = createPlace(FILES);
  const { snapshotRoot, base, root } = place;
  const disk = await mountSmallDisk(join(root, 'small'), 8);
  onTestFinished(disk.unmount);
  const ballast = join(root, 'small', '.ballast');

  /** What a service writes that makes a change, and what one writes that takes it over. */
  const work = async (dataFolder: string): Promise<void> => {
    const repositoriesIn = (folder: string) => createRepositories({ dataFolder: folder, snapshotRoot, serviceSecrets: () => [] });
    const repositories = repositoriesIn(join(dataFolder, 'one'));
    const { tree, patch } = await collected({ ...place, repositories }, (folder) => write(folder, 'folder-0/new', 'new\n'));
    await repositories.commit(REPOSITORY, { tree, parents: [base], message: 'A\n', at: '2026-05-01T10:20:30.456Z' });
    const other = repositoriesIn(join(dataFolder, 'other'));
    await other.resolveBase(REPOSITORY, 'main');
    await other.ensureTree(REPOSITORY, tree, base, async () => patch ?? Buffer.of());
  };

  for (let blocks = 0; blocks < BLOCKS_MAX; blocks++) {
    const dataFolder = join(root, 'small', `${blocks}`);
    mkdirSync(dataFolder);
    await disk.fill();
    truncateSync(ballast, statSync(ballast).size - blocks * BLOCK_BYTES);
    const error: unknown = await work(dataFolder).then(
      () => null,
      (reason: unknown) => reason,
    );
    await disk.free();
    if (error === null) return expect(blocks).toBeGreaterThan(20);
    expect(outsideFailure(error) ?? error, `with ${blocks} blocks`).toMatchObject({ message: expect.stringMatching(/\bdisk\b/) });
    // Every fourth will do: it takes longer than all that comes before.
    if (blocks % 4 === 0) await work(dataFolder);
    rmSync(dataFolder, { recursive: true });
  }
  expect.unreachable('it never had enough');
});

it('A disk that gets full under the files of a stage is told from a fault of ours, too', async () => {
  const { repositories, tree, root } = createPlace(FILES);
  await repositories.resolveBase(REPOSITORY, 'main');
  const disk = await mountSmallDisk(join(root, 'small'), 8);
  onTestFinished(disk.unmount);
  const ballast = join(root, 'small', '.ballast');
  for (let blocks = 0; blocks < BLOCKS_MAX; blocks += 25) {
    await disk.fill();
    truncateSync(ballast, statSync(ballast).size - blocks * BLOCK_BYTES);
    const error: unknown = await repositories.writeOut(REPOSITORY, tree, join(root, 'small', `${blocks}`)).then(
      () => null,
      (reason: unknown) => reason,
    );
    await disk.free();
    if (error === null) return expect(blocks).toBeGreaterThan(100);
    expect(outsideFailure(error) ?? error, `with ${blocks} blocks`).toMatchObject({ message: expect.stringMatching(/\bdisk\b/) });
  }
  expect.unreachable('it never had enough');
});
