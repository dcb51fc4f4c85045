export interface PullRequest {
  readonly number: number;
  readonly url: string;
  readonly state: 'open' | 'closed' | 'merged';
  readonly draft: boolean;
  readonly branch: string;
  /** Head commit as the forge knows it. */
  readonly head: string;
}

/** The forge refuses for a reason that trying again does not change (no drafts, no permission, invalid). The sentence says what to do. */
export class ForgeRefusal extends Error {
  override readonly name = 'ForgeRefusal';
}

/** Where Draft pull requests are opened. Throws `ForgeRefusal`, or `OutsideFailure` when it should be tried again. */
export interface Forge {
  readonly kind: 'local' | 'github';
  /** By head branch of the same repository, any state, newest first; `null` when there is none. `remote` is the URL of `origin`. */
  findPullRequest(remote: string, branch: string): Promise<PullRequest | null>;
  /** Always a Draft; a forge that cannot do drafts refuses. */
  openDraft(request: {
    readonly remote: string;
    readonly branch: string;
    readonly base: string;
    readonly title: string;
    readonly body: string;
  }): Promise<PullRequest>;
  /** Posts `body` once: when a comment that holds `marker` exists nothing is posted. */
  commentOnce(remote: string, number: number, marker: string, body: string): Promise<void>;
}
