import { describe, expect, it } from 'vitest';
import { type AdmissionLimits, admitted, createTurns, fullOfLight, type Weight } from '../../src/commands/admission.ts';
import type { WorkItem } from '../../src/commands/ports/work.ts';

type Item = WorkItem & { readonly weight: Weight };

const LIMITS: AdmissionLimits = { runningMax: 4, runningPerRepositoryMax: 2, runningHereMax: 9, lightMax: 3 };

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
    expect(names(admitted(LIMITS, free, []))).toEqual(['ada one', 'ada two', 'ada one']);
    expect(names(admitted(LIMITS, free, [item('bob', 'one')]))).toEqual(['ada two', 'ada one']);
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
    const light = ['one', 'two', 'three', 'four', 'five'].map((repo) => item('ada', repo, 'light'));
    const full = ['one', 'two', 'three', 'four'].map((repo) => item('ada', repo));
    expect(admitted(LIMITS, light, full)).toHaveLength(3);
    expect(admitted(LIMITS, light, [item('bob', 'one', 'light'), item('bob', 'one', 'light')])).toHaveLength(1);
  });

  it('gives one repository no more than half of the places of light steps', () => {
    const limits = { ...LIMITS, lightMax: 4 };
    const light = [...Array.from({ length: 5 }, () => item('ada', 'one', 'light')), item('ada', 'two', 'light')];
    expect(names(admitted(limits, light, []))).toEqual(['ada one', 'ada one', 'ada two']);
    const running = light.slice(0, 2);
    expect(fullOfLight(limits, running)).toEqual(['one']);
    expect(names(admitted(limits, light.slice(2), running))).toEqual(['ada two']);
  });

  it('lets no more begin in this process than it can bear, though others may', () => {
    const limits = { ...LIMITS, runningHereMax: 1 };
    const here = { ...item('ada', 'one'), here: true };
    expect(admitted(limits, [item('bob', 'two'), item('eve', 'three', 'continues')], [here])).toEqual([]);
    expect(names(admitted(limits, [item('bob', 'two'), item('eve', 'three')], [item('ada', 'one')]))).toEqual(['bob two']);
  });

  it('takes turns also where one runs at a time, whoever filed more or earlier', () => {
    const limits = { ...LIMITS, runningMax: 1 };
    const turns = createTurns();
    let waiting = [...['one', 'one', 'two'].map((repo) => item('ada', repo)), item('bob', 'one')];
    const order: string[] = [];
    while (waiting.length > 0) {
      const begun = admitted(limits, waiting, [], turns);
      order.push(...names(begun));
      waiting = waiting.filter((one) => !begun.includes(one));
      turns.saw(begun);
      turns.saw([]);
    }
    expect(order).toEqual(['ada one', 'bob one', 'ada two', 'ada one']);
  });

  it('remembers the turns of as many as may be asked about, and no more', () => {
    const turns = createTurns();
    turns.saw([item('ada', 'one')]);
    for (let n = 0; n < 1_000; n++) turns.saw([item(`person-${n}`, 'two')]);
    expect(turns.ofPerson('ada')).toBe(0);
    expect(turns.ofPerson('person-999')).toBe(1_001);
  });
});
