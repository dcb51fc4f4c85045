import type { WorkItem } from './ports/work.ts';

/** How much a step weighs: `light` needs no slot, `begins` waits for one, `continues` keeps the slot its task has. */
export type Weight = 'light' | 'begins' | 'continues';

/** Soft limits: they are counted on a view, which may lag. */
export interface AdmissionLimits {
  readonly runningMax: number;
  readonly runningPerRepositoryMax: number;
  /** Light steps at the same time in this process. */
  readonly lightMax: number;
}

interface Weighed extends WorkItem {
  readonly weight: Weight;
}

const countBy = (items: readonly WorkItem[], key: (item: WorkItem) => string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
};

/**
 * Which of the free items may begin now. Tasks under way go first, also when others fill every slot, but no more at once than there are slots:
 * many may have waited for one outage, or for a person. Light steps fill what is left of their own limit. New tasks take turns by person (who has
 * the fewest running goes first, the oldest request among equals).
 */
export const admitted = (limits: AdmissionLimits, free: readonly Weighed[], running: readonly Weighed[]): readonly Weighed[] => {
  const left = (weight: Weight, max: number): readonly Weighed[] =>
    free
      .filter((item) => item.weight === weight)
      .slice(0, Math.max(0, max - running.filter((item) => item.weight === weight).length));
  const begin = [...left('continues', limits.runningMax), ...left('light', limits.lightMax)];
  const heavy = [...running, ...begin].filter(({ weight }) => weight !== 'light');
  const perRepo = countBy(heavy, ({ repo }) => repo);
  const perPerson = countBy(heavy, ({ person }) => person);
  const waiting = free.filter(({ weight }) => weight === 'begins');

  for (let slots = limits.runningMax - heavy.length; slots > 0; slots--) {
    let next: Weighed | undefined;
    for (const item of waiting) {
      if (begin.includes(item) || (perRepo.get(item.repo) ?? 0) >= limits.runningPerRepositoryMax) continue;
      if (!next || (perPerson.get(item.person) ?? 0) < (perPerson.get(next.person) ?? 0)) next = item;
    }
    if (!next) break;
    begin.push(next);
    perRepo.set(next.repo, (perRepo.get(next.repo) ?? 0) + 1);
    perPerson.set(next.person, (perPerson.get(next.person) ?? 0) + 1);
  }
  return begin;
};
