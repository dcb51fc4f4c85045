import { describe, expect, it } from 'vitest';
import { changeList } from '../../src/commands/task/change-list.ts';
import { canonicalJson } from '../../src/domain/canonical.ts';
import { ARTIFACT_BYTES_MAX } from '../../src/domain/limits.ts';
import type { ChangeEntry } from '../../src/domain/policy/shapes.ts';

const added = (path: string): ChangeEntry => ({
  path,
  pathIsUtf8: true,
  kind: 'added',
  oldMode: '000000',
  newMode: '100644',
  oldId: '0'.repeat(40),
  newId: 'a'.repeat(40),
  insertions: 1,
  deletions: 0,
  newBytes: 2,
});

describe('The list of what changed', () => {
  it('is canonical JSON', () => {
    for (const entries of [[], [added('a')], [added('a'), added('b/ü')]])
      expect(changeList(entries).toString()).toBe(canonicalJson(entries));
  });

  it('fits into an artifact, however long the names are that an agent makes', () => {
    const entries = Array.from({ length: 9_000 }, (_, index) => added(`${'ü'.repeat(900)}/${index}`));
    const list = changeList(entries);
    expect(list.length).toBeLessThanOrEqual(ARTIFACT_BYTES_MAX);
    const kept: unknown[] = JSON.parse(list.toString());
    expect(kept).toEqual(entries.slice(0, kept.length));
    expect(kept.length).toBeGreaterThan(4_000);
  });
});
