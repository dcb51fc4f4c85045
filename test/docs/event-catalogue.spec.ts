import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cardEvents } from '../../src/domain/card.ts';
import { chatEvents } from '../../src/domain/chat/index.ts';
import { historyEvents } from '../../src/domain/history/events.ts';
import { personEvents } from '../../src/domain/person/events.ts';
import { taskEvents } from '../../src/domain/task/events.ts';
import { eventCatalogue } from './event-catalogue.ts';
import { FIELD_MEANINGS } from './field-meanings.ts';

describe('docs/events.md', () => {
  it('is what the schemas say; if not, run: npm run docs', () => {
    expect(readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8')).toBe(eventCatalogue());
  });

  it('explains no field that no event has', () => {
    const events = Object.entries({ ...taskEvents, ...personEvents, ...chatEvents, ...cardEvents, ...historyEvents });
    const known = events.flatMap(([name, { shape }]) => Object.keys(shape).flatMap((field) => [field, `${name}.${field}`]));
    expect(Object.keys(FIELD_MEANINGS).filter((field) => !known.includes(field))).toEqual([]);
  });
});
