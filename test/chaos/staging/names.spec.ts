import { describe, expect, it } from 'vitest';
import { cardKind } from '../../../src/domain/card.ts';
import { taskKind } from '../../../src/domain/task/index.ts';
import { POINTS } from '../points.ts';
import { namesOf } from './names.ts';

const APPENDS = [...new Set(POINTS.map(({ where }) => where))].filter((where) => where.startsWith('append '));
const OF_LEASES = ['LeaseClaimed'];

describe('A point at an append', () => {
  it.each(APPENDS)('is met by an event that there is: %s', (where) => {
    const [, type = '', stage] = /^append (\w+)(?: \((\w+)\))?$/.exec(where) ?? [];
    expect([...Object.keys(taskKind.events), ...Object.keys(cardKind.events), ...OF_LEASES]).toContain(type);
    const stages = stage === undefined ? ['agent', null, undefined] : [stage];
    for (const of of stages)
      expect(namesOf('store', 'append', ['task-1', [{ type, data: { stage: of } }], 'any'])).toContain(where);
  });
});
