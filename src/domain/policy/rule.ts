import type { Components, Glob } from './glob.ts';
import { shownPath } from './path-name.ts';
import type { ChangeEntry, CollectedChange, LineFinding, Policy, PolicyItem } from './shapes.ts';

/** One changed path with the spelling that rules compare, taken apart. */
export interface JudgedEntry extends ChangeEntry {
  readonly components: Components;
}

export interface Judged {
  readonly change: CollectedChange;
  readonly entries: readonly JudgedEntry[];
  readonly policy: Policy;
  readonly blocked: readonly Glob[];
}

export type Rule = (judged: Judged) => PolicyItem[];

/** A rule that looks at one entry at a time and says a sentence, or nothing. */
export const perEntry =
  (rule: string, sentence: (entry: JudgedEntry, judged: Judged) => string | false): Rule =>
  (judged) =>
    judged.entries.flatMap((entry) => {
      const said = sentence(entry, judged);
      return said === false ? [] : [{ rule, path: shownPath(entry.path), sentence: said }];
    });

/** A person needs only the first few places. */
const LINES_NAMED_MAX = 5;

const place = (lines: readonly number[]): string => {
  const known = [...new Set(lines)].filter((line) => line > 0).sort((a, b) => a - b);
  if (known.length === 0) return '';
  const more = known.length - LINES_NAMED_MAX;
  return ` (line ${known.slice(0, LINES_NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
};

/** A rule about what was seen in added lines: one item a path, however many lines. */
export const perFinding =
  (kind: LineFinding['kind'], sentence: (place: string) => string): Rule =>
  ({ change }) => {
    const byPath = Map.groupBy(
      change.findings.filter((finding) => finding.kind === kind),
      (finding) => finding.path,
    );
    return [...byPath].map(([path, findings]) => ({
      rule: kind,
      path: shownPath(path),
      sentence: sentence(place(findings.map((finding) => finding.line))),
    }));
  };

export const isBinary = (entry: ChangeEntry): boolean => entry.insertions === null || entry.deletions === null;

export const insertionsOf = (change: CollectedChange): number =>
  change.entries.reduce((sum, entry) => sum + (entry.insertions ?? 0), 0);
export const deletionsOf = (change: CollectedChange): number =>
  change.entries.reduce((sum, entry) => sum + (entry.deletions ?? 0), 0);
