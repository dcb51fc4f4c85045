import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOutput } from '../../src/infra/agent/output.ts';
import { progressLine } from '../../src/infra/agent/progress.ts';
import { createRedactor } from '../../src/infra/redact.ts';

const SECRET = 'service-secret-0123456789-äö';
const redact = createRedactor([SECRET]);
const KEY = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n'.repeat(5)}-----END PRIVATE KEY-----\n`;

/** What is kept of `text` when it arrives cut at `cuts`. */
const logOf = async (text: string | Buffer, cuts: readonly number[] = [], bytesMax = 1_000_000) => {
  const output = createOutput({ bytesMax, redact });
  const stream = new PassThrough();
  const lines: string[] = [];
  output.follow(stream, (line) => lines.push(line));
  const bytes = Buffer.from(text);
  const at = [0, ...[...cuts].sort((a, b) => a - b).map((cut) => Math.min(cut, bytes.length)), bytes.length];
  for (let i = 0; i + 1 < at.length; i++) stream.emit('data', bytes.subarray(at[i], at[i + 1]));
  stream.destroy();
  return { log: output.log().toString(), lines };
};

describe('Output of an agent', () => {
  it('holds no secret however it was cut into pieces', async () => {
    const text = `one ${SECRET} two\n${KEY}three ${SECRET}`;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: Buffer.byteLength(text) }), { maxLength: 12 }), async (cuts) => {
        const { log, lines } = await logOf(text, cuts);
        expect(log).toBe('one [redacted] two\n[redacted]\nthree [redacted]\n');
        expect(lines).toEqual(text.split('\n'));
      }),
    );
  });

  it('never cuts a secret in two where a line is too long', async () => {
    const { log } = await logOf(`${'x'.repeat(262_140)}${SECRET}${'y'.repeat(300_000)}\nnext\n`, [262_150, 262_160, 400_000]);
    expect(log).not.toContain('service');
    expect(log).toMatch(/^x+ \[the rest of this line was left out\]\nnext\n$/);
  });

  it('waits for the end of a private key, but not for ever', async () => {
    const { log } = await logOf(`-----BEGIN PRIVATE KEY-----\n${'line\n'.repeat(10_000)}end\n`, [100, 5_000, 30_000]);
    expect(log).toContain('end\n');
  });

  it('keeps to its limit to the byte and says what it left out', async () => {
    const { log } = await logOf('äöü\n'.repeat(1_000), [1, 2, 3], 1_000);
    expect(Buffer.byteLength(log)).toBeLessThanOrEqual(1_000);
    expect(log).toMatch(/limit of 1000 bytes; \d+ bytes were left out\.\n$/);
  });

  it('passes on odd bytes without failing', async () => {
    const { log } = await logOf(Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xc3]), [1, 2, 3, 4]);
    expect(log).toBe('\ufffd\ufffd\0\n\ufffd\n');
  });
});

describe('A line of progress', () => {
  it.each([
    ['plain', 'plain'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['a\tb\r\u0007c', 'a b c'],
    ['left\u202eright\u200b', 'left right'],
    [`key ${SECRET}`, 'key [redacted]'],
    ['\u0000 \u001b[2J', ''],
  ])('%j is shown as %j', (line, shown) => {
    expect(progressLine(line, redact)).toBe(shown);
  });

  it('is cut on a whole character', () => {
    expect([...progressLine('😀'.repeat(300), redact)]).toHaveLength(200);
  });
});
