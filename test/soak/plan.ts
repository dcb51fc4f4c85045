import type { Chance } from '../chaos/chance.ts';

/** What becomes of a request, by the people around it. The intent begins with the word, so that the agent knows. */
export const STORIES = {
  /** Approved, and delivered. */
  Mend: 40,
  /** The policy warns, so a person allows the patch, too. */
  Depend: 14,
  /** An approver asks back, and is answered. */
  Doubt: 8,
  /** An approver says no. */
  Refuse: 8,
  /** Stopped while it runs, then perhaps asked for again. */
  Stop: 8,
  /** The first change breaks the tests; rerun with feedback. */
  Break: 8,
  /** There is nothing to change. */
  Nothing: 5,
  /** The change touches what policy blocks. */
  Forbid: 4,
  /** Nobody decides, so the time to do it runs out. */
  Forget: 5,
} as const;
export type Story = keyof typeof STORIES;

export interface Filing {
  readonly minute: number;
  readonly story: Story;
  readonly channel: 'telegram' | 'http';
}

/** What goes wrong, and for how many minutes of the day. */
export const MISHAPS = {
  'SIGTERM, started again': 0,
  'kill -9, started again': 0,
  'GitHub answers 503': 8,
  'GitHub answers 429': 5,
  'Telegram is away': 12,
  'Docker is away': 8,
  'the disk under the log is full': 5,
  'the disk under the artifacts is full': 5,
} as const;
export type Mishap = keyof typeof MISHAPS;

export interface Planned {
  readonly minute: number;
  readonly mishap: Mishap;
}

export interface Plan {
  readonly filings: readonly Filing[];
  readonly mishaps: readonly Planned[];
}

/** How busy each eighth of the day is: a peak in the morning, lunch, the afternoon, and the evening. */
const BUSY = [3, 5, 3, 1, 4, 3, 2, 1] as const;
/** In the morning. After it, the service lives on without a restart, so that what it uses can be followed. */
const MORNING: readonly Mishap[] = [
  'SIGTERM, started again',
  'GitHub answers 503',
  'kill -9, started again',
  'Telegram is away',
  'the disk under the log is full',
  'kill -9, started again',
  'SIGTERM, started again',
];
const AFTERNOON: readonly Mishap[] = [
  'Docker is away',
  'Telegram is away',
  'GitHub answers 429',
  'the disk under the artifacts is full',
  'GitHub answers 503',
];
/** Mishaps come in these parts of the day, evenly but for some minutes. */
const PARTS = [
  [MORNING, 0.04, 0.44],
  [AFTERNOON, 0.54, 0.94],
] as const;

/** Picks by weight. */
const weighed = <T>(chance: Chance, weights: readonly (readonly [T, number])[]): T | undefined => {
  let left = chance.below(weights.reduce((sum, [, weight]) => sum + weight, 0));
  return weights.find(([, weight]) => {
    left -= weight;
    return left < 0;
  })?.[0];
};

/** A day of so many minutes and tasks; the same chance gives the same day. */
export const planDay = (chance: Chance, { minutes, tasks }: { readonly minutes: number; readonly tasks: number }): Plan => {
  const [times, stories, channels, mishaps] = [
    chance.of('times'),
    chance.of('stories'),
    chance.of('channels'),
    chance.of('mishaps'),
  ];
  const eighth = minutes / BUSY.length;
  const filings = Array.from({ length: tasks }, (): Filing => {
    const part =
      weighed(
        times,
        BUSY.map((weight, index) => [index, weight] as const),
      ) ?? 0;
    return {
      minute: (part + times.below(1_000) / 1_000) * eighth,
      story: weighed(stories, Object.entries(STORIES) as [Story, number][]) ?? 'Mend', // The keys of a literal.
      channel: channels.pick(['telegram', 'http']),
    };
  });
  const planned = PARTS.flatMap(([all, from, to]) =>
    mishaps.shuffled(all).map((mishap, index): Planned => {
      const jitter = mishaps.below(500) / 1_000;
      return { mishap, minute: minutes * (from + ((to - from) * (index + jitter)) / all.length) };
    }),
  );
  return { filings: filings.sort((one, other) => one.minute - other.minute), mishaps: planned };
};
