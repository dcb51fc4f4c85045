import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical.ts';
import { type AuditHead, type AuditLine, auditLine, NO_LINES, verifyAudit } from '../../src/projections/audit.ts';
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
    ['data that was changed', replaced(lines, 4, ({ data }) => ({ data: { ...(data as object), attempt: 2 } })), 5],
    ['another actor', replaced(lines, 4, ({ metadata }) => ({ metadata: { ...metadata, actor: 'person-x' } })), 5],
    ['another time', replaced(lines, 4, ({ metadata }) => ({ metadata: { ...metadata, at: '2026-01-01T00:00:00.000Z' } })), 5],
    ['another type', replaced(lines, 4, () => ({ type: 'TaskRejected' })), 5],
    ['another stream', replaced(lines, 4, () => ({ stream: `task-${taskIdOf(7)}` })), 5],
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
  ])('does not verify with %s', async (_, tampered, line) => {
    expect(await verifyAudit(tampered)).toMatchObject({ valid: false, line, lines: line - 1 });
  });

  it('does not verify with its end cut off, when its head was noted', async () => {
    expect(await verifyAudit(lines.slice(0, -2), head)).toMatchObject({ valid: false, line: events.length - 1 });
    expect(await verifyAudit([], head)).toMatchObject({ valid: false, line: 1 });
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
    expect(await verifyAudit(rewritten, head)).toMatchObject({ valid: false, line: events.length });
  });

  it('does not verify when an event is left out and the lines are made to fit', async () => {
    let fitted: AuditHead = NO_LINES;
    const left = events.filter(({ revision, stream }) => !(revision === 2 && stream.endsWith(taskIdOf(0))));
    const rewritten = left.map((event) => {
      const line = auditLine(event, fitted);
      fitted = line.head;
      return line.text;
    });
    expect(await verifyAudit(rewritten)).toMatchObject({ valid: false, line: 3 });
  });
});
