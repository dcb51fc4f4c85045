import { describe, expect, it } from 'vitest';
import { runChaos } from './run.ts';

/** So many in every run of the tests; `npm run chaos` plays as many as it is asked for. */
const FAILURES = 100;
/** No batch is begun after this long, in milliseconds. */
const MS_MAX = 150_000;
const SEED = process.env.CHAOS_SEED ?? 'ci';

describe('The real service among the real parts, when everything fails that can', () => {
  it('delivers each wish once, tells everybody, and leaves nothing behind', { timeout: 420_000 }, async () => {
    const played = await runChaos({ failures: FAILURES, seed: SEED, parallel: 2, msMax: MS_MAX });
    const found = played.flatMap(({ violations, again }) => violations.map((violation) => `${violation}; again: ${again}`));
    expect(found).toEqual([]);
    const injected = played.reduce((sum, batch) => sum + batch.injected.length, 0);
    // A machine that is busy with something else plays fewer in the time there is.
    expect(injected).toBeGreaterThan(FAILURES / 4);
  });
});
