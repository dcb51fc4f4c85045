import { z } from 'zod';
import { Digest } from '../canonical.ts';
import type { ObjectId } from '../ids.ts';
import { Text, textOf } from '../text.ts';

/** One changed path, from the tree objects (`git diff --raw -z --no-renames`), never from patch text. A rename is a deletion and an addition. */
export interface ChangeEntry {
  /** Decoded as UTF-8 where it is valid, else each wrong byte as `\xNN`; `/`-separated. */
  readonly path: string;
  /** `false` when the bytes of the name are not valid UTF-8. */
  readonly pathIsUtf8: boolean;
  readonly kind: 'added' | 'modified' | 'deleted' | 'type_changed';
  /** Git file modes such as `100644`; `000000` where the side does not exist. */
  readonly oldMode: string;
  readonly newMode: string;
  readonly oldId: ObjectId;
  readonly newId: ObjectId;
  /** Lines added and removed; `null` for a binary file. */
  readonly insertions: number | null;
  readonly deletions: number | null;
  /** Bytes of the new blob; 0 when deleted. */
  readonly newBytes: number;
}

/** Something seen in the added lines (or whole new content) of one path. Never carries the text that was found. */
export interface LineFinding {
  readonly path: string;
  readonly kind:
    | 'service_secret'
    | 'private_key'
    | 'likely_secret'
    | 'bidirectional_control'
    | 'invisible_character'
    | 'lifecycle_script'
    | 'test_script'
    | 'test_neutered'
    | 'lockfile_host';
  /** 1-based line in the new file; 0 when not known. */
  readonly line: number;
}

/** Everything the policy judges. */
export interface CollectedChange {
  readonly entries: readonly ChangeEntry[];
  readonly findings: readonly LineFinding[];
  readonly patchBytes: number;
  /** Paths met while the folder was read back that no tree may hold: another `.git`, devices, sockets, fifos, over-long names. Empty: the folder as a whole. */
  readonly refusedPaths: readonly {
    readonly path: string;
    readonly what: 'git_folder' | 'device' | 'socket' | 'fifo' | 'unreadable' | 'too_large';
  }[];
}

export const GateMode = z.enum(['always', 'risky', 'never']);
export type GateMode = z.infer<typeof GateMode>;

/** The rules in force for one attempt: the operator's, narrowed by the repository's at the base commit. Stored in `RequestPrepared`. */
export const Policy = z.object({
  /** Globs on folded paths; what they understand stands at `compileGlob`. */
  blockedPaths: z.array(z.string().min(1).max(400)).max(500),
  binaryFiles: z.enum(['block', 'allow']),
  filesMax: z.int().min(1),
  changedLinesMax: z.int().min(1),
  patchBytesMax: z.int().min(1),
  patchGate: GateMode,
  /** Whether bubblewrap may stand in for Docker as the sandbox. */
  weakSandbox: z.enum(['allow', 'refuse']),
});
export type Policy = z.infer<typeof Policy>;

export const PolicyItem = z.object({
  rule: z.string(),
  /** The path it is about; absent for limits over the whole change. Control characters are shown as `\u{…}`. */
  path: z.string().optional(),
  /** One sentence for a person. */
  sentence: z.string(),
});
export type PolicyItem = z.infer<typeof PolicyItem>;

export const PolicyReport = z.object({
  policyDigest: Digest,
  verdict: z.enum(['pass', 'warn', 'violation']),
  violations: z.array(PolicyItem),
  warnings: z.array(PolicyItem),
  /** How many more there were than the lists hold (each list is cut at 200). */
  omitted: z.int().min(0),
  files: z.int().min(0),
  insertions: z.int().min(0),
  deletions: z.int().min(0),
  patchBytes: z.int().min(0),
});
export type PolicyReport = z.infer<typeof PolicyReport>;

const StoredItem = PolicyItem.extend({ path: Text.optional(), sentence: Text });

/** A report as an event holds it: the agent chose the names in it, so they are texts that can be erased. */
export const StoredPolicyReport = PolicyReport.extend({ violations: z.array(StoredItem), warnings: z.array(StoredItem) });
export type StoredPolicyReport = z.infer<typeof StoredPolicyReport>;

/** `text` makes a text of words, with a salt of its own. */
export const storedReport = (report: PolicyReport, text: (words: string) => Text): StoredPolicyReport => {
  const stored = ({ rule, path, sentence }: PolicyItem) => ({
    rule,
    ...(path !== undefined && { path: text(path) }),
    sentence: text(sentence),
  });
  return { ...report, violations: report.violations.map(stored), warnings: report.warnings.map(stored) };
};

export const shownReport = (report: StoredPolicyReport): PolicyReport => {
  const shown = ({ rule, path, sentence }: z.infer<typeof StoredItem>) => ({
    rule,
    ...(path !== undefined && { path: textOf(path) }),
    sentence: textOf(sentence),
  });
  return { ...report, violations: report.violations.map(shown), warnings: report.warnings.map(shown) };
};
