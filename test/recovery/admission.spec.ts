import { describe, expect, it } from 'vitest';
import { type AdmissionLimits, admitted, type Weight } from '../../src/commands/admission.ts';
import type { WorkItem } from '../../src/commands/ports/work.ts';

type Item = WorkItem & { readonly weight: Weight };

const LIMITS: AdmissionLimits = { runningMax: 4, runningPerRepositoryMax: 2, lightMax: 3 };

let made = 0;
/** `ada wants one`: a step of a task of that person on that repository. */
const item = (person: string, repo: string, weight: Weight = 'begins'): Item => ({
  stream: `task-${++made}`,
  step: { kind: 'any', key: 'any' },
  person,
  repo,
  weight,
});

const names = (items: readonly Item[]): readonly string[] => items.map(({ person, repo }) => `${person} ${repo}`);

describe('Admission', () => {
  it('lets no more begin than may run, what runs already included', () => {
    const free = ['one', 'two', 'three', 'four', 'five'].map((repo) => item('ada', repo));
    expect(admitted(LIMITS, free, [])).toHaveLength(4);
    expect(admitted(LIMITS, free, [item('ada', 'six'), item('ada', 'seven', 'continues')])).toHaveLength(2);
    const full = ['six', 'seven', 'eight', 'nine'].map((repo) => item('ada', repo));
    expect(admitted(LIMITS, free, full)).toEqual([]);
  });

  it('lets no more begin on one repository than may, and does not hold the others up', () => {
    const free = [...Array.from({ length: 5 }, () => item('ada', 'one')), item('ada', 'two')];
    expect(names(admitted(LIMITS, free, []))).toEqual(['ada one', 'ada one', 'ada two']);
    expect(names(admitted(LIMITS, free, [item('bob', 'one')]))).toEqual(['ada one', 'ada two']);
  });

  it('takes turns by person, whoever filed more or earlier', () => {
    const free = [...['one', 'two', 'three', 'four'].map((repo) => item('ada', repo)), item('bob', 'five'), item('eve', 'six')];
    expect(names(admitted(LIMITS, free, []))).toEqual(['ada one', 'bob five', 'eve six', 'ada two']);
  });

  it('prefers who has the fewest running, and the oldest request among equals', () => {
    const free = [item('ada', 'one'), item('bob', 'two'), item('eve', 'three')];
    const running = [item('ada', 'four'), item('bob', 'five')];
    expect(names(admitted(LIMITS, free, running))).toEqual(['eve three', 'ada one']);
  });

  it('lets a task under way go on although everything is taken, and counts it', () => {
    const full = ['one', 'two', 'three', 'four'].map((repo) => item('ada', repo));
    const goesOn = item('bob', 'one', 'continues');
    expect(admitted(LIMITS, [item('eve', 'five'), goesOn], full)).toEqual([goesOn]);
    expect(admitted(LIMITS, [item('eve', 'five'), goesOn], full.slice(0, 3))).toEqual([goesOn]);
  });

  it('gives light steps a limit of their own', () => {
    const light = Array.from({ length: 5 }, () => item('ada', 'one', 'light'));
    const full = ['one', 'two', 'three', 'four'].map((repo) => item('ada', repo));
    expect(admitted(LIMITS, light, full)).toHaveLength(3);
    expect(admitted(LIMITS, light, [item('bob', 'one', 'light'), item('bob', 'one', 'light')])).toHaveLength(1);
  });
});
