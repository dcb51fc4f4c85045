import type { Policy } from '../../domain/policy/shapes.ts';

/** The limits of a change under the names that clients of OkayDokki read. */
export const okayDokkiNames = ({ filesMax, patchBytesMax, binaryFiles }: Policy) => ({
  maxChangedFiles: filesMax,
  maxDiffBytes: patchBytesMax,
  disallowBinaryPatch: binaryFiles === 'block',
});
