import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { serve } from '../../src/main.ts';
import { openWorkshop } from '../support/workshop.ts';
import { syncRate } from './disk.ts';
import { absolute, against, type Figure } from './figure.ts';
import { seedTasks } from './seed.ts';

const Measured = z.object({ perSecond: z.number(), failures: z.number(), p50: z.number(), p99: z.number() });

export const drive = async (
  dataFolder: string,
  connections: number,
  forMs: number,
  kind: 'post' | 'list',
  accepted: 'answers' | 'refusals too' = 'answers',
) => {
  const { url, token } = JSON.parse(await readFile(join(dataFolder, 'service.json'), 'utf8'));
  const { stdout } = await execa(process.execPath, [
    join(import.meta.dirname, 'load-generator.ts'),
    url,
    token,
    String(connections),
    String(forMs),
    kind,
  ]);
  const measured = Measured.parse(JSON.parse(stdout));
  if (measured.failures > 0 && accepted === 'answers') throw new Error(`${measured.failures} of the ${kind} calls were refused`);
  return measured;
};

export const MORE = { WAITING_PER_PERSON_MAX: '1000000' };

/** Filing requests, durably, over the disk's own rate. */
export const posting = async (): Promise<Figure[]> => {
  const workshop = await openWorkshop();
  const service = await serve(workshop.configuration(MORE));
  const figures: Figure[] = [];
  try {
    await drive(workshop.dataFolder, 64, 1_000, 'post');
    for (const connections of [1, 10, 64]) {
      const before = syncRate(workshop.folder);
      const { perSecond, p99 } = await drive(workshop.dataFolder, connections, 4_000, 'post');
      const disk = (before + syncRate(workshop.folder)) / 2;
      figures.push(
        against(`POST /tasks, ${connections} connections`, perSecond, '/s', disk, connections === 64 ? '>= 1.2' : '>= 0'),
      );
      if (connections === 64) figures.push(absolute('POST /tasks, 64 connections, p99', p99, 'ms', '<= 100'));
    }
  } finally {
    await service.stop();
    await workshop.remove();
  }
  return figures;
};

const listRate = async (tasks: number): Promise<number> => {
  const workshop = await openWorkshop();
  await seedTasks(workshop.dataFolder, tasks);
  // The views and the audit are brought up before, so that the pages are all there is to do.
  await execa(process.execPath, [join(import.meta.dirname, 'views-process.ts'), workshop.dataFolder]);
  const service = await serve(workshop.configuration(MORE));
  try {
    await drive(workshop.dataFolder, 10, 1_000, 'list');
    return (await drive(workshop.dataFolder, 10, 3_000, 'list')).perSecond;
  } finally {
    await service.stop();
    await workshop.remove();
  }
};

/** One page of tasks, with few and with many stored. */
export const listing = async (): Promise<Figure[]> => {
  const few = await listRate(1_000);
  const many = await listRate(50_000);
  return [
    absolute('GET /tasks at 50,000 tasks, 10 connections', many, '/s', '>= 5000'),
    against('GET /tasks at 50,000 tasks over at 1,000', many, '/s', few, `>= ${(1 / 1.3).toFixed(3)}`),
  ];
};
