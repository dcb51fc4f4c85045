import { setTimeout as pause } from 'node:timers/promises';
import { chanceOf } from '../chaos/chance.ts';
import { unlikeRebuilt } from '../chaos/checker/rebuilt.ts';
import { clearAway } from '../chaos/checker/remains.ts';
import { calmDown } from '../chaos/injection.ts';
import { overLimits, overWeight, type Sample, unlikeFlat, unlikeRest } from './flatness.ts';
import { look } from './meter.ts';
import { play } from './mishaps.ts';
import { gatherPeople, type People } from './people.ts';
import { type Plan, planDay } from './plan.ts';
import { openPremises, type Premises, type PremisesOptions } from './premises.ts';
import { cameTo, wrongAtTheEnd } from './verdict.ts';

/** Looks in a day: of eight hours, one every quarter of an hour. */
const LOOKS = 32;
/** Longest that everything takes to come to rest after the day, in milliseconds; and between two looks whether it has. */
const OVERTIME_MS_MAX = 90_000;
const AGAIN_MS = 1_000;
/** Longest until it has nothing open any more after people have left, in milliseconds. */
const REST_MS_MAX = 15_000;
/** Longest from SIGTERM to the end of a process, on a machine that is busy. In milliseconds. */
const STOP_MS_MAX = 6_000;
/** In a shorter day a new process has not come to all it needs before it is over, so nothing can be said of what grows. In hours. */
const FLAT_FROM_HOURS = 4;

export interface DayOptions {
  readonly seed: string;
  readonly hours: number;
  readonly speed: number;
  readonly tasks: number;
  readonly sandbox: PremisesOptions['sandbox'];
  readonly onSample?: (sample: Sample) => void;
  readonly onMishap?: (minute: number, mishap: string) => void;
  /** Ends the day at once, and clears everything away; it then rejects with the reason. */
  readonly signal?: AbortSignal;
}

export interface DayReport {
  readonly samples: readonly Sample[];
  readonly violations: readonly string[];
  readonly tasks: number;
  readonly reruns: number;
  readonly mishaps: number;
  readonly lives: number;
  readonly events: number;
  /** Tasks by the type of their last event. */
  readonly ends: Readonly<Record<string, number>>;
  /** How long it took after the day until all was over, in milliseconds of the machine. */
  readonly overtimeMs: number;
  readonly complaints: readonly string[];
}

/** Minutes of the day, in milliseconds of the machine. */
const msOf = (minutes: number, speed: number): number => (minutes * 60_000) / speed;

const stopped = async ({ services: [service] }: Premises): Promise<readonly string[]> => {
  const { ending, ms } = await service.stop();
  return ending === 0 && ms < STOP_MS_MAX ? [] : [`asked to stop, the service ended with ${ending} after ${Math.round(ms)} ms`];
};

/** Nothing that is played is a fault of the service's own, or ends it. */
const faults = ({ services: [{ complaints, lives }] }: Premises, { mishaps }: Plan): readonly string[] => {
  const planned = 1 + mishaps.filter(({ mishap }) => mishap.endsWith('started again')).length;
  return [
    ...complaints.filter((line) => line.includes('fault of our own')),
    ...(lives() === planned ? [] : [`the service was started ${lives()} times instead of ${planned}`]),
  ];
};

/** Plays the plan, and looks all the while; resolves to what was seen when the day is over. */
const passTheDay = async (premises: Premises, people: People, plan: Plan, options: DayOptions): Promise<readonly Sample[]> => {
  const { hours, speed, onSample = () => {}, onMishap = () => {} } = options;
  const minutes = hours * 60;
  const began = performance.now();
  const until = (minute: number): Promise<void> => pause(Math.max(0, began + msOf(minute, speed) - performance.now()));
  const filing = (async () => {
    for (const one of plan.filings) {
      await until(one.minute);
      people.file(one);
    }
  })();
  const breaking = (async () => {
    for (const { minute, mishap } of plan.mishaps) {
      await until(minute);
      onMishap(minute, mishap);
      await play(premises, mishap, (some) => msOf(some, speed));
    }
  })();
  const samples: Sample[] = [];
  for (let looks = 1; looks <= LOOKS; looks++) {
    const minute = (minutes * looks) / LOOKS;
    await until(minute);
    const sample = await look(premises, minute);
    if (!sample) continue;
    samples.push(sample);
    onSample(sample);
  }
  await Promise.all([filing, breaking]);
  return samples;
};

/** What is still wrong after the day, and how long it took until nothing was, in milliseconds. */
const settled = async (premises: Premises, { wishes }: People) => {
  const closing = performance.now();
  for (;;) {
    const wrong = await wrongAtTheEnd(premises, wishes);
    const overtimeMs = performance.now() - closing;
    if (wrong.length === 0 || overtimeMs > OVERTIME_MS_MAX) return { wrong, overtimeMs };
    await pause(AGAIN_MS);
  }
};

/** The last look, when nobody asks for anything any more, and what is wrong with it; connections of those who left end within some seconds. */
const rested = async (premises: Premises, minute: number) => {
  for (const begun = performance.now(); ; ) {
    const sample = await look(premises, minute);
    const wrong = sample ? unlikeRest(sample) : ['there is no service to look at'];
    if (wrong.length === 0 || performance.now() - begun > REST_MS_MAX) return { samples: sample ? [sample] : [], wrong };
    await pause(AGAIN_MS);
  }
};

/** A working day: people and mishaps as planned, a look every quarter of an hour, then the verdict. */
export const playDay = async (options: DayOptions): Promise<DayReport> => {
  const { seed, hours, speed, tasks, sandbox, signal, onSample = () => {} } = options;
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined); // Nobody may wait for it any more.
  signal?.addEventListener('abort', () => broken.reject(signal.reason));
  const chance = chanceOf(seed);
  const plan = planDay(chance.of('plan'), { minutes: hours * 60, tasks });
  const premises = await openPremises({ speed, sandbox, readEveryMs: msOf((hours * 60) / LOOKS, speed) });
  const people = gatherPeople(premises, chance.of('people'), (minutes) => msOf(minutes, speed));
  try {
    const passed = await Promise.race([passTheDay(premises, people, plan, options), broken.promise]);
    await calmDown(premises);
    const { wrong, overtimeMs } = await Promise.race([settled(premises, people), broken.promise]);
    await people.leave();
    const rest = await rested(premises, hours * 60);
    const samples = [...passed, ...rest.samples];
    for (const sample of rest.samples) onSample(sample);
    const ends = await stopped(premises);
    const came = cameTo(premises);
    return {
      samples,
      violations: [
        ...wrong,
        ...rest.wrong,
        ...ends,
        ...(await unlikeRebuilt(premises)),
        ...(hours < FLAT_FROM_HOURS ? [] : unlikeFlat(passed)),
        ...overLimits(samples),
        ...overWeight(samples, came.events),
        ...faults(premises, plan),
      ],
      tasks: people.wishes.length,
      reruns: people.wishes.reduce((sum, { reruns }) => sum + reruns(), 0),
      mishaps: plan.mishaps.length,
      lives: premises.services[0].lives(),
      ...came,
      overtimeMs,
      complaints: premises.services[0].complaints,
    };
  } finally {
    await people.leave();
    await clearAway(premises);
    await premises.close();
  }
};
