import { setTimeout as pause } from 'node:timers/promises';
import { serve } from '../../src/main.ts';
import { openWorkshop } from '../support/workshop.ts';
import { drive, MORE } from './api.ts';
import { absolute, against, type Figure, median } from './figure.ts';

/** Ten times the connections that the service is measured at, each asking again as soon as it is answered. */
const CONNECTIONS = 640;
const FOR_MS = 60_000;
const SAMPLE_MS = 1_000;
/** At the beginning buffers and caches grow to their bounds. In samples. */
const WARM = 20;
const PART = 15;

const MiB = 1024 * 1024;

/** What a service holds in memory while it is asked for far more than it can carry, for a minute. */
export const pressure = async (): Promise<Figure[]> => {
  const workshop = await openWorkshop();
  const service = await serve(workshop.configuration(MORE));
  const samples: number[] = [];
  try {
    let over = false;
    const sampling = (async () => {
      while (!over) {
        samples.push(process.memoryUsage().rss / MiB);
        await pause(SAMPLE_MS);
      }
    })();
    const { perSecond, p99 } = await drive(workshop.dataFolder, CONNECTIONS, FOR_MS, 'post', 'refusals too');
    over = true;
    await sampling;
    const [warm, last] = [median(samples.slice(WARM, WARM + PART)), median(samples.slice(-PART))];
    return [
      absolute(`${CONNECTIONS} connections for a minute: answers`, perSecond, '/s', '>= 1'),
      absolute('the same: 99th percentile', p99, 'ms', '<= 5000'),
      against('the same: memory at the end over the 20th second', last, 'MiB', warm, '<= 1.2'),
    ];
  } finally {
    await service.stop();
    await workshop.remove();
  }
};
