import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { absolute, against, type Figure, median } from './figure.ts';
import { seedTasks } from './seed.ts';

const Phase = z.object({ seconds: z.number(), resident: z.array(z.number()) });
const Measured = z.object({ views: Phase, audit: Phase });

const EVENTS = 1_000_000;

const inOwnProcess = async (folder: string): Promise<z.infer<typeof Measured>> => {
  const { stdout } = await execa(process.execPath, [join(import.meta.dirname, 'views-process.ts'), folder]);
  return Measured.parse(JSON.parse(stdout));
};

/** The memory that was resident in the last third of the time and in the middle one, in MiB: they differ where it grows. */
const lastAndMiddle = ({ resident }: z.infer<typeof Phase>): readonly [number, number] => {
  const third = Math.floor(resident.length / 3);
  return [median(resident.slice(-third)), median(resident.slice(third, -third))];
};

/** Every view and the audit file from a million events, then a start with them current; each in a process of its own. */
export const rebuilding = async (): Promise<Figure[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  try {
    await seedTasks(folder, Math.ceil(EVENTS / 3));
    // What the seed wrote is not written back while something else is measured.
    await execa('sync', ['--file-system', folder]);
    const { views, audit } = await inOwnProcess(folder);
    const again = await inOwnProcess(folder);
    const [ofViews, ofViewsBefore] = lastAndMiddle(views);
    const [ofAudit, ofAuditBefore] = lastAndMiddle(audit);
    return [
      absolute('views from 1 M events', EVENTS / views.seconds, 'events/s', '>= 50000'),
      absolute('audit file from 1 M events', EVENTS / audit.seconds, 'events/s', '>= 0'),
      absolute('most resident memory of either', Math.max(...views.resident, ...audit.resident), 'MiB', '<= 300'),
      against('memory while views are made, last third over the middle one', ofViews, 'MiB', ofViewsBefore, '<= 1.1'),
      against('memory while the audit is written, the same', ofAudit, 'MiB', ofAuditBefore, '<= 1.1'),
      absolute('opening current views of 1 M events', again.views.seconds, 's', '<= 1'),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
};
