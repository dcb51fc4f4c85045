import type { ArtifactRef } from '../../domain/artifact.ts';

/** Content-addressed files. Writing the same bytes twice is one file. */
export interface Artifacts {
  /** Durable when it resolves. Throws `RangeError` over the artifact limit, `OutsideFailure` when the disk is full. */
  put(bytes: Buffer): Promise<ArtifactRef>;
  /** Verifies size and digest. Throws `ArtifactMissing`, and an error when it is damaged. */
  get(ref: ArtifactRef): Promise<Buffer>;
}

/** It was cleared away since its task is over, or somebody lost it. */
export class ArtifactMissing extends Error {
  override readonly name = 'ArtifactMissing';
  constructor({ digest }: ArtifactRef) {
    super(`The artifact ${digest.slice(0, 12)} is missing: it is not kept any more, or must be restored from a backup.`);
  }
}
