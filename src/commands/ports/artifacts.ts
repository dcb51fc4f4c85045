import type { ArtifactRef } from '../../domain/artifact.ts';

/** Content-addressed files. Writing the same bytes twice is one file. */
export interface Artifacts {
  /** Durable when it resolves. Throws `RangeError` over the artifact limit, `OutsideFailure` when the disk is full. */
  put(bytes: Buffer): Promise<ArtifactRef>;
  /** Verifies size and digest. Throws when it is missing or damaged. */
  get(ref: ArtifactRef): Promise<Buffer>;
}
