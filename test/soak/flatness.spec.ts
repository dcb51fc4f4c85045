import { describe, expect, it } from 'vitest';
import { chanceOf } from '../chaos/chance.ts';
import {
  growthOf,
  KINDS,
  type Kind,
  overLimits,
  overWeight,
  RUNNING_MAX,
  type Sample,
  unlikeFlat,
  unlikeRest,
} from './flatness.ts';

const NONE = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Readonly<Record<Kind, number>>; // A member for each.
const MIB = 1024 ** 2;

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
  });

  it.each([
    ['MiB of artifacts', { disk: { ...NONE, artifacts: 4 * MIB } }],
    ['containers', { containers: RUNNING_MAX + 1 }],
    ['processes below the service', { processes: 100 }],
    ['MiB in folders of executions', { disk: { ...NONE, work: 7 * MIB } }],
    ['files in the mirror', { files: { ...NONE, mirrors: 2_000 } }],
    ['MiB of write-ahead log', { disk: { ...NONE, wal: 45 * MIB } }],
    ['files of other kinds', { files: { ...NONE, other: 101 } }],
    ['MiB of other kinds', { disk: { ...NONE, other: 3 * MIB } }],
  ] as const)('are broken by one look at too many %s', (what, more) =>
    expect(overLimits(day((minute) => (minute === 75 ? more : {})))).toEqual([expect.stringContaining(` ${what}, of `)]),
  );
});

describe('What is never pruned', () => {
  const weighing = (kind: Kind, bytesAnEvent: number): readonly Sample[] =>
    day((minute) => ({ disk: { ...NONE, [kind]: minute * 10 * bytesAnEvent } }));
  const EVENTS = 4_800;

  it.each(['log', 'views', 'audit', 'mirrors'] as const)('weighs no more than its events: %s', (kind) => {
    expect(overWeight(weighing(kind, 900), EVENTS)).toEqual([]);
    expect(overWeight(weighing(kind, 9_000), EVENTS)).toEqual([expect.stringContaining(`${kind}: `)]);
  });
});

describe('A service at rest', () => {
  const [sample] = day(() => ({ descriptors: 48, threads: 12 }));
  if (!sample) throw new Error('a day has looks');

  it('has nothing of what has come and gone', () => expect(unlikeRest(sample)).toEqual([]));

  it.each([
    ['processes below the service', { processes: 1 }],
    ['containers', { containers: 1 }],
    ['files in folders of executions', { files: { ...NONE, work: 1 } }],
    // One for each task of an hour.
    ['open file descriptors', { descriptors: 48 + 16 }],
    ['threads', { threads: 15 }],
  ] as const)('has too many %s, where it has', (what, more) =>
    expect(unlikeRest({ ...sample, ...more })).toEqual([expect.stringContaining(what)]),
  );
});

describe('Growth', () => {
  it('is what a straight line grows by', () => {
    expect(growthOf([0, 1, 2, 3].map((x) => [x, 5 + 2 * x]))).toBeCloseTo(6);
    expect(growthOf([[1, 1]])).toBe(0);
  });
});
