import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesOf, serverSentEvents } from '../../src/infra/cli/lines.ts';

async function* inPieces(text: string, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  const places = [0, ...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let at = 1; at < places.length; at++) yield bytes.subarray(places[at - 1], places[at]);
}

describe('Lines of an answer', () => {
  it('are whole, however the bytes were cut on the way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', ''))),
        fc.array(fc.nat()),
        async (lines, cuts) => {
          const text = lines.map((line) => `${line}\n`).join('');
          expect(await Array.fromAsync(linesOf(inPieces(text, cuts)))).toEqual(lines);
        },
      ),
    );
  });

  it('include a last one that has no end', async () => {
    expect(await Array.fromAsync(linesOf(inPieces('a\nb', [])))).toEqual(['a', 'b']);
  });
});

describe('Server-sent events', () => {
  it('come with their name, their id and all their data', async () => {
    const text = ': still here\n\nid: 7\nevent: task\ndata: {"a":\ndata: 1}\n\nevent:progress\ndata:x\n\ndata: cut off';
    expect(await Array.fromAsync(serverSentEvents(inPieces(text, [3, 20, 33])))).toEqual([
      { event: 'task', id: '7', data: '{"a":\n1}' },
      { event: 'progress', id: null, data: 'x' },
    ]);
  });
});
