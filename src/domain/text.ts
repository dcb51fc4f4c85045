import { z } from 'zod';
import { type Digest, Digest as DigestSchema, digestOf } from './canonical.ts';

/**
 * Free text and personal data. The salt keeps the digest from being guessed once the text is gone; redaction leaves the digest alone,
 * so hashes over the event still verify (docs/architecture.md, "Hashes and redaction").
 */
export const Text = z.union([
  // Half a surrogate pair has no canonical JSON, so it becomes U+FFFD before anything is decided or hashed.
  z.strictObject({
    text: z.string().overwrite((text) => text.toWellFormed()),
    salt: z.string().refine((salt) => salt.isWellFormed()),
  }),
  z.strictObject({ digest: DigestSchema }),
]);
export type Text = z.infer<typeof Text>;

/** What a reader sees where a text was erased. */
const REDACTED = '[redacted]';

export const textOf = (text: Text): string => ('text' in text ? text.text : REDACTED);

/** SHA-256 of the text's own canonical JSON; the same before and after redaction. */
export const textDigest = (text: Text): Digest => ('text' in text ? digestOf(text) : text.digest);

/** A sentence of the service's own: nothing in it will ever have to be erased, so it needs no salt. */
export const ownText = (text: string): Text => ({ text: text.toWellFormed(), salt: '' });

export const redacted = (text: Text): Text => ({ digest: textDigest(text) });

/** By shape alone, so that what newer code stored is hashed alike. A record that has a `Text` under one of these names is none itself. */
const isText = (value: object): value is Text => {
  const { digest, text, salt } = value as Readonly<Record<string, unknown>>; // Any object may be asked.
  if (typeof digest !== 'string' && typeof text !== 'string') return false;
  if (!Object.keys(value).every((key) => key === 'digest' || key === 'text' || key === 'salt')) return false;
  if (typeof digest === 'string') return text === undefined && salt === undefined;
  return digest === undefined && typeof text === 'string' && typeof salt === 'string';
};

/** `data` with each `Text` in it replaced by its digest: what is hashed, and what an approval covers. */
export const withTextDigests = (data: unknown): unknown => {
  if (Array.isArray(data)) return data.map(withTextDigests);
  if (data === null || typeof data !== 'object') return data;
  if (isText(data)) return textDigest(data);
  const copy: Record<string, unknown> = { ...data };
  for (const [key, value] of Object.entries(copy)) if (typeof value === 'object') copy[key] = withTextDigests(value);
  return copy;
};

/** `data` with every `Text` in it erased, and where those stand, such as `report.violations.0.path`. */
export const withoutTexts = (data: unknown): { readonly data: unknown; readonly fields: readonly string[] } => {
  const fields: string[] = [];
  const erased = (value: unknown, path: readonly string[]): unknown => {
    if (Array.isArray(value)) return value.map((one, index) => erased(one, [...path, `${index}`]));
    if (value === null || typeof value !== 'object') return value;
    if (!isText(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, erased(one, [...path, key])]));
    fields.push(path.join('.'));
    return redacted(value);
  };
  return { data: erased(data, []), fields };
};
