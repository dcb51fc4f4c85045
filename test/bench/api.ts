import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { serve } from '../../src/main.ts';
import { openWorkshop } from '../support/workshop.ts';
import { syncRate } from './disk.ts';
import { absolute, against, type Figure } from './figure.ts';
import { seedTasks } from './seed.ts';

const Measured = z.object({
  perSecond: z.number(),
  failures: z.number(),
  p50: z.number(),
  p99: z.number(),
  filedPerSecond: z.number(),
  /** Where the next page is to be asked for from: see load-generator.ts. */
  asked: z.number(),
  /** The share of all pages so far that was asked for before. */
  again: z.number(),
});

interface Pages {
  readonly stored: number;
  /** Where the first page is to be asked for from. */
  readonly from: number;
  /** The token of who asks; without one, of the service’s own admin, who reads everything. */
  readonly as?: string;
}

const Service = z.object({ url: z.string(), token: z.string() });
const serviceOf = async (dataFolder: string) =>
  Service.parse(JSON.parse(await readFile(join(dataFolder, 'service.json'), 'utf8')));

/** The token of somebody new, who may read these repositories only. */
const newReader = async (dataFolder: string, repositories: string): Promise<string> => {
  const { url, token } = await serviceOf(dataFolder);
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/api/v1/people${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`making a reader was answered ${answer.status}`);
    return answer.json();
  };
  const { person_id } = z.object({ person_id: z.string() }).parse(await post('', { name: 'A reader' }));
  await post(`/${person_id}/roles`, { role: 'viewer', repositories });
  return z.object({ token: z.string() }).parse(await post(`/${person_id}/tokens`, { name: 'bench' })).token;
};

export const drive = async (
  dataFolder: string,
  connections: number,
  forMs: number,
  kind: 'post' | 'list' | 'list while filing',
  accepted: 'answers' | 'refusals too' = 'answers',
  { stored, from, as }: Pages = { stored: 0, from: 0 },
) => {
  const { url, token } = await serviceOf(dataFolder);
  const generator = join(import.meta.dirname, 'load-generator.ts');
  const args = [connections, forMs, kind, stored, from].map(String);
  const { stdout } = await execa(process.execPath, [generator, url, as ?? token, ...args]);
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

/** Pages alone, of all and for a reader of an organisation, then beside requests that are filed. */
const pageRates = async (stored: number) => {
  const workshop = await openWorkshop();
  await seedTasks(workshop.dataFolder, stored);
  // The views and the audit are brought up before, so that the pages are all there is to do.
  await execa(process.execPath, [join(import.meta.dirname, 'views-process.ts'), workshop.dataFolder]);
  const service = await serve(workshop.configuration(MORE));
  try {
    const { dataFolder } = workshop;
    const warm = await drive(dataFolder, 10, 2_000, 'list', 'answers', { stored, from: 0 });
    const alone = await drive(dataFolder, 10, 4_000, 'list', 'answers', { stored, from: warm.asked });
    const as = await newReader(dataFolder, 'acme/*');
    const some = await drive(dataFolder, 10, 4_000, 'list', 'answers', { stored, from: alone.asked, as });
    const beside = await drive(dataFolder, 10, 4_000, 'list while filing', 'answers', { stored, from: some.asked });
    return { alone, some, beside };
  } finally {
    await service.stop();
    await workshop.remove();
  }
};

/** Pages of tasks, each another one, with few and with many stored. */
export const listing = async (): Promise<Figure[]> => {
  const few = await pageRates(1_000);
  const { alone, some, beside } = await pageRates(50_000);
  const rate = alone.perSecond;
  return [
    absolute('GET /tasks at 50,000 tasks, 10 connections', rate, '/s', '>= 5000'),
    against('GET /tasks at 50,000 tasks over at 1,000', rate, '/s', few.alone.perSecond, `>= ${(1 / 1.3).toFixed(3)}`),
    against('GET /tasks at 50,000 tasks, a reader of acme/*', some.perSecond, '/s', rate, '>= 0.8'),
    absolute('pages at 50,000 tasks that were asked for before', beside.again, 'of all', '<= 0'),
    against('GET /tasks at 50,000 tasks while some are filed', beside.perSecond, '/s', rate, '>= 0.5'),
    absolute('filed meanwhile', beside.filedPerSecond, '/s', '>= 40'),
  ];
};
