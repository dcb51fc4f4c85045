import { describe, expect, it } from 'vitest';
import { admitted, type Weight } from '../../src/commands/admission.ts';

const LIMITS = { runningMax: 4, runningPerRepositoryMax: 2, runningHereMax: 4, lightMax: 3 };

const item = (weight: Weight, name: string, { repo = name, person = name } = {}) => ({
  stream: `task-${name}`,
  step: { key: `${weight}-1`, kind: weight },
  repo,
  person,
  weight,
});
const many = (weight: Weight, count: number) => Array.from({ length: count }, (_, index) => item(weight, `${weight}${index}`));
const namesOf = (items: readonly { readonly stream: string }[]) => items.map(({ stream }) => stream.slice('task-'.length));

describe('Admission', () => {
  it('lets so many new tasks begin as there are slots', () => {
    expect(admitted(LIMITS, many('begins', 10), [])).toHaveLength(4);
    expect(
      admitted(
        LIMITS,
        many('begins', 10),
        many('begins', 3).map((one) => ({ ...one, stream: `${one.stream}-other` })),
      ),
    ).toHaveLength(1);
  });

  it('lets two of one repository run, and takes turns by person', () => {
    const free = [
      item('begins', 'a1', { repo: 'one', person: 'ann' }),
      item('begins', 'a2', { repo: 'one', person: 'ann' }),
      item('begins', 'a3', { repo: 'one', person: 'ann' }),
      item('begins', 'a4', { repo: 'two', person: 'ann' }),
      item('begins', 'b1', { repo: 'two', person: 'bob' }),
    ];
    expect(namesOf(admitted(LIMITS, free, []))).toEqual(['a1', 'b1', 'a2', 'a4']);
  });

  it('lets a task that is under way go on though every slot is taken', () => {
    expect(namesOf(admitted(LIMITS, [item('continues', 'on')], many('begins', 4)))).toEqual(['on']);
  });

  it('lets no more go on at once than there are slots, though many waited for the same outage', () => {
    const free = [...many('continues', 50), ...many('begins', 10)];
    expect(namesOf(admitted(LIMITS, free, []))).toEqual(['continues0', 'continues1', 'continues2', 'continues3']);
    expect(admitted(LIMITS, free.slice(4), free.slice(0, 4))).toEqual([]);
  });

  it('lets light steps fill their own limit', () => {
    expect(namesOf(admitted(LIMITS, many('light', 10), many('begins', 4)))).toEqual(['light0', 'light1', 'light2']);
  });
});
