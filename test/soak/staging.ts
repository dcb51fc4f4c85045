import '../chaos/staging/stage.ts';
import { renameSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { z } from 'zod';
import { type Edit, edited } from '../chaos/staging/edits.ts';
import type { Reading } from './reading.ts';

/**
 * Loaded with the staging of the laboratory, which shortens what is waited out: the clock of the service runs at a multiple of the machine's,
 * and what goes after days goes after hours of that clock. Nothing of this stands in the product.
 */
const { SOAK_BEGAN_MS, SOAK_SPEED, SOAK_READ_MS, SOAK_METER } = z
  .object({
    SOAK_BEGAN_MS: z.coerce.number(),
    SOAK_SPEED: z.coerce.number(),
    SOAK_READ_MS: z.coerce.number(),
    SOAK_METER: z.string(),
  })
  .parse(process.env);

const HOUR_MS = 3_600_000;
/** So many milliseconds of the day, in those of the machine: for what is measured by times of files. */
const real = (ms: number): number => Math.ceil(ms / SOAK_SPEED);

const EDITS: readonly Edit[] = [
  {
    file: 'src/commands/ports/clock.ts',
    from: 'skewed(real.systemClock)',
    to: `{ ...real.systemClock, now: () => new Date(${SOAK_BEGAN_MS} + (Date.now() - ${SOAK_BEGAN_MS}) * ${SOAK_SPEED}).toISOString() }`,
  },
  // By the clock: as long as in life.
  { file: 'src/commands/runner.ts', from: '[100, 200, 400]', to: '[5_000, 30_000, 120_000]' },
  // 14 days in life, a quarter of an hour here.
  { file: 'src/infra/upkeep.ts', from: 'KEPT_AFTER_END_MS = 2_000', to: `KEPT_AFTER_END_MS = ${HOUR_MS / 4}` },
  // An hour in life: a quarter of one.
  { file: 'src/infra/artifact-retention.ts', from: 'PRUNED_EVERY_MS = 3_600_000', to: `PRUNED_EVERY_MS = ${real(HOUR_MS / 4)}` },
  { file: 'src/infra/artifact-retention.ts', from: 'NAMED_WITHIN_MS = 3_600_000', to: `NAMED_WITHIN_MS = ${real(HOUR_MS / 4)}` },
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

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    if (!url.includes('/src/') || url.includes('?') || typeof loaded.source !== 'string') return loaded;
    return { ...loaded, source: edited(fileURLToPath(url), loaded.source, EDITS) };
  },
});

const readRegularly = (file: string): void => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void; // It is there with that flag.
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  setInterval(() => {
    const [stallMs, lateMs] = [delay.max / 1e6, delay.percentile(99) / 1e6];
    collect();
    const reading: Reading = { heapBytes: process.memoryUsage().heapUsed, stallMs, lateMs };
    writeFileSync(`${file}.new`, JSON.stringify(reading));
    renameSync(`${file}.new`, file);
    delay.reset();
  }, SOAK_READ_MS).unref();
};

if (isMainThread) readRegularly(SOAK_METER);
