import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { canonicalJson, sha256 } from '../../src/domain/canonical.ts';
import { cardKind } from '../../src/domain/card.ts';
import { chatKind } from '../../src/domain/chat/index.ts';
import type { Kind } from '../../src/domain/decider.ts';
import { SCHEMA_VERSION } from '../../src/domain/event.ts';
import { historyKind } from '../../src/domain/history/index.ts';
import { personKind } from '../../src/domain/person/index.ts';
import { taskKind } from '../../src/domain/task/index.ts';
import { happened } from '../../src/domain/upcasters.ts';
import { untilRequested } from './task/events.ts';
import { BERT, NOON } from './task/samples.ts';

/**
 * Every shape of an event that was ever written, one canonical line each: `{ data, schema, type }`. A new shape is a new line at the end; a
 * line is never changed or taken away, for a log somewhere holds it. Whoever adds lines states here how many there are and their digest.
 */
const EVER_WRITTEN = { lines: 148, digest: 'cc9ef4554ef9506897baddab3acc291641a2dcc1e1017ced5706d015a1bab89d' };

interface Shape {
  readonly type: string;
  readonly schema: string;
  readonly data: unknown;
}

const kinds = [taskKind, personKind, chatKind, historyKind, cardKind] as readonly Kind[];
const kindOf = (type: string): Kind | undefined => kinds.find(({ events }) => Object.hasOwn(events, type));

const lines = readFileSync(new URL('stored-shapes.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const shapes: readonly Shape[] = lines.map((line) => JSON.parse(line));

const envelope = {
  $correlationId: '',
  $causationId: '',
  commandId: '',
  actor: BERT,
  channel: 'http',
  at: NOON,
  prevHash: '',
  hash: '',
};
const read = ({ type, schema, data }: Shape) =>
  happened(kindOf(type) ?? taskKind, { type, data, metadata: { ...envelope, schema } });

/** What of a schema no value stands for: a field never absent, never null, a choice never taken. */
const unseen = (schema: z.core.$ZodType, values: readonly unknown[], path: string): string[] => {
  const { def } = schema._zod as { readonly def: z.core.$ZodTypes['_zod']['def'] }; // The union of all that zod knows.
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape).flatMap(
        ([key, inner]) =>
          unseen(
            inner,
            values.map((value) => (value as Record<string, unknown>)[key]),
            `${path}.${key}`,
          ), // It was parsed as an object.
      );
    case 'optional':
      return [
        ...(values.includes(undefined) ? [] : [`${path} is never absent`]),
        ...unseen(
          def.innerType,
          values.filter((value) => value !== undefined),
          path,
        ),
      ];
    case 'nullable':
      return [
        ...(values.includes(null) ? [] : [`${path} is never null`]),
        ...unseen(
          def.innerType,
          values.filter((value) => value !== null),
          path,
        ),
      ];
    case 'union':
      return def.options.flatMap(
        (option, index) =>
          unseen(
            option,
            values.filter((value) => (option as z.ZodType).safeParse(value).success),
            `${path}|${index}`,
          ), // Ours are classic.
      );
    case 'array':
      return unseen(def.element, values.flat(), `${path}[]`);
    case 'record':
      return unseen(
        def.valueType,
        values.flatMap((value) => Object.values(value as object)),
        `${path}{}`,
      ); // It was parsed as a record.
    case 'enum':
      return Object.values(def.entries).flatMap((choice) => (values.includes(choice) ? [] : [`${path} is never ${choice}`]));
    case 'boolean':
      return [true, false].flatMap((choice) => (values.includes(choice) ? [] : [`${path} is never ${choice}`]));
    default:
      return values.length > 0 ? [] : [`${path} is never there`];
  }
};

describe('The file of stored shapes', () => {
  it('only grows: when lines were added, state their number and digest in this test', () => {
    expect({ lines: lines.length, digest: sha256(lines.join('\n')) }).toEqual(EVER_WRITTEN);
  });

  it('holds canonical lines, each once', () => {
    expect(shapes.map((shape) => canonicalJson(shape))).toEqual(lines);
    expect(new Set(lines).size).toBe(lines.length);
  });

  it.each(kinds.flatMap((kind) => Object.entries(kind.events)))(
    'covers %s: every field there and not there, every choice',
    (type, schema) => {
      const values = shapes.filter((shape) => shape.type === type && shape.schema === SCHEMA_VERSION).map(({ data }) => data);
      expect(unseen(schema, values, type)).toEqual([]);
    },
  );
});

describe('Every shape ever stored', () => {
  it.each(shapes.map((shape, index) => [index + 1, shape.type, shape] as const))(
    'line %i, %s, reads back and folds',
    (_, type, shape) => {
      const event = read(shape);
      // Nothing of it is lost on the way; an upcaster may only add.
      expect(event.data).toMatchObject(shape.data as object);
      const kind = kindOf(type) ?? taskKind;
      const before = kind === taskKind ? untilRequested.reduce(kind.evolve, kind.initialState) : kind.initialState;
      expect(() => kind.evolve(before, event)).not.toThrow();
      expect(() => kind.nextStep(kind.evolve(before, event))).not.toThrow();
    },
  );
});

describe('What an agent of the first logs said of itself', () => {
  it('is read as the list that it is today, erased or not', () => {
    const stored = shapes.findLast(({ type }) => type === 'ChangeCollected');
    const texts = { model: { text: 'some-model', salt: 'salt' }, session: { digest: 'a'.repeat(64) } };
    const { data } = read({ type: 'ChangeCollected', schema: '1', data: { ...Object(stored?.data), agentMeta: texts } });
    expect(data).toMatchObject({
      agentMeta: [
        { name: { text: 'model', salt: '' }, value: texts.model },
        { name: { text: 'session', salt: '' }, value: texts.session },
      ],
    });
  });
});

describe('An event that no code here understands', () => {
  it.each([
    ['a type of newer code', { type: 'TaskTeleported', schema: '2', data: {} }, '2'],
    ['a known type in a newer shape', { type: 'TaskCreated', schema: '2', data: {} }, '2'],
    ['a type that only objects know', { type: 'toString', schema: '1', data: {} }, '1'],
    ['a known type in a shape it never had', { type: 'TaskCreated', schema: '1', data: {} }, 'unreadable'],
    ['a version that is none', { type: 'TaskCreated', schema: 'x', data: {} }, 'unreadable'],
  ])('says what it needs: %s', (_, event, needs) => {
    expect(() => read(event)).toThrow(expect.objectContaining({ name: 'UnreadableEvent', needs }));
  });
});
