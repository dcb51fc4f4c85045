import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical.ts';
import type { RecordedEvent } from '../../src/domain/event-store.ts';
import { recorded } from '../../src/infra/store/eventstoredb-record.ts';
import { type AuditHead, type AuditLine, auditLine, FAULTS_MAX, NO_LINES, verifyAudit } from '../../src/projections/audit.ts';
import { untilCompleted, untilPatchApproved } from '../domain/task/events.ts';
import { storyOf, taskIdOf } from '../views/stories.ts';

const events = [untilCompleted, untilPatchApproved].flatMap((history, number) =>
  storyOf(taskIdOf(number), history).map((event, revision) => ({ ...event, stream: `task-${taskIdOf(number)}`, revision })),
);

/** The audit of two tasks whose events take turns. */
const audit = () => {
  let head: AuditHead = NO_LINES;
  const ordered = events.toSorted((a, b) => a.revision - b.revision || (a.stream < b.stream ? -1 : 1));
  const lines = ordered.map((event) => {
    const line = auditLine(event, head);
    ({ head } = line);
    return line.text;
  });
  return { lines, head };
};

/** An event that somebody appended behind the first one of a task, as it comes from the server. */
const foreign = (wrote: { readonly data: unknown; readonly metadata: unknown }, revision = 1): RecordedEvent => {
  const event = recorded({
    id: crypto.randomUUID(),
    type: 'TaskApproved',
    streamId: `task-${taskIdOf(5)}`,
    revision: BigInt(revision),
    position: { commit: 1n, prepare: 1n },
    ...wrote,
  });
  return event ?? expect.fail('it stands in a stream of ours');
};

/** The lines of these events. */
const told = (parts: readonly Parameters<typeof auditLine>[0][]): string[] => {
  let head: AuditHead = NO_LINES;
  return parts.map((event) => {
    const line = auditLine(event, head);
    ({ head } = line);
    return line.text;
  });
};

const changed = (text: string, change: (line: AuditLine) => object): string => {
  const line: AuditLine = JSON.parse(text);
  return canonicalJson({ ...line, ...change(line) });
};

const replaced = (lines: readonly string[], index: number, change: (line: AuditLine) => object): string[] =>
  lines.map((text, at) => (at === index ? changed(text, change) : text));

describe('An audit', () => {
  const { lines, head } = audit();

  it('verifies as it was written', async () => {
    expect(await verifyAudit(lines, head)).toEqual({ valid: true, lines: events.length, head });
  });

  it('verifies against a head that was noted long ago', async () => {
    const noted = await verifyAudit(lines.slice(0, 5));
    expect(noted.valid && (await verifyAudit(lines, noted.head))).toMatchObject({ valid: true });
  });

  it('is canonical JSON in every line', () => {
    for (const line of lines) expect(canonicalJson(JSON.parse(line))).toBe(line);
  });

  it.each<[string, readonly string[], number]>([
    ['a declared hash that nobody computed', replaced(lines, 4, () => ({ hash: 'f'.repeat(64) })), 5],
    ['a declared line hash that nobody computed', replaced(lines, 4, () => ({ lineHash: 'f'.repeat(64) })), 5],
    ['a line cut from the middle', lines.toSpliced(4, 1), 5],
    ['its beginning cut off', lines.slice(3), 1],
    ['two lines that changed places', lines.with(4, lines[5] ?? '').with(5, lines[4] ?? ''), 5],
    ['a line twice', lines.toSpliced(4, 0, lines[3] ?? ''), 5],
    ['a field more', replaced(lines, 4, () => ({ note: 'x' })), 5],
    ['white space', lines.with(4, ` ${lines[4]}`), 5],
    ['a key twice, of which only the last is read', lines.with(4, `{"auditVersion":"1.0",${lines[4]?.slice(1)}`), 5],
    ['a torn line', lines.with(-1, lines.at(-1)?.slice(0, 40) ?? ''), events.length],
    ['an empty line', lines.with(4, ''), 5],
    ['half a character', lines.with(4, lines[4]?.replace('"data":{', '"data":{"a":"\\ud800",') ?? ''), 5],
    [
      'what is nested too deeply',
      lines.with(4, lines[4]?.replace('"data":{', `"data":{"a":${'['.repeat(101)}${']'.repeat(101)},`) ?? ''),
      5,
    ],
  ])('does not verify from there on with %s', async (_, tampered, line) => {
    expect(await verifyAudit(tampered)).toMatchObject({ valid: false, faults: [], brokenAt: { line }, lines: line - 1 });
  });

  it.each<[string, (line: AuditLine) => object, readonly number[]]>([
    ['data that was changed', ({ data }) => ({ data: { ...(data as object), attempt: 2 } }), [5]],
    ['another actor', ({ metadata }) => ({ metadata: { ...metadata, actor: 'person-x' } }), [5]],
    ['another time', ({ metadata }) => ({ metadata: { ...metadata, at: '2026-01-01T00:00:00.000Z' } }), [5]],
    ['another type', () => ({ type: 'TaskRejected' }), [5]],
    ['another stream', () => ({ stream: `task-${taskIdOf(7)}` }), [5, 7]],
  ])('does not verify with %s, and says which lines are not what was written', async (_, change, strange) => {
    const verdict = await verifyAudit(replaced(lines, 4, change), head);
    expect(verdict).toMatchObject({ valid: false, lines: events.length, head, faultCount: strange.length, brokenAt: null });
    expect('faults' in verdict && verdict.faults.map(({ line }) => line)).toEqual(strange);
  });

  it('does not verify with its end cut off, when its head was noted', async () => {
    expect(await verifyAudit(lines.slice(0, -2), head)).toMatchObject({ valid: false, brokenAt: { line: events.length - 1 } });
    expect(await verifyAudit([], head)).toMatchObject({ valid: false, brokenAt: { line: 1 } });
  });

  it('does not verify when it was rewritten as a whole, all hashes right, and its head was noted', async () => {
    let forged: AuditHead = NO_LINES;
    const story = storyOf(taskIdOf(0), untilCompleted.slice(0, 3));
    const rewritten = Array.from({ length: events.length }, (_, number) => {
      const told = storyOf(taskIdOf(number), untilCompleted.slice(0, 1))[0] ?? story[0];
      if (!told) throw new Error('a story has a beginning');
      const line = auditLine({ ...told, stream: `task-${taskIdOf(number)}`, revision: 0 }, forged);
      forged = line.head;
      return line.text;
    });

    expect(await verifyAudit(rewritten)).toMatchObject({ valid: true });
    expect(await verifyAudit(rewritten, head)).toMatchObject({ valid: false, brokenAt: { line: events.length } });
  });

  it('does not verify when an event is left out and the lines are made to fit', async () => {
    const left = events.filter(({ revision, stream }) => !(revision === 2 && stream.endsWith(taskIdOf(0))));
    expect(await verifyAudit(told(left))).toMatchObject({ valid: false, faults: [{ line: 3 }] });
  });
});

describe('What somebody else appended to a stream of ours', () => {
  const begun = { ...(events[0] ?? expect.fail('a story has a beginning')), stream: `task-${taskIdOf(0)}` };
  const after = events.slice(1);
  const deep = Array.from({ length: 200_000 }).reduce<unknown>((inner) => [inner], []);

  it.each([
    ['without an envelope', { data: { taskId: 'x' }, metadata: undefined }],
    ['without a hash', { data: { taskId: 'x' }, metadata: { actor: 'person-x' } }],
    ['with a hash that nobody computed', { data: null, metadata: { prevHash: '', hash: 'f'.repeat(64) } }],
    ['with half a character', { data: {}, metadata: { hash: '\ud800' } }],
    ['nested too deeply to be written', { data: deep, metadata: { actor: 'person-x', hash: 'f'.repeat(64) } }],
  ])('is named, and everything else is judged: %s', async (_, wrote) => {
    const verdict = await verifyAudit(told([begun, foreign(wrote), ...after]));
    expect(verdict).toMatchObject({
      valid: false,
      lines: events.length + 1,
      faultCount: 1,
      faults: [{ line: 2, sentence: expect.stringContaining(`task-${taskIdOf(5)}, revision 1`) }],
      brokenAt: null,
    });
    expect('faults' in verdict && verdict.faults[0]?.sentence).toContain('written by somebody else');
  });

  it('hides nothing that is changed behind it, nor lines that are missing', async () => {
    const lines = told([begun, foreign({ data: {}, metadata: {} }), ...after]);
    expect(await verifyAudit(replaced(lines, 6, () => ({ type: 'TaskRejected' })))).toMatchObject({
      faults: [{ line: 2 }, { line: 7 }],
    });
    expect(await verifyAudit(lines.toSpliced(6, 1))).toMatchObject({ faults: [{ line: 2 }], brokenAt: { line: 7 }, lines: 6 });
  });

  it('is named as often as anybody reads, and counted to the end', async () => {
    const many = Array.from({ length: 3 * FAULTS_MAX }, (_, revision) => foreign({ data: {}, metadata: {} }, revision));
    const verdict = await verifyAudit(told(many));
    expect(verdict).toMatchObject({ valid: false, lines: many.length, faultCount: many.length, brokenAt: null });
    expect('faults' in verdict && verdict.faults).toHaveLength(FAULTS_MAX);
  });
});
