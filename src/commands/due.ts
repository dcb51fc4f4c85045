import { type AdmissionLimits, fullOfLight, type Weighed } from './admission.ts';
import { believedUntil } from './effect.ts';
import type { Process } from './execution.ts';
import type { WorkItem, WorkView } from './ports/work.ts';

/** Most items of one kind looked at in one go; the rest is looked at when these are done, and new ones of further people by the next looks. */
const DUE_MAX = 500;
/**
 * Light steps looked at, for each that may be under way. Nobody claims them, so what two workers take at once is done twice: of several each takes
 * any of the many oldest.
 */
const LIGHT_LOOKED_AT = { alone: 2, among: 8 } as const;

const shuffled = <Item>(items: readonly Item[]): readonly Item[] =>
  items
    .map((item) => ({ item, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);

/** What of all that is due is worth looking at while `running` is under way here. */
export const dueSteps = (
  work: Pick<WorkView, 'due' | 'dueByPair'>,
  processes: readonly Process[],
  admission: AdmissionLimits,
  isAlone: boolean,
) => {
  const { lightMax, runningPerRepositoryMax } = admission;
  /** Light steps may be many and are done in no time, so only a few more are looked at than can begin. */
  const light = (kind: string, now: string, full: ReadonlySet<string>): readonly WorkItem[] => {
    const limit = lightMax * (isAlone ? LIGHT_LOOKED_AT.alone : LIGHT_LOOKED_AT.among);
    const isOpen = ({ repo }: WorkItem): boolean => !full.has(repo);
    const oldest = work.due(kind, now, limit);
    const open = oldest.filter(isOpen);
    if (oldest.length < limit || open.length === limit) return open;
    // Those of a full repository hide others, and may be so many that they cannot be read past.
    return work.dueByPair(kind, now, lightMax, DUE_MAX).filter(isOpen);
  };

  return (now: string, running: readonly Weighed[]): readonly WorkItem[] => {
    const full = new Set(fullOfLight(admission, running));
    return processes.flatMap(({ effects }) =>
      Object.entries(effects).flatMap(([kind, effect]) => {
        const until = believedUntil(effect, now);
        // Of new ones those that may take a turn.
        if (effect.weight === 'begins') return work.dueByPair(kind, now, runningPerRepositoryMax, DUE_MAX, until);
        if (effect.weight === 'continues') return work.due(kind, now, DUE_MAX, until);
        return isAlone ? light(kind, now, full) : shuffled(light(kind, now, full));
      }),
    );
  };
};
