import type { ObjectId } from '../../domain/ids.ts';
import type { Mirror } from './mirrors.ts';
import { batched } from './tree.ts';

const NEWLINE = 0x0a;

/** The bytes of these blobs as they come, in pieces; `index` says of which one. Throws when one is missing. */
export const piecesOfBlobs = async function* (
  mirror: Mirror,
  ids: readonly ObjectId[],
  signal?: AbortSignal,
): AsyncGenerator<{ readonly index: number; readonly bytes: Buffer }> {
  if (ids.length === 0) return;
  const input = batched(ids.values().map((id) => Buffer.from(`${id}\n`)));
  let header: Buffer | null = Buffer.alloc(0);
  let index = -1;
  // A blob is followed by a line feed, which is not part of it.
  let left = 0;
  for await (const chunk of mirror.stream(['cat-file', '--batch'], { input, signal })) {
    for (let from = 0; from < chunk.length; ) {
      if (header === null) {
        const piece = chunk.subarray(from, from + left);
        left -= piece.length;
        from += piece.length;
        const content = left === 0 ? piece.subarray(0, -1) : piece;
        if (content.length > 0) yield { index, bytes: content };
        if (left === 0) header = Buffer.alloc(0);
        continue;
      }
      const newline = chunk.indexOf(NEWLINE, from);
      header = Buffer.concat([header, chunk.subarray(from, newline === -1 ? chunk.length : newline)]);
      from = newline === -1 ? chunk.length : newline + 1;
      if (newline === -1) continue;
      const size = /^[0-9a-f]+ blob (\d+)$/.exec(header.toString('latin1'))?.[1];
      if (size === undefined) throw new Error('a blob that a tree names is missing');
      index++;
      left = Number(size) + 1;
      header = null;
    }
  }
};
