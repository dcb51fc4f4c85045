import { describe, expect, it } from 'vitest';
import { chanceOf } from '../chaos/chance.ts';
import { planDay, STORIES } from './plan.ts';

const DAY = { minutes: 480, tasks: 300 };

describe('The plan of a day', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planDay(chanceOf('one'), DAY)).toEqual(planDay(chanceOf('one'), DAY));
    expect(planDay(chanceOf('other'), DAY)).not.toEqual(planDay(chanceOf('one'), DAY));
  });

  it('has every story, most of it before lunch, and all within the day', () => {
    const { filings, mishaps } = planDay(chanceOf('one'), DAY);
    expect(new Set(filings.map(({ story }) => story))).toEqual(new Set(Object.keys(STORIES)));
    expect(filings.filter(({ minute }) => minute < 180).length).toBeGreaterThan(filings.length / 3);
    for (const { minute } of [...filings, ...mishaps]) expect(minute >= 0 && minute < 480).toBe(true);
  });

  it('restarts nothing in the second half', () => {
    for (const { minute, mishap } of planDay(chanceOf('one'), DAY).mishaps) {
      if (mishap.includes('started again') || mishap.includes('the log')) expect(minute).toBeLessThan(240 * 0.92);
    }
  });
});
