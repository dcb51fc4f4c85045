import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor, REDACTION } from '../../src/infra/redact.ts';

const SECRET = 'p/ss+w"rd é with=parts\\and more';

const redact = createRedactor([SECRET, 'hunter2-hunter2']);

describe('Redacting a text', () => {
  const written: Record<string, string> = {
    plainly: SECRET,
    'in JSON': JSON.stringify({ it: SECRET }),
    'in JSON within JSON': JSON.stringify(JSON.stringify(SECRET)),
    'in base64': Buffer.from(SECRET).toString('base64'),
    'in base64url': Buffer.from(SECRET).toString('base64url'),
    'in the base64 of basic authentication': Buffer.from(`x-access-token:${SECRET}`).toString('base64'),
    'one byte into base64': Buffer.from(`x${SECRET}yz`).toString('base64'),
    'in hexadecimal': Buffer.from(SECRET).toString('hex'),
    'percent-encoded': encodeURIComponent(SECRET),
    'as a form field': new URLSearchParams({ it: SECRET }).toString(),
  };

  it.each(Object.entries(written))('takes a known secret out that is written %s', (_, text) => {
    const result = redact(`before ${text} after`);
    expect(result).toContain(REDACTION);
    expect(result).not.toContain('p/ss');
    expect(result).not.toContain(text.slice(4, -4));
  });

  it('takes every line of a secret with several lines out', () => {
    const lines = createRedactor(['first-line-of-it\nsecond-line-of-it']);
    expect(lines('… second-line-of-it …')).toBe(`… ${REDACTION} …`);
  });

  it.each([
    `ghp_${'a1B2'.repeat(9)}`,
    `github_pat_11ABCDEFG0_${'x'.repeat(40)}`,
    `123456789:${'A'.repeat(35)}`,
    `sk-ant-api03-${'x9'.repeat(20)}`,
    `sk-proj-${'x9'.repeat(20)}`,
    'AKIAIOSFODNN7EXAMPLE',
    `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${'s'.repeat(43)}`,
    `cst_${'t'.repeat(43)}`,
    `Bearer ${'t'.repeat(32)}`,
  ])('takes a token out that it was not told of: %s', (token) => {
    expect(redact(`got ${token}!`)).toMatch(/^got (Bearer )?\[redacted\]!$/);
  });

  it('takes user and password out of a URL and leaves the host', () => {
    expect(redact('clone https://bot:tok3n@github.com/a/b failed')).toBe(`clone https://${REDACTION}@github.com/a/b failed`);
    expect(redact('ssh://git@github.com/a/b')).toBe('ssh://git@github.com/a/b');
  });

  it('takes a private key out, and one that is cut off', () => {
    const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----';
    expect(redact(`a\n${key}\nb`)).toBe(`a\n${REDACTION}\nb`);
    expect(redact(`a\n${key.slice(0, 50)}`)).toBe(`a\n${REDACTION}`);
    expect(redact(JSON.stringify({ key }))).toBe(`{"key":"${REDACTION}"}`);
  });

  it('leaves ordinary text alone', () => {
    const text = 'task-management-of-a-disk-scheduler: 12 tests passed in src/a.ts:12, see https://example.com/a@b';
    expect(redact(text)).toBe(text);
  });

  it('does not take short values for secrets', () => {
    expect(createRedactor(['a', 'main', ''])('main is a branch')).toBe('main is a branch');
  });

  it('never leaves a known secret, wherever it stands, and changes nothing the second time', () => {
    const secret = fc.string({ minLength: 8, maxLength: 60 }).filter((text) => text.trim().length >= 8);
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (known, before, after) => {
        const one = createRedactor([known]);
        const result = one(before + known + after);
        expect(result.replaceAll(REDACTION, '\0')).not.toContain(known);
        expect(one(result)).toBe(result);
      }),
    );
  });

  it('takes time in proportion to the text', () => {
    const hostile = [
      'eyJ',
      'ghp_',
      '-----BEGIN PRIVATE KEY-----',
      '://',
      '://a:',
      'Bearer ',
      '1',
      'github_pat_',
      'sk-ant-',
      'hunter2-',
    ];
    const started = performance.now();
    for (const part of hostile) redact(part.repeat(Math.ceil(400_000 / part.length)));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
