import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openViewReader } from '../../src/infra/views/view-file.ts';
import { mountSmallDisk } from '../chaos/disk.ts';
import { untilCompleted } from '../domain/task/events.ts';
import { aFolder, aStore, theViews } from './places.ts';
import { tell, tellMany } from './stories.ts';

const BLOCK = Buffer.alloc(4096, 1);

/** Fills the disk of `folder` to the last page, at once; the result frees it again. */
const fill = (folder: string): (() => void) => {
  const ballast = join(folder, 'ballast');
  const file = openSync(ballast, 'w');
  expect(() => {
    for (;;) writeSync(file, BLOCK);
  }).toThrow('ENOSPC');
  closeSync(file);
  return () => rmSync(ballast);
};

describe('A rebuild on a full disk', () => {
  const stage = async (tasks: number, mebibytes: number) => {
    const store = aStore(aFolder());
    await tellMany(store, tasks, () => untilCompleted);
    const folder = join(aFolder(), 'small');
    const disk = await mountSmallDisk(folder, mebibytes);
    onTestFinished(() => disk.unmount());
    const views = await theViews(folder, store, { auditFile: join(aFolder(), 'audit.jsonl') });
    await views.ready;
    await views.waitFor((await store.head()) ?? '', 30_000);
    return { store, folder, views };
  };

  it('waits for room, and so do those after it', async () => {
    const { store, folder, views } = await stage(50, 24);
    const free = fill(folder);
    const rebuilt = views.rebuild();
    expect(await Promise.race([rebuilt, views.done, pause(1_000, 'waits')])).toBe('waits');
    free();
    await rebuilt;
    await views.rebuild();
    expect(await views.waitFor(await tell(store, 1_000, untilCompleted), 5_000)).toBe(true);
  });

  it('takes its place, and what it replaced goes once there is room', async () => {
    const { store, folder, views } = await stage(400, 48);
    let free = (): void => {};
    let filled = false;
    views.onChange((streams) => {
      if (streams.size > 0 || filled) return;
      filled = true;
      free = fill(folder);
    });
    const rebuilt = views.rebuild();
    await expect.poll(() => filled, { timeout: 20_000 }).toBe(true);
    expect(await Promise.race([views.done.then(() => 'ended'), pause(1_000, 'goes on')])).toBe('goes on');
    free();
    await rebuilt;
    expect(await views.waitFor(await tell(store, 1_000, untilCompleted), 5_000)).toBe(true);
    const file = openViewReader(join(folder, 'views.db'));
    onTestFinished(() => file.close());
    await expect.poll(() => file.prepare("SELECT name FROM builds WHERE state = 'discarded'").all()).toEqual([]);
  });
});
