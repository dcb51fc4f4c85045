import { setTimeout as pause } from 'node:timers/promises';
import { chanceOf } from './chance.ts';
import { violationsOf } from './checker/index.ts';
import { unlikeRebuilt } from './checker/rebuilt.ts';
import { clearAway, remains } from './checker/remains.ts';
import { type Fated, fatedOf, playFates } from './fates.ts';
import { calmDown, inject, laneOf, setClocksAlike } from './injection.ts';
import { gatherPeople, type People } from './people.ts';
import type { Point } from './points.ts';
import type { Setup } from './setups.ts';
import { openSite, type Site } from './site.ts';
import type { Mutant } from './staging/edits.ts';

/** Wishes that are open at the same time while things go wrong. */
const WISHES_OPEN = 5;
const WISHES_MAX = 60;
const WRITERS = 12;
/** Longest that failures are played, then that everything takes to come to rest, in milliseconds. */
const STORM_MS_MAX = 120_000;
const CALM_MS_MAX = 90_000;
/** Longest from SIGTERM to the end of a process with nothing to do, on a machine that is busy. In milliseconds. */
const STOP_MS_MAX = 6_000;
/** So long after a death it is another second. */
const OTHER_SECOND_MS = 1_100;
const GLANCE_MS = 50;
/** How long a point waits for its call to come by once no process dies any more, in milliseconds. */
const PATIENCE_MS = 10_000;
/** Between two looks of the checker, in milliseconds. */
const AGAIN_MS = 500;
/** Between two points of a lane, at most, in milliseconds. */
const PAUSE_MS_MAX = 200;

export interface BatchOptions {
  /** Names everything that is left to chance. */
  readonly seed: string;
  readonly setup: Setup;
  readonly points: readonly Point[];
  readonly mutant?: Mutant | undefined;
  /** Longest that everything takes to come to rest, in milliseconds. */
  readonly calmMs?: number | undefined;
  /**
   * The points are of one process and leave little to chance: requests come by Telegram, whoever is stopped sleeps until others took over what it
   * did, and whoever dies is started again in another second.
   */
  readonly isAimed?: boolean;
  /** Ends the batch without a verdict. */
  readonly signal?: AbortSignal | undefined;
}

export interface BatchReport {
  /** What came to pass, in no order. */
  readonly injected: readonly Point[];
  /** What did not: its call did not come by in time. */
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
const storm = async (site: Site, people: People, { points, seed, isAimed = false, signal }: BatchOptions) => {
  const chance = chanceOf(seed).of('storm');
  const [injected, missed]: [Point[], Point[]] = [[], []];
  const until = performance.now() + STORM_MS_MAX;
  const isOn = (): boolean => performance.now() < until && !signal?.aborted;
  const fated: Fated = { left: fatedOf(points), met: injected, metAt: performance.now(), isOn, isAimed };
  let playing = true;
  const asking = (async () => {
    while (playing && people.wishes.length < WISHES_MAX) {
      if (people.open() < WISHES_OPEN) people.ask();
      for (const { where } of fated.left.values()) people.provoke(where);
      await pause(GLANCE_MS);
    }
  })();
  const mortals = isAimed ? site.services.slice(0, 1) : site.services;
  const deaths = Promise.all(mortals.map((service, index) => playFates(site, service, fated, chance.of(`deaths ${index}`))));
  let diedAt = Number.POSITIVE_INFINITY;
  const over = deaths.then(() => {
    diedAt = performance.now();
  });
  /** While processes die all the time no task comes far, so calls are waited for until some time after the last death. */
  const patience = async (): Promise<void> => {
    const begun = performance.now();
    while (isOn() && performance.now() - Math.max(begun, diedAt) < PATIENCE_MS) await pause(GLANCE_MS);
  };
  const others = points.filter(({ play }) => play.family !== 'process');
  const lanes = [...Map.groupBy(others, laneOf)].map(async ([lane, its]) => {
    const own = chance.of(lane);
    for (const point of its) {
      await pause(own.between(0, PAUSE_MS_MAX));
      people.provoke(point.where);
      (isOn() && (await inject(site, people, point.play, own, patience)) ? injected : missed).push(point);
    }
  });
  await Promise.all([over, ...lanes]).finally(() => {
    playing = false;
  });
  await asking;
  missed.push(...fated.left.values());
  return { injected, missed };
};

/** What is still wrong after so long. */
const settled = async (site: Site, people: People, ms: number, signal?: AbortSignal): Promise<readonly string[]> => {
  const until = performance.now() + ms;
  while (people.open() > 0 && performance.now() < until && !signal?.aborted) await pause(GLANCE_MS);
  await setClocksAlike(site);
  for (;;) {
    const wrong = [...(await violationsOf(site, people)), ...(await remains(site))];
    if (wrong.length === 0 || performance.now() > until || signal?.aborted) return wrong;
    await pause(AGAIN_MS);
  }
};

const stopped = async (site: Site): Promise<readonly string[]> => {
  const ends = await Promise.all(site.services.map((service) => service.stop()));
  const slow = ends.flatMap(({ ending, ms }, index) =>
    ending === 0 && ms < STOP_MS_MAX
      ? []
      : [`service ${index + 1}: asked to stop, it ended with ${ending} after ${Math.round(ms)} ms`],
  );
  return [
    ...slow,
    ...site.services.flatMap(({ unasked }, index) => unasked.map((how) => `service ${index + 1} ended by itself: ${how}`)),
  ];
};

/** Some tasks, many failures, then calm, then the checker. `undefined`: it was ended before there was a verdict. */
export const playBatch = async (options: BatchOptions): Promise<BatchReport | undefined> => {
  const begun = performance.now();
  const { seed, setup, mutant, calmMs = CALM_MS_MAX, isAimed = false, signal } = options;
  const site = await openSite({ setup, mutant, writers: WRITERS, deadMs: isAimed ? OTHER_SECOND_MS : 0 });
  const people = gatherPeople(site, chanceOf(seed).of('people'), isAimed);
  try {
    const { injected, missed } = await storm(site, people, options);
    await calmDown(site);
    const wrong = await settled(site, people, calmMs, signal);
    await people.leave();
    if (signal?.aborted) return undefined;
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
