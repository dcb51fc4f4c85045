import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';

/** SHA-256 in lower-case hexadecimal, 64 characters. */
export const Digest = z.string().regex(/^[0-9a-f]{64}$/);
export type Digest = z.infer<typeof Digest>;

/** RFC 8785 canonical JSON of a plain value. Throws a `TypeError` for what JSON cannot hold (`undefined` at the top, NaN, cycles). */
export const canonicalJson = (value: unknown): string => {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('canonical JSON of a value that JSON cannot hold');
  return text;
};

export const sha256 = (bytes: string | Uint8Array): Digest => hash('sha256', bytes);

/** SHA-256 over the RFC 8785 canonical JSON of `value`. */
export const digestOf = (value: unknown): Digest => sha256(canonicalJson(value));
