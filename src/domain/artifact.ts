import { z } from 'zod';
import { Digest } from './canonical.ts';

/** A file in the artifact folder, named by its content. */
export const ArtifactRef = z.object({ digest: Digest, bytes: z.int().min(0) });
export type ArtifactRef = z.infer<typeof ArtifactRef>;
