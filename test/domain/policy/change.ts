import { defaultPolicy } from '../../../src/domain/policy/policy.ts';
import type { ChangeEntry, CollectedChange, Policy } from '../../../src/domain/policy/shapes.ts';

/** A modified ordinary file; name what the case is about. */
export const entry = (path: string, fields: Partial<ChangeEntry> = {}): ChangeEntry => ({
  path,
  pathIsUtf8: true,
  kind: 'modified',
  oldMode: '100644',
  newMode: '100644',
  oldId: '1'.repeat(40),
  newId: '2'.repeat(40),
  insertions: 1,
  deletions: 1,
  newBytes: 10,
  ...fields,
});

export const added = (path: string, fields: Partial<ChangeEntry> = {}): ChangeEntry =>
  entry(path, { kind: 'added', oldMode: '000000', deletions: 0, ...fields });

export const deleted = (path: string, fields: Partial<ChangeEntry> = {}): ChangeEntry =>
  entry(path, { kind: 'deleted', newMode: '000000', insertions: 0, newBytes: 0, ...fields });

export const change = (entries: readonly ChangeEntry[], fields: Partial<CollectedChange> = {}): CollectedChange => ({
  entries,
  findings: [],
  patchBytes: 100,
  refusedPaths: [],
  ...fields,
});

export const policy = (fields: Partial<Policy> = {}): Policy => ({ ...defaultPolicy, ...fields });
