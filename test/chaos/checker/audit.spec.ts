import { describe, expect, it } from 'vitest';
import { auditLine, NO_LINES } from '../../../src/projections/audit.ts';
import { auditOf, BEHIND_LINES_MAX, unlikeLog } from './audit.ts';
import type { Logged } from './records.ts';

const event = (stream: string, revision: number, hash: string): Logged => ({
  ...{ stream, revision, id: `${stream}@${revision}`, type: 'Happened', data: { words: 'ä “x”\n', 1: [null] } },
  metadata: { prevHash: '', hash, at: '2026-01-01T00:00:00.000Z' },
});

const LOG = [
  event('person-1', 0, 'a'),
  event('task-1', 0, 'b'),
  event('card-1', 0, 'c'),
  event('chat-1', 0, 'd'),
  event('worker-1', 0, 'e'),
  event('history-1', 0, 'f'),
  event('task-1', 1, 'g'),
];
const LINES = auditOf(LOG);
const fileOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
const changed = (at: number, from: string, to: string): string =>
  fileOf(LINES.map((line, index) => (index === at ? line.replace(from, to) : line)));

describe('The audit that the checker expects', () => {
  it('is what the service writes of the same events', () => {
    let head = NO_LINES;
    const written = LOG.filter(({ stream }) => !/^(card|worker)-/.test(stream)).map((one) => {
      const line = auditLine(one, head);
      ({ head } = line);
      return line.text;
    });
    expect(LINES).toEqual(written);
  });
});

describe('An audit file', () => {
  it('is whole with every line, and begun with the first of them and part of the next', () => {
    expect(unlikeLog(fileOf(LINES), LINES, 'whole')).toEqual([]);
    expect(unlikeLog(fileOf(LINES.slice(0, 2)), LINES, 'begun')).toEqual([]);
    expect(unlikeLog(`${fileOf(LINES.slice(0, 2))}{"aud`, LINES, 'begun')).toEqual([]);
  });

  it.for([
    ['an event is left out', fileOf(LINES.toSpliced(1, 1))],
    ['an event is left out and the rest counted anew', fileOf(auditOf(LOG.toSpliced(1, 1)))],
    ['two events changed places', fileOf(auditOf([...LOG.slice(0, 1), ...LOG.slice(1).reverse()]))],
    ['a line stands there twice', fileOf([...LINES, ...LINES.slice(-1)])],
    ['an event nobody stored was added', fileOf(auditOf([...LOG, event('task-2', 0, 'h')]))],
    ['an event has another hash', changed(1, '"hash":"b"', '"hash":"x"')],
    ['a number is another', changed(2, '"sequence":3', '"sequence":4')],
    ['a line follows from another', changed(3, '"lineHash":"', '"lineHash":"0')],
    ['a word is another', changed(4, 'ä', 'o')],
    ['it holds nothing', ''],
  ] as const)('is neither when %s', ([, text]) => {
    expect(unlikeLog(text, LINES, 'begun')).toHaveLength(1);
    expect(unlikeLog(text, LINES, 'whole')).toHaveLength(1);
  });

  it('is not begun when it was left off long ago', () => {
    const long = auditOf(Array.from({ length: BEHIND_LINES_MAX + 2 }, (_, revision) => event('task-1', revision, `${revision}`)));
    expect(unlikeLog(fileOf(long.slice(0, 2)), long, 'begun')).toEqual([]);
    expect(unlikeLog(fileOf(long.slice(0, 1)), long, 'begun')).toEqual(['has 1 lines of 102']);
  });

  it('is not whole without its last line or the end of it', () => {
    expect(unlikeLog(fileOf(LINES.slice(0, -1)), LINES, 'whole')).toEqual(['has 4 lines of 5']);
    expect(unlikeLog(`${fileOf(LINES)}{"aud`, LINES, 'whole')).toEqual(['ends in the middle of a line']);
  });
});
