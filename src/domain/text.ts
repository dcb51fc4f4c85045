import { z } from 'zod';
import { type Digest, Digest as DigestSchema, digestOf } from './canonical.ts';

/**
 * Free text and personal data. The salt keeps the digest from being guessed once the text is gone; redaction leaves the digest alone,
 * so hashes over the event still verify (docs/architecture.md, "Hashes and redaction").
 */
export const Text = z.union([z.strictObject({ text: z.string(), salt: z.string() }), z.strictObject({ digest: DigestSchema })]);
export type Text = z.infer<typeof Text>;

/** What a reader sees where a text was erased. */
export const REDACTED = '[redacted]';

export const textOf = (text: Text): string => ('text' in text ? text.text : REDACTED);

/** SHA-256 of the text's own canonical JSON; the same before and after redaction. */
export const textDigest = (text: Text): Digest => ('text' in text ? digestOf(text) : text.digest);

/** A sentence of the service's own: nothing in it will ever have to be erased, so it needs no salt. */
export const ownText = (text: string): Text => ({ text, salt: '' });

export const redacted = (text: Text): Text => ({ digest: textDigest(text) });

const isText = (value: object): value is Text => {
  const keys = Object.keys(value);
  return (
    (keys.length === 1 && 'digest' in value) ||
    (keys.length === 2 && 'text' in value && 'salt' in value && typeof value.text === 'string')
  );
};

/** `data` with each `Text` in it replaced by its digest: what is hashed, and what an approval covers. */
export const withTextDigests = (data: unknown): unknown => {
  if (Array.isArray(data)) return data.map(withTextDigests);
  if (data === null || typeof data !== 'object') return data;
  if (isText(data)) return textDigest(data);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, withTextDigests(value)]));
};
