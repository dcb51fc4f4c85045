import { describe, expect, it } from 'vitest';
import { playDay } from './day.ts';

/** Forty seconds: an hour of the day at 100 times its speed, and what is left to do after it. */
const HOUR = { hours: 1, speed: 100, tasks: 16, sandbox: 'docker' } as const;

describe('An hour of the real service at a hundred times its speed, with people, restarts and outages', () => {
  it('leaves every task over or waiting for a person, and nothing behind', { timeout: 420_000 }, async () => {
    const { violations, tasks, samples, events, ends } = await playDay({ ...HOUR, seed: process.env.SOAK_SEED ?? 'ci' });
    expect(violations).toEqual([]);
    expect(tasks).toBe(HOUR.tasks);
    expect(samples.length).toBeGreaterThan(20);
    expect(events).toBeGreaterThan(10 * HOUR.tasks);
    expect(ends.TaskCompleted).toBeGreaterThan(HOUR.tasks / 2);
  });
});
