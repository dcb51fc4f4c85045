import { setTimeout as pause } from 'node:timers/promises';
import type { Chance } from './chance.ts';
import type { Point } from './points.ts';
import type { Site } from './site.ts';
import type { Fate } from './staging/shapes.ts';
import type { Service } from './supervision.ts';

/** How long all that is armed waits for one of its calls before it is armed again, and how long nobody may meet anything. In milliseconds. */
const PATIENCE_MS = 4_000;
const VAIN_MS_MAX = 15_000;
/** From a start of a service until its next death, at most, in milliseconds: it shall come to something. */
const BETWEEN_DEATHS_MS_MAX = 400;
/** Longest that one sleeps that is to be overtaken, and how long it sleeps on once it was for the first time. In milliseconds. */
const OVERTAKEN_MS_MAX = 30_000;
const OVERTAKEN_ALL_MS = 1_500;

/** Several leases of a worker, where there are leases; a while where there are none. In milliseconds. */
export const asleepMs = ({ setup }: Site, chance: Chance): number =>
  setup.store === 'double' ? chance.between(1_000, 3_000) : chance.between(100, 500);

/** Claims of what another had claimed before. */
const takeovers = ({ nodes }: Site): number =>
  nodes?.[0].log.events.filter(
    ({ type, data }) => type === 'StageClaimed' && JSON.parse(Buffer.from(data).toString()).execution > 1,
  ).length ?? 0;

const overtaken = async (site: Site): Promise<void> => {
  const [before, until] = [takeovers(site), performance.now() + OVERTAKEN_MS_MAX];
  while (takeovers(site) === before && performance.now() < until) await pause(20);
  await pause(OVERTAKEN_ALL_MS);
};

export interface Fated {
  /** By name of the fate. Services take from the same. */
  readonly left: Map<string, Point>;
  /** What was met is added here. */
  readonly met: Point[];
  /** When somebody lived on after a fate, or the first could be met, by `performance.now()`. */
  metAt: number;
  readonly isOn: () => boolean;
  /** Each is waited for, and whoever sleeps does so until others took over what it did. */
  readonly isAimed: boolean;
}

export const fatedOf = (points: readonly Point[]): Fated['left'] =>
  new Map(points.flatMap((point) => ('fate' in point.play ? [[JSON.stringify(point.play.fate), point] as const] : [])));

/** What a process that met its fate goes through, until somebody answers again. */
const goThrough = async (
  site: Site,
  service: Service,
  { when, signal }: Fate,
  chance: Chance,
  isAimed: boolean,
): Promise<void> => {
  if (when === 'during') {
    await pause(chance.pick([0, 0, 1, 3, 10, 30]));
    service.signal(signal);
  }
  if (signal === 'SIGSTOP') {
    await (isAimed ? overtaken(site) : pause(asleepMs(site, chance)));
    service.signal('SIGCONT');
  } else await pause(50);
  await service.client();
};

/** Plays fates on one process in the order in which their calls come by, one death or sleep after the other, until none is left. */
export const playFates = async (site: Site, service: Service, fated: Fated, chance: Chance): Promise<void> => {
  const { left, met, isOn, isAimed } = fated;
  while (left.size > 0 && (isAimed || performance.now() - fated.metAt < VAIN_MS_MAX) && isOn()) {
    await service.client();
    await pause(chance.between(0, BETWEEN_DEATHS_MS_MAX));
    const meeting = service.met(PATIENCE_MS);
    await service.arm([...left.keys()].map((fate) => JSON.parse(fate)));
    const fate = await meeting;
    if (fate === 'ended' || fate === undefined) continue;
    const name = JSON.stringify(fate);
    const point = left.get(name);
    left.delete(name);
    if (point) met.push(point);
    await goThrough(site, service, fate, chance, isAimed);
    fated.metAt = performance.now();
  }
  await service.arm([]);
};
