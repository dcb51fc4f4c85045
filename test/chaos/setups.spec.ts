import { describe, expect, it } from 'vitest';
import { POINTS } from './points.ts';
import { dealer, SETUPS } from './setups.ts';

const [first, ...others] = SETUPS;
if (!first) throw new Error('there are no setups');
const deal = dealer('a seed', [first, ...others], '', 45);

describe('The points that batches are dealt', () => {
  it('are the same for the same seed and number, and of the setup that they are played on', () => {
    expect(deal(3)).toEqual(dealer('a seed', [first, ...others], '', 45)(3));
    for (const number of SETUPS.keys()) {
      const { setup, points } = deal(number);
      expect(setup).toBe(SETUPS[number]);
      expect(points.filter((point) => !point.isOf(setup))).toEqual([]);
    }
  });

  it('come to all there are, each before most are dealt again', () => {
    const times = new Map<string, number>();
    const batches = Math.ceil((POINTS.length / 45) * 1.5);
    for (const number of Array(batches).keys()) {
      for (const { name } of deal(number).points) times.set(name, (times.get(name) ?? 0) + 1);
    }
    expect(POINTS.filter(({ name }) => !times.has(name)).map(({ name }) => name)).toEqual([]);
    expect(new Set(POINTS.map(({ name }) => name)).size).toBe(POINTS.length);
  });
});
