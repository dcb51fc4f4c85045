import { setTimeout as pause } from 'node:timers/promises';
import { chanceOf } from './chance.ts';
import { violationsOf } from './checker/index.ts';
import { unlikeRebuilt } from './checker/rebuilt.ts';
import { clearAway, remains } from './checker/remains.ts';
import { calmDown, inject, laneOf, playFates } from './injection.ts';
import { gatherPeople, type People } from './people.ts';
import type { Point, StoreKind } from './points.ts';
import { openSite, type Site } from './site.ts';
import type { Mutant } from './staging/edits.ts';

/** Wishes that are open at the same time while things go wrong. */
const WISHES_OPEN = 4;
const WISHES_MAX = 40;
const WRITERS = 12;
/** Longest that failures are played, then that everything takes to come to rest, in milliseconds. */
const STORM_MS_MAX = 100_000;
const CALM_MS_MAX = 60_000;
/** Longest from SIGTERM to the end of a process with nothing to do, on a machine that is busy. In milliseconds. */
const STOP_MS_MAX = 6_000;
const GLANCE_MS = 50;
/** Between two looks of the checker, in milliseconds. */
const AGAIN_MS = 500;

export interface BatchOptions {
  /** Names everything that is left to chance. */
  readonly seed: string;
  readonly points: readonly Point[];
  readonly store: StoreKind;
  readonly mutant?: Mutant;
  /** Longest that everything takes to come to rest, in milliseconds. */
  readonly calmMs?: number;
}

export interface BatchReport {
  /** What came to pass, in no order. */
  readonly injected: readonly Point[];
  /** What did not: its call did not come by in time, or there is no such thing here. */
  readonly missed: readonly Point[];
  readonly violations: readonly string[];
  readonly tasks: number;
  /** Attempts that ended with a reason, after which a person asked again. */
  readonly reruns: number;
  readonly lives: number;
  readonly ms: number;
  /** What the services said at level error. */
  readonly complaints: readonly string[];
}

/** Plays each lane's points one after the other, all lanes at once, while people ask for more. */
const storm = async (site: Site, people: People, { points, seed }: BatchOptions) => {
  const chance = chanceOf(seed).of('storm');
  const [injected, missed]: [Point[], Point[]] = [[], []];
  const until = performance.now() + STORM_MS_MAX;
  let playing = true;
  const asking = (async () => {
    while (playing && people.wishes.length < WISHES_MAX) {
      if (people.open() < WISHES_OPEN) people.ask();
      await pause(GLANCE_MS);
    }
  })();
  const isOn = (): boolean => performance.now() < until;
  const fated = points.filter(({ play }) => play.family === 'process');
  const left = new Map(
    fated.flatMap((point) => ('fate' in point.play ? [[JSON.stringify(point.play.fate), point] as const] : [])),
  );
  const deaths = site.services.map((service, index) =>
    playFates(site, service, { left, met: injected }, chance.of(`deaths ${index}`), until),
  );
  const others = Map.groupBy(
    points.filter((point) => !fated.includes(point)),
    laneOf,
  );
  const lanes = [...others].map(async ([lane, its]) => {
    const own = chance.of(lane);
    for (const point of its) {
      await pause(own.between(0, 400));
      (isOn() && (await inject(site, people, point.play, own)) ? injected : missed).push(point);
    }
  });
  await Promise.all([...deaths, ...lanes]).finally(() => {
    playing = false;
  });
  await asking;
  missed.push(...left.values());
  return { injected, missed };
};

/** What is still wrong after so long. */
const settled = async (site: Site, people: People, ms: number): Promise<readonly string[]> => {
  const until = performance.now() + ms;
  while (people.open() > 0 && performance.now() < until) await pause(GLANCE_MS);
  for (;;) {
    const wrong = [...(await violationsOf(site, people.wishes)), ...(await remains(site))];
    if (wrong.length === 0 || performance.now() > until) return wrong;
    await pause(AGAIN_MS);
  }
};

const stopped = async (site: Site): Promise<readonly string[]> => {
  const ends = await Promise.all(site.services.map((service) => service.stop()));
  return ends.flatMap(({ ending, ms }, index) =>
    ending === 0 && ms < STOP_MS_MAX
      ? []
      : [`service ${index + 1}: asked to stop, it ended with ${ending} after ${Math.round(ms)} ms`],
  );
};

/** A few tasks, many failures, then calm, then the checker. */
export const playBatch = async (options: BatchOptions): Promise<BatchReport> => {
  const begun = performance.now();
  const { seed, store, mutant, calmMs = CALM_MS_MAX } = options;
  const chance = chanceOf(seed);
  const site = await openSite({ store, chance: chance.of('site'), writers: WRITERS, ...(mutant !== undefined && { mutant }) });
  const people = gatherPeople(site, chance.of('people'));
  try {
    const { injected, missed } = await storm(site, people, options);
    await calmDown(site);
    const wrong = await settled(site, people, calmMs);
    await people.leave();
    const ends = await stopped(site);
    const after = [...(await remains(site)).filter((one) => !wrong.includes(one)), ...(await unlikeRebuilt(site))];
    return {
      injected,
      missed,
      violations: [...wrong, ...ends, ...after],
      tasks: people.wishes.length,
      reruns: people.wishes.reduce((sum, { failures }) => sum + failures(), 0),
      lives: site.services.reduce((sum, { lives }) => sum + lives(), 0),
      ms: performance.now() - begun,
      complaints: site.services.flatMap(({ complaints }) => complaints),
    };
  } finally {
    await people.leave();
    await clearAway(site);
    await site.close();
  }
};
