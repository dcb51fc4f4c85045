import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameReader } from '../../src/infra/sandbox/docker-frames.ts';

const frame = (stream: 1 | 2, payload: Buffer): Buffer => {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
};

describe('The frames of an attached container', () => {
  it('are told apart wherever the chunks end', () => {
    const frames = fc.array(
      fc.tuple(
        fc.constantFrom(1 as const, 2 as const),
        fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
      ),
    );
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 20 }), (written, size) => {
        const bytes = Buffer.concat(written.map(([stream, payload]) => frame(stream, payload)));
        const heard = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
        const read = createFrameReader((stream, payload) => heard[stream].push(Buffer.from(payload)));
        for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size));

        const said = (wanted: 1 | 2) =>
          Buffer.concat(written.filter(([stream]) => stream === wanted).map(([, payload]) => payload));
        expect(Buffer.concat(heard.stdout)).toEqual(said(1));
        expect(Buffer.concat(heard.stderr)).toEqual(said(2));
      }),
    );
  });

  it('cost what they weigh, also when each holds one byte', () => {
    const chunk = Buffer.concat(Array.from({ length: 500_000 }, () => frame(1, Buffer.from('x'))));
    let bytes = 0;
    const read = createFrameReader((_, payload) => {
      bytes += payload.length;
    });
    const startedAt = performance.now();
    read(chunk);
    expect(bytes).toBe(500_000);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
