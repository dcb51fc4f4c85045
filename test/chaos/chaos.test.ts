import { describe, expect, it } from 'vitest';
import { runChaos } from './run.ts';

/** So many in every run of the tests; `npm run chaos` plays as many as it is asked for. */
const FAILURES = 100;
const SEED = process.env.CHAOS_SEED ?? 'ci';
/** No batch is begun after three minutes; three at once, on different setups, and some points are missed. */
const MS_MAX = 180_000;
const BATCHES_AT_ONCE = 3;
const POINTS = 46;
/** Longest that the last batch takes from then on, on a machine that is busy. */
const BATCH_MS_MAX = 240_000;

describe('The real service among the real parts, when everything fails that can', () => {
  it('delivers each wish once, tells everybody, and leaves nothing behind', { timeout: MS_MAX + BATCH_MS_MAX }, async () => {
    const played = await runChaos({ failures: FAILURES, seed: SEED, points: POINTS, parallel: BATCHES_AT_ONCE, msMax: MS_MAX });
    const found = played.flatMap(({ violations, again }) => violations.map((violation) => `${violation}; again: ${again}`));
    expect(found).toEqual([]);
    expect(played.reduce((sum, { injected }) => sum + injected.length, 0)).toBeGreaterThanOrEqual(FAILURES);
  });
});
