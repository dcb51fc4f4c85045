import canonicalize from 'canonicalize';
import { CHAINED, digestOf } from './chains.ts';
import type { Logged } from './records.ts';

/** The lines that an audit of this log has, made by rules of this file's own. Nothing is erased in the laboratory, so they hold every text. */
export const auditOf = (log: readonly Logged[]): readonly string[] => {
  let before = '';
  return log
    .filter(({ stream }) => CHAINED.test(stream))
    .map(({ stream, revision, id, type, data, metadata: { hash = '', ...metadata } }, index) => {
      const sequence = index + 1;
      before = digestOf({ before, hash, sequence });
      const event = { stream, revision, id, type, data, metadata, hash };
      return canonicalize({ auditVersion: '2.0', ...event, sequence, lineHash: before }) ?? '';
    });
};

/** Most lines that a stopped service may be behind: more than the busiest batch stores in the five seconds that it waits for a disk or a log. */
export const BEHIND_LINES_MAX = 100;

/**
 * What an audit file says that the log does not.
 * `begun`: the file as a stopped service left it. Whoever is asked to stop does not wait for the audit, and one that had just been started had
 * yet to catch up, in a setup of one process as well: so it holds the beginning of what it should, perhaps with part of a line behind it.
 * `whole`: after a next life caught up.
 */
export const unlikeLog = (text: string, expected: readonly string[], extent: 'begun' | 'whole'): readonly string[] => {
  const lines = text.split('\n');
  const torn = lines.pop();
  const other = lines.findIndex((line, at) => line !== expected[at]);
  if (other >= 0) return [`line ${other + 1}: ${lines[other]} is, by the log, ${expected[other]}`];
  const missing = expected.length - lines.length;
  if (lines.length === 0 || missing > (extent === 'begun' ? BEHIND_LINES_MAX : 0))
    return [`has ${lines.length} lines of ${expected.length}`];
  return extent === 'whole' && torn !== '' ? ['ends in the middle of a line'] : [];
};
