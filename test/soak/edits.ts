import type { Edit } from '../chaos/staging/edits.ts';

const HOUR_MS = 3_600_000;

/**
 * What is changed on top of the laboratory's edits: the clock runs at `speed` times the machine's from `beganMs` on (since 1970), and what goes after
 * days goes after hours of that clock.
 */
export const editsOf = ({ beganMs, speed }: { readonly beganMs: number; readonly speed: number }): readonly Edit[] => {
  /** Milliseconds of the day in those of the machine: for what is measured by times of files. */
  const real = (ms: number): number => Math.ceil(ms / speed);
  return [
    {
      file: 'src/commands/ports/clock.ts',
      from: 'skewed(real.systemClock)',
      to: `{ ...real.systemClock, now: () => new Date(${beganMs} + (Date.now() - ${beganMs}) * ${speed}).toISOString() }`,
    },
    // By the clock: as long as in life.
    { file: 'src/commands/runner.ts', from: '[50, 100, 200]', to: '[5_000, 30_000, 120_000]' },
    // 14 days in life, a quarter of an hour here.
    { file: 'src/infra/upkeep.ts', from: 'KEPT_AFTER_END_MS = 2_000', to: `KEPT_AFTER_END_MS = ${HOUR_MS / 4}` },
    // An hour in life: a quarter of one.
    {
      file: 'src/infra/artifact-retention.ts',
      from: 'PRUNED_EVERY_MS = 3_600_000',
      to: `PRUNED_EVERY_MS = ${real(HOUR_MS / 4)}`,
    },
    {
      file: 'src/infra/artifact-retention.ts',
      from: 'NAMED_WITHIN_MS = 3_600_000',
      to: `NAMED_WITHIN_MS = ${real(HOUR_MS / 4)}`,
    },
    // A day of ARTIFACT_DAYS: two hours.
    {
      file: 'src/infra/config/operator.ts',
      from: 'values.ARTIFACT_DAYS * 86_400_000',
      to: `values.ARTIFACT_DAYS * ${real(2 * HOUR_MS)}`,
    },
    // Git collects what nothing refers to after two weeks: after two hours, and not before a stage has ended.
    { file: 'src/infra/git/mirrors.ts', from: 'LOOSE_OBJECTS_MAX = 5_000', to: 'LOOSE_OBJECTS_MAX = 500' },
    {
      file: 'src/infra/git/mirrors.ts',
      from: "'gc.autoDetach=false', 'gc'",
      to: `'gc.autoDetach=false', '-c', 'gc.pruneExpire=${real(2 * HOUR_MS) / 1_000}.seconds.ago', 'gc'`,
    },
  ];
};
