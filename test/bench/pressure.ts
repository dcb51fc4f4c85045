import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { drive, MORE } from './api.ts';
import { absolute, against, type Figure, median } from './figure.ts';
import { flood } from './flood.ts';

/** Ten times the connections that the service is measured at, each asking again as soon as it is answered. */
const CONNECTIONS = 640;
/** Ten times what it carries, sent whether or not it answers. */
const TIMES = 10;
const CARRIED_AT = 64;
const CARRIED_MS = 5_000;
/** Twice as many as the service takes. */
const SOCKETS_MAX = 2_000;
const FOR_MS = 60_000;
const SAMPLE_MS = 1_000;

/** What a process holds in memory, in MiB. */
export const memoryOf = async ({ pid }: Pick<ServiceProcess, 'pid'>): Promise<number> =>
  Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** What `work` resolves to, and the memory of the service while it went on. */
const watching = async <T>(service: ServiceProcess, work: Promise<T>) => {
  const samples: number[] = [];
  let over = false;
  const end = (): void => {
    over = true;
  };
  work.then(end, end);
  while (!over) {
    samples.push(await memoryOf(service));
    await pause(SAMPLE_MS);
  }
  return { result: await work, samples };
};

/** The last third of a minute over the one before: in the first, buffers and caches grow to their bounds. */
const flat = (what: string, samples: readonly number[]): Figure => {
  const third = FOR_MS / SAMPLE_MS / 3;
  const [middle, last] = [median(samples.slice(third, 2 * third)), median(samples.slice(2 * third, 3 * third))];
  return against(`${what}: memory of the last third over the one before`, last, 'MiB', middle, '<= 1.1');
};

const withService = async (use: (service: ServiceProcess, workshop: Workshop) => Promise<Figure[]>): Promise<Figure[]> => {
  const workshop = await openWorkshop();
  try {
    const service = await startService(workshop.environment(MORE), null);
    try {
      return await use(service, workshop);
    } finally {
      await service.end('SIGTERM');
    }
  } finally {
    await workshop.remove();
  }
};

/** What a service holds in memory while far more ask at once than it can carry, for a minute. */
export const pressure = (): Promise<Figure[]> =>
  withService(async (service, { dataFolder }) => {
    const asking = drive(dataFolder, CONNECTIONS, FOR_MS, 'post', 'refusals too');
    const { result, samples } = await watching(service, asking);
    return [
      absolute(`${CONNECTIONS} connections for a minute: answers`, result.perSecond, '/s', '>= 1'),
      absolute('the same: 99th percentile', result.p99, 'ms', '<= 5000'),
      flat('the same', samples),
    ];
  });

/** The same while requests come at ten times the rate it carries, and wait for nobody; and whether it then takes the next one. */
export const flooding = (): Promise<Figure[]> =>
  withService(async (service, { dataFolder }) => {
    await drive(dataFolder, CARRIED_AT, CARRIED_MS, 'post');
    const carried = await drive(dataFolder, CARRIED_AT, CARRIED_MS, 'post');
    const options = { perSecond: TIMES * carried.perSecond, forMs: FOR_MS, socketsMax: SOCKETS_MAX };
    const { result, samples } = await watching(service, flood(dataFolder, options));
    const before = performance.now();
    const { status } = await service.client.call('POST', '/api/v1/tasks', { intent: 'Change one more thing.' });
    const { 201: taken = 0, 429: full = 0, 503: away = 0, ...others } = result.answers;
    const perSecond = (count: number): number => count / (FOR_MS / 1_000);
    return [
      against('requests of an open loop over what is carried', perSecond(result.due), '/s', carried.perSecond, '>= 9.9'),
      absolute('the same: found a socket', perSecond(result.sent), '/s', '>= 1'),
      absolute('the same: taken', perSecond(taken), '/s', '>= 1'),
      absolute('the same: told when to come back', perSecond(full + away), '/s', '>= 1'),
      absolute(
        'the same: other answers',
        Object.values(others).reduce((sum, count) => sum + count, 0),
        '',
        '<= 0',
      ),
      absolute('the same: connections not taken', perSecond(result.hungUp + result.unanswered), '/s', '>= 0'),
      flat('the same', samples),
      absolute('the next request: answered with 201', status === 201 ? performance.now() - before : 60_000, 'ms', '<= 1000'),
    ];
  });
