import { setTimeout as pause } from 'node:timers/promises';
import { MISHAPS, type Mishap } from './plan.ts';
import type { Premises } from './premises.ts';

/** Answers to every request while it lasts. */
const ANSWERS = {
  'GitHub answers 503': 503,
  'GitHub answers 429': {
    status: 429,
    headers: { 'retry-after': '1' },
    body: { message: 'You have exceeded a secondary rate limit.' },
  },
} as const;

/** Plays a mishap; resolves when it is over. `msOf` tells minutes of the day in milliseconds of the machine. */
export const play = async (premises: Premises, mishap: Mishap, msOf: (minutes: number) => number): Promise<void> => {
  const [service] = premises.services;
  const lasts = (): Promise<void> => pause(msOf(MISHAPS[mishap]));
  switch (mishap) {
    case 'SIGTERM, started again':
    case 'kill -9, started again':
      await service.whileDown(mishap.startsWith('SIGTERM') ? 'SIGTERM' : 'SIGKILL', async () => {});
      await service.client();
      return;
    case 'GitHub answers 503':
    case 'GitHub answers 429':
      premises.origin.github?.faults.failNext(/./, ANSWERS[mishap], Number.POSITIVE_INFINITY);
      await lasts();
      premises.origin.github?.faults.clear();
      return;
    case 'Telegram is away':
      await premises.telegram.down();
      await lasts();
      await premises.telegram.up();
      return;
    case 'Docker is away':
      await premises.gate?.close('refused');
      await lasts();
      await premises.gate?.open();
      return;
    case 'the disk under the log is full':
    case 'the disk under the artifacts is full': {
      const disk = premises.disks[mishap.includes('log') ? 'log and views' : 'artifacts'];
      await disk.fill();
      await lasts();
      await disk.free();
    }
  }
};
