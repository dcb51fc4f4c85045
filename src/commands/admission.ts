import type { WorkItem } from './ports/work.ts';

/** How much a step weighs: `light` needs no slot, `begins` waits for one, `continues` keeps the slot its task has. */
export type Weight = 'light' | 'begins' | 'continues';

/** Soft limits: they are counted on a view, which may lag. */
export interface AdmissionLimits {
  readonly runningMax: number;
  readonly runningPerRepositoryMax: number;
  /** Of all that run, in this process. */
  readonly runningHereMax: number;
  /** Light steps at the same time in this process; of one repository at most half as many. */
  readonly lightMax: number;
}

export interface Weighed extends WorkItem {
  readonly weight: Weight;
  /** Runs in this process. */
  readonly here?: boolean;
}

/** When somebody, or a repository, had a turn last: the larger, the later; 0 for never. */
export interface Turns {
  ofPerson(person: string): number;
  ofRepository(repo: string): number;
}

/** Most people, and most repositories, whose last turn is remembered. */
const REMEMBERED_MAX = 1_000;

const lastTurns = () => {
  const last = new Map<string, number>();
  return {
    of: (name: string): number => last.get(name) ?? 0,
    take: (name: string, turn: number): void => {
      last.delete(name);
      last.set(name, turn);
      const [oldest] = last.keys();
      if (last.size > REMEMBERED_MAX && oldest !== undefined) last.delete(oldest);
    },
  };
};

/** Remembers turns from what is seen to run, whichever process runs it: as much as the view shows, and nothing after a restart. */
export const createTurns = () => {
  const [people, repositories] = [lastTurns(), lastTurns()];
  let known: ReadonlySet<string> = new Set();
  let turn = 0;
  return {
    ofPerson: people.of,
    ofRepository: repositories.of,
    saw: (running: readonly Weighed[]): void => {
      const heavy = running.filter(({ weight }) => weight !== 'light');
      for (const { stream, person, repo } of heavy) {
        if (known.has(stream)) continue;
        turn += 1;
        people.take(person, turn);
        repositories.take(repo, turn);
      }
      known = new Set(heavy.map(({ stream }) => stream));
    },
  };
};

const NO_TURNS: Turns = { ofPerson: () => 0, ofRepository: () => 0 };

/** The first difference counts. */
const isBefore = (one: readonly number[], other: readonly number[]): boolean => {
  const differing = one.findIndex((value, index) => value !== other[index]);
  return differing !== -1 && (one[differing] ?? 0) < (other[differing] ?? 0);
};

/** Counts one more; returns how many it is by now. */
const countUp = (counts: Map<string, number>, name: string): number => {
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return count;
};

const countBy = (items: readonly WorkItem[], key: (item: WorkItem) => string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const item of items) countUp(counts, key(item));
  return counts;
};

/** Light steps look at remotes: a slow one leaves places for the others. */
const lightPerRepositoryMax = ({ lightMax }: AdmissionLimits): number => Math.ceil(lightMax / 2);

/** Repositories of which no further light step may begin. */
export const fullOfLight = (limits: AdmissionLimits, running: readonly Weighed[]): readonly string[] => {
  const counts = countBy(
    running.filter(({ weight }) => weight === 'light'),
    ({ repo }) => repo,
  );
  return [...counts].flatMap(([repo, count]) => (count >= lightPerRepositoryMax(limits) ? [repo] : []));
};

/**
 * Which of the free items may begin now. Tasks under way go first, also when others fill every slot, but no more at once than there are slots:
 * many may have waited for one outage, or for a person. Light steps fill what is left of their own limits. New tasks take turns by person, then by
 * repository: who has the fewest running goes first, among equals who waited longest for a turn, among those the oldest request.
 */
export const admitted = (
  limits: AdmissionLimits,
  free: readonly Weighed[],
  running: readonly Weighed[],
  turns: Turns = NO_TURNS,
): readonly Weighed[] => {
  const left = (weight: Weight, max: number, perRepositoryMax = max): readonly Weighed[] => {
    const before = running.filter((item) => item.weight === weight);
    const perRepository = countBy(before, ({ repo }) => repo);
    return free
      .filter((item) => item.weight === weight && countUp(perRepository, item.repo) <= perRepositoryMax)
      .slice(0, Math.max(0, max - before.length));
  };
  const hereLeft = limits.runningHereMax - running.filter(({ weight, here }) => here === true && weight !== 'light').length;
  const continued = left('continues', limits.runningMax).slice(0, Math.max(0, hereLeft));
  const begin = [...continued, ...left('light', limits.lightMax, lightPerRepositoryMax(limits))];
  const heavy = [...running, ...begin].filter(({ weight }) => weight !== 'light');
  const perRepo = countBy(heavy, ({ repo }) => repo);
  const perPerson = countBy(heavy, ({ person }) => person);
  const waiting = free.filter(({ weight }) => weight === 'begins');
  const rank = ({ person, repo }: Weighed): readonly number[] => [
    perPerson.get(person) ?? 0,
    turns.ofPerson(person),
    perRepo.get(repo) ?? 0,
    turns.ofRepository(repo),
  ];

  for (let slots = Math.min(limits.runningMax - heavy.length, hereLeft - continued.length); slots > 0; slots--) {
    let next: Weighed | undefined;
    for (const item of waiting) {
      if (begin.includes(item) || (perRepo.get(item.repo) ?? 0) >= limits.runningPerRepositoryMax) continue;
      if (!next || isBefore(rank(item), rank(next))) next = item;
    }
    if (!next) break;
    begin.push(next);
    countUp(perRepo, next.repo);
    countUp(perPerson, next.person);
  }
  return begin;
};
