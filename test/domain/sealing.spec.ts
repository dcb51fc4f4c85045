import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf, sha256 } from '../../src/domain/canonical.ts';
import { type Command, type Fact, hashHolds, type NewEvent, sealed } from '../../src/domain/event.ts';
import { taskStream } from '../../src/domain/ids.ts';
import { taskKind } from '../../src/domain/task/index.ts';
import { ownText, redacted, Text, textDigest, textOf, withTextDigests } from '../../src/domain/text.ts';
import { happened } from '../../src/domain/upcasters.ts';
import { createTask } from './task/commands.ts';
import { changeCollected, clarificationRequested, policyJudged, taskCreated, untilCompleted } from './task/events.ts';
import { TASK_ID, text, VIOLATED, WARNED } from './task/samples.ts';

const STREAM = taskStream(TASK_ID);
const place = { stream: STREAM, revision: 4 };
const command: Command = createTask();

const agentMeta = ['digest', 'text', 'salt', 'model'].map((name) => ({ name: text(name), value: text(`its ${name}`) }));
const facts: readonly Fact[] = [
  ...untilCompleted,
  clarificationRequested(),
  changeCollected({ agentMeta, egress: [{ host: text('example.test'), allowed: true }] }),
  policyJudged({ gate: 'required', report: WARNED }),
  policyJudged({ report: VIOLATED }),
  taskCreated({ onBehalfOf: text('Anna, they say') }),
];
const anyEvent: fc.Arbitrary<NewEvent> = fc.constantFrom(...facts).map((fact) => {
  const [event] = sealed(STREAM, [fact], command, place.revision, sha256('before'));
  if (!event) throw new Error('One fact is one event.');
  return JSON.parse(JSON.stringify(event));
});

type Path = readonly string[];

/** Every place of a plain value, leaves and all that holds them. */
const pathsOf = (value: unknown, at: Path = []): Path[] =>
  value !== null && typeof value === 'object'
    ? [at, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...at, key]))]
    : [at];

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce((inner, key) => (inner as Record<string, unknown>)[key], value); // Paths come from the value itself.

const changedAt = (value: unknown, [key, ...rest]: Path, change: (old: unknown) => unknown): unknown => {
  if (key === undefined) return change(value);
  const copy: Record<string, unknown> = { ...(value as object) };
  const inner = changedAt(copy[key], rest, change);
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === key ? inner : item));
  return { ...copy, [key]: inner };
};

const isText = (value: unknown): value is Text => Text.safeParse(value).success;

const textsOf = (event: NewEvent): Path[] => pathsOf(event.data).filter((path) => isText(valueAt(event.data, path)));

describe('A sealed event', () => {
  it('holds', () => {
    fc.assert(fc.property(anyEvent, (event) => hashHolds({ ...event, ...place })));
  });

  it('is the same again for the same input, and for nothing else', () => {
    const [fact] = facts;
    if (!fact) throw new Error('There are facts.');
    expect(sealed(STREAM, [fact], command, 0, '')).toEqual(sealed(STREAM, [fact], command, 0, ''));
    const others = [
      sealed(STREAM, [fact], { ...command, id: TASK_ID }, 0, ''),
      sealed(STREAM, [fact], { ...command, actor: 'system:other' }, 0, ''),
      sealed(STREAM, [fact], command, 1, ''),
      sealed('task-other', [fact], command, 0, ''),
      sealed(STREAM, [fact], command, 0, sha256('another')),
      sealed(STREAM, [fact], command, 0, ''),
    ].map(([event]) => event?.metadata.hash);
    expect(new Set(others).size).toBe(others.length);
  });

  it('is chained to the one before, within a command too', () => {
    const [first, second] = sealed(STREAM, facts.slice(0, 2), command, 0, '');
    expect(first?.metadata.prevHash).toBe('');
    expect(second?.metadata.prevHash).toBe(first?.metadata.hash);
    expect(second?.id).not.toBe(first?.id);
  });

  it('still holds, parses and folds after any of its texts was erased', () => {
    fc.assert(
      fc.property(anyEvent, fc.nat(), (event, pick) => {
        const paths = textsOf(event);
        fc.pre(paths.length > 0);
        const path = paths[pick % paths.length] ?? [];
        const data = changedAt(event.data, path, (old) => redacted(old as Text)); // Only texts were picked.
        expect(JSON.stringify(data)).not.toBe(JSON.stringify(event.data));
        expect(hashHolds({ ...event, data, ...place })).toBe(true);
        const read = happened(taskKind, { ...event, data });
        taskKind.evolve(taskKind.evolve(taskKind.initialState, taskCreated()), read);
        expect(textOf(valueAt(read.data, path) as Text)).toBe('[redacted]');
      }),
      { numRuns: 500 },
    );
  });

  it('still holds after all of them were erased', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const data = textsOf(event).reduce((left, path) => changedAt(left, path, (old) => redacted(old as Text)), event.data);
        expect(hashHolds({ ...event, data, ...place })).toBe(true);
      }),
    );
  });

  it('shows no name that an agent chose once the texts of a policy report were erased, and still holds', () => {
    const [event] = sealed(STREAM, [policyJudged({ report: VIOLATED })], command, place.revision, '');
    if (!event) throw new Error('One fact is one event.');
    expect(textsOf(event).map((path) => path.join('.'))).toEqual(['report.violations.0.path', 'report.violations.0.sentence']);
    const data = textsOf(event).reduce((left, path) => changedAt(left, path, (old) => redacted(old as Text)), event.data);
    expect(JSON.stringify(data)).not.toContain('.env');
    expect(hashHolds({ ...event, data, ...place })).toBe(true);
  });

  it('does not hold after anything of it was changed, added or taken away', () => {
    const tampered = fc.constantFrom<(old: unknown) => unknown>(
      (old) => (typeof old === 'string' ? `${old}x` : typeof old === 'number' ? old + 1 : old === null ? 'x' : null),
      (old) => (old !== null && typeof old === 'object' && !Array.isArray(old) ? { ...old, added: 1 } : [old, 'x']),
      () => undefined,
    );
    fc.assert(
      fc.property(anyEvent, fc.nat(), tampered, (event, pick, change) => {
        const { id, type, data, metadata } = event;
        const whole = { id, type, data, metadata, ...place };
        const paths = pathsOf(whole).filter((path) => path.length > 0);
        const path = paths[pick % paths.length] ?? [];
        const forged = changedAt(whole, path, change) as typeof whole; // As a forger would store it.
        fc.pre(forged.metadata !== undefined && forged.metadata !== null);
        expect(hashHolds(forged)).toBe(false);
      }),
      { numRuns: 1_500 },
    );
  });

  it('does not hold at another place', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(hashHolds({ ...event, ...place, revision: 5 })).toBe(false);
        expect(hashHolds({ ...event, ...place, stream: 'task-other' })).toBe(false);
      }),
    );
  });
});

describe('A text', () => {
  it('has the same digest before and after it is erased, and its own salt', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (words, salt) => {
        const whole = Text.parse({ text: words, salt });
        expect(textDigest(redacted(whole))).toBe(textDigest(whole));
        expect(textDigest(Text.parse({ text: words, salt: `${salt}x` }))).not.toBe(textDigest(whole));
      }),
    );
  });

  it('is mended where it holds half a surrogate pair, which has no canonical form', () => {
    expect(() => digestOf('\ud800')).toThrow();
    expect(Text.parse({ text: 'a\ud800', salt: '' })).toEqual({ text: 'a\ufffd', salt: '' });
    expect(ownText('\udc00')).toEqual({ text: '\ufffd', salt: '' });
  });

  it('is told by its shape, not by the names that a record gives its fields', () => {
    const record = { digest: text('what somebody calls a digest'), text: text('a'), salt: text('b'), model: text('c') };
    const digests = Object.fromEntries(Object.entries(record).map(([name, value]) => [name, textDigest(value)]));
    expect(withTextDigests({ record })).toEqual({ record: digests });
  });
});

describe('Canonical JSON', () => {
  it('does not depend on the order of names', () => {
    expect(canonicalJson({ b: 1, a: { d: [1, -0, 'é'], c: null } })).toBe('{"a":{"c":null,"d":[1,0,"é"]},"b":1}');
  });

  it('is refused for what JSON cannot hold', () => {
    for (const value of [undefined, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => canonicalJson(value)).toThrow();
  });
});
