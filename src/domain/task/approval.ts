import { type Digest, digestOf } from '../canonical.ts';
import { type Text, textDigest, withTextDigests } from '../text.ts';
import type { Prepared } from './shapes.ts';
import type { Collected, Judged, Tested } from './state.ts';

/** Covers everything the intent gate shows. Texts enter by their digests, so the approval can be checked after an erasure too. */
export const intentGateDigest = (shown: {
  readonly taskId: string;
  readonly attempt: number;
  /** Every preparation asks anew: an approval of an earlier one is worth nothing, even when nothing else changed. */
  readonly preparation: number;
  readonly prepared: Prepared;
  readonly intent: Text;
  readonly clarifications: readonly Text[];
  readonly feedback: Text | null;
}): Digest => {
  const { policy: _, ...prepared } = shown.prepared;
  return digestOf({
    gate: 'intent',
    taskId: shown.taskId,
    attempt: shown.attempt,
    preparation: shown.preparation,
    ...prepared,
    intent: textDigest(shown.intent),
    clarifications: shown.clarifications.map(textDigest),
    feedback: shown.feedback && textDigest(shown.feedback),
  });
};

/** Covers everything the patch gate shows. */
export const patchGateDigest = (shown: {
  readonly taskId: string;
  readonly attempt: number;
  readonly branch: string;
  readonly prepared: Prepared;
  readonly collected: Collected;
  readonly judged: Judged;
  readonly tested: Tested;
}): Digest =>
  digestOf({
    gate: 'patch',
    taskId: shown.taskId,
    attempt: shown.attempt,
    branch: shown.branch,
    baseCommit: shown.prepared.baseCommit,
    tree: shown.collected.tree,
    patch: shown.collected.patch?.digest ?? null,
    policyDigest: shown.prepared.policyDigest,
    report: withTextDigests(shown.judged.report),
    sandbox: { passed: shown.tested.passed, exitCode: shown.tested.exitCode, log: shown.tested.log.digest },
  });
