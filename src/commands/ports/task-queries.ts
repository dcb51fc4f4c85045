/** What a surface must know of a task before it can speak about it. */
export interface KnownTask {
  readonly taskId: string;
  readonly attempt: number;
  /** Digest of the open gate; `null` when the task waits for no approval. */
  readonly approvalDigest: string | null;
  /** What was allowed in this attempt already. */
  readonly approvedDigests: readonly string[];
}

/** The view of tasks, as the door sees it. */
export interface TaskQueries {
  /** By the whole id, or a prefix of at least 6 characters. */
  find(idOrPrefix: string): KnownTask | 'none' | 'ambiguous';
  /** Tasks of this person that wait for a person or a worker, everything counted that was stored when it was asked. */
  countWaiting(personId: string): Promise<number>;
}
