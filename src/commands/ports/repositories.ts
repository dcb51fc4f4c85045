import type { ObjectId } from '../../domain/ids.ts';
import type { CollectedChange } from '../../domain/policy/shapes.ts';

/** The repository cannot be prepared; `reason` and `sentence` are what a person is asked to clarify. */
export class RepositoryProblem extends Error {
  override readonly name = 'RepositoryProblem';
  readonly reason: 'SNAPSHOT_MISSING' | 'BASE_MISSING' | 'REMOTE_UNREACHABLE';
  constructor(reason: RepositoryProblem['reason'], sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.reason = reason;
  }
}

export interface ResolvedBase {
  /** URL of `origin` without user information: shown, stored, approved. */
  readonly remote: string;
  readonly commit: ObjectId;
  readonly tree: ObjectId;
}

export interface Collected {
  readonly tree: ObjectId;
  /** The tree is that of the base, and nothing was refused: there is nothing to deliver. */
  readonly empty: boolean;
  readonly change: CollectedChange;
  /** `git diff --binary` against the base, as bytes; `null` when it is over the limit that was given, or holds a secret of the service. */
  readonly patch: Buffer | null;
  /** Where the patch is over the limit: more than the limit, not the whole size. */
  readonly patchBytes: number;
  /** New files that the base's ignore rules leave out: how many, and the first few names. */
  readonly ignored: { readonly count: number; readonly sample: readonly string[] };
}

export interface CommitRequest {
  readonly tree: ObjectId;
  readonly parents: readonly ObjectId[];
  readonly message: string;
  /** ISO 8601; seconds are what git keeps. */
  readonly at: string;
}

export interface PushRequest {
  readonly branch: string;
  readonly commit: ObjectId;
  /** The head the branch must have now; `null`: it must not exist. */
  readonly lease: ObjectId | null;
}

/**
 * Git on the service's own bare mirrors; nothing here ever runs git in a folder that an agent or a test could write. What takes a signal ends at
 * once when it is aborted, with its reason: a remote may be slow.
 */
export interface Repositories {
  /** Names under the snapshot root that can be asked for. */
  list(): Promise<readonly string[]>;
  /** URL of `origin` as it is now (or was 10 s ago), without user information. Throws `OutsideFailure`. */
  remoteOf(repository: string): Promise<string>;
  /** Fetches `base` from the remote; unless `fresh`, a fetch younger than 10 s will do. Throws `RepositoryProblem`. */
  resolveBase(repository: string, base: string, age?: 'shared' | 'fresh', signal?: AbortSignal): Promise<ResolvedBase>;
  /** A file of a commit or tree by its path; `null` when absent, `unusable` when it is no regular file or over `maxBytes`. */
  readFile(repository: string, treeish: ObjectId, path: string, maxBytes: number): Promise<Buffer | null | 'unusable'>;
  /** Whether a path of a commit is a folder. */
  isFolder(repository: string, commit: ObjectId, path: string): Promise<boolean>;
  /** Merges what `tree` changed against `oldBase` onto `newBase`; `null` on conflict. Both bases are commits. */
  mergeOnto(repository: string, tree: ObjectId, oldBase: ObjectId, newBase: ObjectId): Promise<ObjectId | null>;
  /** Writes the raw bytes of a tree into `folder` (made here, must be empty). Attributes change nothing; links are written as links. */
  writeOut(repository: string, tree: ObjectId, folder: string, signal?: AbortSignal): Promise<void>;
  /**
   * Reads `folder` back as a tree, without git in it and following no link, and compares it with the base. Keeps the tree from being
   * collected as garbage under `keep`. The service's own secrets are looked for in what was added.
   */
  collect(request: {
    readonly repository: string;
    readonly folder: string;
    readonly baseCommit: ObjectId;
    readonly startTree: ObjectId;
    readonly keep: string;
    readonly patchBytesMax: number;
    readonly signal?: AbortSignal;
  }): Promise<Collected>;
  /** Makes sure the tree is in the mirror, by applying the stored patch to the base where it is missing. Throws when it cannot be. */
  ensureTree(
    repository: string,
    tree: ObjectId,
    baseCommit: ObjectId,
    patch: () => Promise<Buffer>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** The same input gives the same id, on every machine. */
  commit(repository: string, request: CommitRequest, signal?: AbortSignal): Promise<ObjectId>;
  treeOf(repository: string, commit: ObjectId, signal?: AbortSignal): Promise<ObjectId>;
  /** Asks the remote itself, once for all of these branches. `null`: that one does not exist. Throws `OutsideFailure`. */
  remoteHeads(repository: string, branches: readonly string[], signal?: AbortSignal): Promise<readonly (ObjectId | null)[]>;
  /** Whether `ancestor` is `commit` or reachable from it (fetches `branch` first when `commit` is not known here). */
  isAncestor(repository: string, ancestor: ObjectId, commit: ObjectId, branch: string, signal?: AbortSignal): Promise<boolean>;
  /** Commits from `commit` to `head`, where the remote's branch `base` stands; for the note in the pull request. */
  commitsSince(repository: string, commit: ObjectId, base: string, head: ObjectId | null, signal?: AbortSignal): Promise<number>;
  /** Exactly one explicit ref with exactly one lease. `lease_refused`: the branch is not where it was said to be. Throws `OutsideFailure`. */
  push(repository: string, request: PushRequest, signal?: AbortSignal): Promise<'pushed' | 'lease_refused'>;
  /** What was given as `keep` and not let go of yet. */
  kept(repository: string): Promise<readonly string[]>;
  /** Lets go of what `keep` held. */
  release(repository: string, keep: string): Promise<void>;
}

/** Something outside is down or refuses for now: the stage is handed back and tried later. The message is for a person, without secrets. */
export class OutsideFailure extends Error {
  override readonly name = 'OutsideFailure';
}

const DISK_FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** Whoever met it: the code is the system's own. */
export const isDiskFull = (error: unknown): boolean => error instanceof Error && 'code' in error && DISK_FULL.has(error.code);

/** What is no fault of ours; `undefined` for what is. */
export const outsideFailure = (error: unknown): OutsideFailure | undefined => {
  if (error instanceof OutsideFailure) return error;
  return isDiskFull(error)
    ? new OutsideFailure('A disk of the service is full, or cannot be written to. Make room there; then it can go on.', {
        cause: error,
      })
    : undefined;
};
