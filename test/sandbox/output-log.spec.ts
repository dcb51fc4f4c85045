import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOutputLines, createOutputLog } from '../../src/infra/sandbox/output-log.ts';

const chunks = fc.array(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  { maxLength: 30 },
);

const kept = (bytesMax: number, written: readonly Buffer[]): Buffer => {
  const log = createOutputLog(bytesMax);
  for (const chunk of written) log.write(chunk);
  return log.bytes();
};

describe('The log of an output', () => {
  it('is the whole output up to its size', () => {
    fc.assert(
      fc.property(chunks, fc.nat(500), (written, spare) => {
        const all = Buffer.concat(written);
        expect(kept(all.length + spare, written)).toEqual(all);
      }),
    );
  });

  it('is the beginning and the end of a longer one, never over its size', () => {
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 2_000 }), (written, bytesMax) => {
        const all = Buffer.concat(written);
        const log = kept(bytesMax, written);
        expect(log.length).toBeLessThanOrEqual(bytesMax);
        if (all.length <= bytesMax || bytesMax < 200) return;

        const [begin, end] = log.toString('latin1').split(/\n\.\.\. about \d+ bytes of output are left out here \.\.\.\n/, 2);
        expect(all.toString('latin1').startsWith(begin ?? '')).toBe(true);
        expect(all.toString('latin1').endsWith(end ?? '')).toBe(true);
        expect(begin?.length).toBe(Math.floor(bytesMax / 2));
      }),
    );
  });

  it('does not depend on how the output was cut into chunks', () => {
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 2_000 }), (written, bytesMax) => {
        const bytewise = Array.from(Buffer.concat(written), (byte) => Buffer.from([byte]));
        expect(kept(bytesMax, bytewise)).toEqual(kept(bytesMax, written));
      }),
    );
  });
});

describe('The lines of an output', () => {
  const linesOf = (...written: readonly (string | Buffer)[]): readonly string[] => {
    const lines: string[] = [];
    const output = createOutputLines((line) => lines.push(line));
    for (const chunk of written) output.write(Buffer.from(chunk));
    output.end();
    return lines;
  };

  it('arrive whole, however they were cut, a last one without a line end too', () => {
    expect(linesOf('on', 'e\ntwo\r\nth', 'ree\rfour')).toEqual(['one', 'two', 'three', 'four']);
    const bytes = Buffer.from('한글\n');
    expect(linesOf(bytes.subarray(0, 2), bytes.subarray(2))).toEqual(['한글']);
  });

  it('are bounded in length and number', () => {
    expect(linesOf('x'.repeat(100_000))).toEqual(['x'.repeat(500)]);
    expect(linesOf('y\n'.repeat(100_000))).toHaveLength(10_000);
  });
});
