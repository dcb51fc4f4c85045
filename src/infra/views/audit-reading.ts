import { createReadStream } from 'node:fs';
import {
  type AuditFilter,
  type AuditHead,
  type AuditLine,
  type AuditVerdict,
  auditMatches,
  readAuditLine,
  verifyAudit,
} from '../../projections/audit.ts';

/** The lines of a file, one at a time, without their ends. What stands after the last line end comes too: it is a line cut short. */
export async function* auditTexts(file: string): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8' })) {
    const texts = (rest + chunk).split('\n');
    rest = texts.pop() ?? '';
    yield* texts;
  }
  if (rest !== '') yield rest;
}

/** Lines of an audit file that the filter lets through; needs neither the service nor its log. Throws `AuditFault` at a line that cannot be read. */
export async function* readAudit(file: string, filter: AuditFilter = {}): AsyncIterable<AuditLine> {
  let number = 0;
  for await (const text of auditTexts(file)) {
    const line = readAuditLine(text, ++number);
    if (auditMatches(line, filter)) yield line;
  }
}

/** Checks an audit file as `verifyAudit` does. */
export const verifyAuditFile = (file: string, expected?: AuditHead): Promise<AuditVerdict> =>
  verifyAudit(auditTexts(file), expected);
