import { describe, expect, it } from 'vitest';
import { chanceOf } from '../chaos/chance.ts';
import { growthOf, type Kind, overLimits, type Sample, unlikeFlat } from './flatness.ts';

const NONE: Readonly<Record<Kind, number>> = { log: 0, views: 0, audit: 0, artifacts: 0, mirrors: 0, work: 0, other: 0 };

/** A day with the noise of a busy service. */
const day = (more: (minute: number) => Partial<Sample> = () => ({})): readonly Sample[] => {
  const chance = chanceOf('a day');
  return Array.from({ length: 33 }, (_, index) => {
    const minute = index * 15;
    return {
      minute,
      life: 1,
      rssMiB: chance.between(170, 210),
      heapMiB: chance.between(30, 33),
      stallMs: 10,
      lateMs: 5,
      threads: chance.between(14, 16),
      descriptors: chance.between(40, 60),
      processes: 0,
      containers: 0,
      disk: NONE,
      files: NONE,
      ...more(minute),
    };
  });
};

describe('A day', () => {
  it('is flat when what is used goes up and down', () => expect(unlikeFlat(day())).toEqual([]));

  it('may take memory again that it gave back over lunch', () =>
    expect(unlikeFlat(day((minute) => ({ rssMiB: minute < 260 ? 180 : Math.min(290, minute - 80) })))).toEqual([]));

  it('may use more after its first half', () =>
    expect(unlikeFlat(day((minute) => ({ heapMiB: minute <= 240 ? minute / 10 : 24 })))).toEqual([]));

  it.each([
    ['memory', (minute: number) => ({ rssMiB: 170 + minute / 3 })],
    ['the heap after a collection', (minute: number) => ({ heapMiB: 30 + minute / 30 })],
    ['open file descriptors', (minute: number) => ({ descriptors: 40 + Math.floor(minute / 15) })],
    ['threads', (minute: number) => ({ threads: 14 + Math.floor(minute / 30) })],
  ])('is not flat when %s goes up all the time', (what, more) =>
    expect(unlikeFlat(day(more))).toEqual([expect.stringContaining(what)]),
  );
});

describe('Limits', () => {
  it('hold at every time of a day', () => {
    expect(overLimits(day())).toEqual([]);
    expect(overLimits(day((minute) => (minute === 75 ? { descriptors: 301 } : {})))).toEqual([
      '301.0 open file descriptors, of 300 at most',
    ]);
    expect(overLimits(day(() => ({ disk: { ...NONE, artifacts: 4 * 1024 ** 2 } })))).toEqual([
      '4.0 MiB of artifacts, of 3 at most',
    ]);
  });
});

describe('Growth', () => {
  it('is what a straight line grows by', () => {
    expect(growthOf([0, 1, 2, 3].map((x) => [x, 5 + 2 * x]))).toBeCloseTo(6);
    expect(growthOf([[1, 1]])).toBe(0);
  });
});
