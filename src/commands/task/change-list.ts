import { canonicalJson } from '../../domain/canonical.ts';
import { ARTIFACT_BYTES_MAX } from '../../domain/limits.ts';
import type { ChangeEntry } from '../../domain/policy/shapes.ts';

/** Most entries of a change that are kept; one with more is refused by policy long before. */
const CHANGES_KEPT_MAX = 10_000;

/** The canonical JSON of the entries, as many as an artifact holds: the agent chose their names, and so how long they are. */
export const changeList = (entries: readonly ChangeEntry[]): Buffer => {
  const kept: string[] = [];
  let bytes = '[]'.length;
  for (const entry of entries.slice(0, CHANGES_KEPT_MAX)) {
    const text = canonicalJson(entry);
    bytes += Buffer.byteLength(text) + ','.length;
    if (bytes > ARTIFACT_BYTES_MAX) break;
    kept.push(text);
  }
  return Buffer.from(`[${kept.join(',')}]`);
};
