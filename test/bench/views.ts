import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { absolute, type Figure } from './figure.ts';
import { seedTasks } from './seed.ts';

const Measured = z.object({ seconds: z.number(), residentMiB: z.number() });

const EVENTS = 1_000_000;

const inOwnProcess = async (folder: string): Promise<z.infer<typeof Measured>> => {
  const { stdout } = await execa(process.execPath, [join(import.meta.dirname, 'views-process.ts'), folder]);
  return Measured.parse(JSON.parse(stdout));
};

/** Every view and the audit file from a million events, then a start with them current; each in a process of its own. */
export const rebuilding = async (): Promise<Figure[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  try {
    await seedTasks(folder, Math.ceil(EVENTS / 3));
    // What the seed wrote is not written back while something else is measured.
    await execa('sync', ['--file-system', folder]);
    const { seconds, residentMiB } = await inOwnProcess(folder);
    const again = await inOwnProcess(folder);
    return [
      absolute('views from 1 M events', EVENTS / seconds, 'events/s', '>= 50000'),
      absolute('views from 1 M events, most resident memory', residentMiB, 'MiB', '<= 300'),
      absolute('opening current views of 1 M events', again.seconds, 's', '<= 1'),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
};
