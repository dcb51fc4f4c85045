import { hash } from 'node:crypto';
import { z } from 'zod';

/** SHA-256 in lower-case hexadecimal, 64 characters. */
export const Digest = z.string().regex(/^[0-9a-f]{64}$/);
export type Digest = z.infer<typeof Digest>;

/** Nothing in such a text is escaped. */
const PLAIN = /^[ !#-[\]-~]*$/;

const stringText = (value: string): string => {
  if (PLAIN.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw new TypeError('canonical JSON of half a surrogate pair');
  return JSON.stringify(value);
};

/** Most keys that are quicker put in order one by one than by `sort`, which copies them. */
const FEW_KEYS_MAX = 20;

/** Values in values, such as nobody needs. Above it the stack of whoever reads them would decide what can be written. */
const NESTED_MAX = 100;

/** In place, by UTF-16 code units: the order RFC 8785 asks for. */
const sorted = (keys: string[]): string[] => {
  if (keys.length > FEW_KEYS_MAX) return keys.sort();
  for (let end = 1; end < keys.length; end++) {
    const key = keys[end] as string; // It is one of them, and so is each before it.
    let at = end;
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
};

const objectText = (value: object, nested: number): string => {
  const members = value as Readonly<Record<string, unknown>>; // Any object may be asked.
  if (typeof members.toJSON === 'function') throw new TypeError('canonical JSON of what is no plain value');
  let text = '';
  for (const key of sorted(Object.keys(members))) {
    const member = textOf(members[key], nested);
    if (member !== undefined) text += `${text === '' ? '' : ','}${stringText(key)}:${member}`;
  }
  return `{${text}}`;
};

/** `undefined` for what JSON leaves out. */
const textOf = (value: unknown, nested: number): string | undefined => {
  switch (typeof value) {
    case 'string':
      return stringText(value);
    case 'object':
      if (value === null) return 'null';
      if (nested === NESTED_MAX) throw new RangeError(`canonical JSON of what is nested more than ${NESTED_MAX} deep`);
      return Array.isArray(value)
        ? `[${Array.from(value, (one) => textOf(one, nested + 1) ?? 'null').join()}]`
        : objectText(value, nested + 1);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      if (Number.isFinite(value)) return JSON.stringify(value);
      throw new TypeError(`canonical JSON of ${value}`);
    case 'bigint':
      throw new TypeError('canonical JSON of a bigint');
    default:
      return undefined;
  }
};

/**
 * RFC 8785 canonical JSON of a plain value, the same bytes as the library `canonicalize` at half its cost: whatever is stored is hashed. Throws a
 * `TypeError` for what JSON cannot hold (`undefined` at the top, NaN, half a surrogate pair), a `RangeError` for cycles and whatever else is
 * nested too deeply.
 */
export const canonicalJson = (value: unknown): string => {
  const text = textOf(value, 0);
  if (text === undefined) throw new TypeError('canonical JSON of a value that JSON cannot hold');
  return text;
};

export const sha256 = (bytes: string | Uint8Array): Digest => hash('sha256', bytes);

/** SHA-256 over the RFC 8785 canonical JSON of `value`. */
export const digestOf = (value: unknown): Digest => sha256(canonicalJson(value));
