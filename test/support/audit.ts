import { createReadStream } from 'node:fs';
import { linesOf } from '../../src/infra/cli/lines.ts';
import { type AuditHead, type AuditVerdict, verifyAudit } from '../../src/projections/audit.ts';

/** Checks an audit file as `verifyAudit` does. */
export const verifyAuditFile = (file: string, expected?: AuditHead): Promise<AuditVerdict> =>
  verifyAudit(linesOf(createReadStream(file)), expected);
