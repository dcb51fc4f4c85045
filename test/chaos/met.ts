import { setTimeout as pause } from 'node:timers/promises';
import type { Chance } from './chance.ts';

/** Plans a fault and calls back once it was met. `false`: nobody met it before patience was over. */
export type Told = (plan: (happened: () => void) => unknown) => Promise<boolean>;

/** Until it was met, and for a while. */
export const during = async (told: Told, chance: Chance, plan: Parameters<Told>[0], end: () => unknown): Promise<boolean> => {
  const isMet = await told(plan);
  if (isMet) await pause(chance.between(200, 1_500));
  await end();
  return isMet;
};
