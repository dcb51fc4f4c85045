import { compileGlob } from './glob.ts';
import { foldedPath } from './path-name.ts';
import { policyDigest } from './policy.ts';
import { deletionsOf, insertionsOf, type Judged, type Rule } from './rule.ts';
import type { CollectedChange, GateMode, Policy, PolicyItem, PolicyReport } from './shapes.ts';
import { ENTRIES_JUDGED_MAX, VIOLATIONS } from './violations.ts';
import { WARNINGS } from './warnings.ts';

/** Longest list of violations or warnings in a report. */
export const ITEMS_MAX = 200;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const judgedOf = (change: CollectedChange, policy: Policy): Judged => ({
  change,
  entries: change.entries
    .toSorted((a, b) => byText(a.path, b.path) || byText(a.kind, b.kind))
    .slice(0, ENTRIES_JUDGED_MAX)
    .map((entry) => ({ ...entry, components: foldedPath(entry.path).split('/') })),
  policy,
  blocked: policy.blockedPaths.toSorted().map(compileGlob),
});

/** In the order of the rules, then of paths: the same for the same change, in whatever order it was collected. */
const itemsOf = (rules: readonly Rule[], judged: Judged): PolicyItem[] =>
  rules.flatMap((rule) => rule(judged).sort((a, b) => byText(a.path ?? '', b.path ?? '') || byText(a.sentence, b.sentence)));

/** What the rules say about a change. Every violation and warning is found; lists longer than `ITEMS_MAX` are cut, and say so. */
export const judge = (change: CollectedChange, policy: Policy): PolicyReport => {
  const judged = judgedOf(change, policy);
  const violations = itemsOf(VIOLATIONS, judged);
  const warnings = itemsOf(WARNINGS, judged);
  return {
    policyDigest: policyDigest(policy),
    verdict: violations.length > 0 ? 'violation' : warnings.length > 0 ? 'warn' : 'pass',
    violations: violations.slice(0, ITEMS_MAX),
    warnings: warnings.slice(0, ITEMS_MAX),
    omitted: Math.max(0, violations.length - ITEMS_MAX) + Math.max(0, warnings.length - ITEMS_MAX),
    files: change.entries.length,
    insertions: insertionsOf(change),
    deletions: deletionsOf(change),
    patchBytes: change.patchBytes,
  };
};

/** Whether a person must allow this very patch. A violation needs no gate: it fails the task. */
export const gateNeeded = (report: Pick<PolicyReport, 'verdict'>, mode: GateMode): boolean =>
  report.verdict !== 'violation' && (mode === 'always' || (mode === 'risky' && report.verdict === 'warn'));
