import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { openWorkshop } from '../support/workshop.ts';
import { absolute, type Figure } from './figure.ts';
import { seedTasks } from './seed.ts';

const residentMiB = async (pid: number): Promise<number> => {
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1_024;
};

const start = async (environment: Record<string, string>, dataFolder: string) => {
  const begin = performance.now();
  const service = execa('bin/countersign', ['serve'], { env: environment, extendEnv: false, reject: false });
  let ended = false;
  void service.then(() => {
    ended = true;
  });
  for (;;) {
    const text = await readFile(join(dataFolder, 'service.json'), 'utf8').catch(() => undefined);
    if (text !== undefined && JSON.parse(text).pid === service.pid) break;
    if (ended) throw new Error('the service did not start');
    await pause(5);
  }
  return { service, seconds: (performance.now() - begin) / 1_000 };
};

/** From the command to the first request taken, with the views of 50,000 tasks current; and what it needs when nothing is to be done. */
export const starting = async (): Promise<Figure[]> => {
  const workshop = await openWorkshop();
  await seedTasks(workshop.dataFolder, 50_000);
  await execa(process.execPath, [join(import.meta.dirname, 'views-process.ts'), workshop.dataFolder]);
  const environment = workshop.environment();
  const first = await start(environment, workshop.dataFolder);
  first.service.kill('SIGTERM');
  await first.service;
  const { service, seconds } = await start(environment, workshop.dataFolder);
  await pause(3_000);
  const idle = await residentMiB(service.pid ?? 0);
  service.kill('SIGTERM');
  await service;
  await workshop.remove();
  return [absolute('start with current views', seconds, 's', '<= 1'), absolute('idle memory', idle, 'MiB', '<= 150')];
};
