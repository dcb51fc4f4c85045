import { describe, expect, it } from 'vitest';
import { createSecretDetector, secretForms } from '../../src/domain/secrets.ts';

const holdsSecret = createSecretDetector(['correct-horse-battery']);

describe('Looking for secrets in what a person wrote', () => {
  it.each([
    'use correct-horse-battery to log in',
    `it is ${Buffer.from('user:correct-horse-battery').toString('base64')}`,
    `push with ghp_${'a1B2'.repeat(9)}`,
    `call it with cst_${'a'.repeat(43)}`,
    '-----BEGIN PRIVATE KEY-----\nMIIE',
  ])('finds one: %s', (text) => expect(holdsSecret(text)).toBe(true));

  it.each([
    'Fix the token check in src/auth.ts',
    'Rename password="changeme" in the docs',
    'see https://user:pass@example.com',
    '',
  ])('lets an ordinary request pass: %s', (text) => expect(holdsSecret(text)).toBe(false));
});

describe('The forms of a secret', () => {
  it('are none for a value that could be a word', () => {
    expect(secretForms('main')).toEqual([]);
    expect(secretForms('    a    ')).toEqual([]);
  });

  it('stand longest first and once each', () => {
    const forms = secretForms('a/b+c d"e\\f');
    expect(forms).toEqual(forms.toSorted((a, b) => b.length - a.length));
    expect(new Set(forms).size).toBe(forms.length);
  });
});
