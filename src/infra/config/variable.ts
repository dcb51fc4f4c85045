import { z } from 'zod';
import { SECRET_CHARACTERS_MIN } from '../../domain/secrets.ts';

/** One environment variable: what it means, how its text becomes a value, and what holds when it is not set. */
export interface Variable<Value> {
  /** One or two sentences for `.env.example` and the manual. */
  readonly doc: string;
  readonly parser: z.ZodType<Value, string>;
  /** As it would be written; `null`: then the value is `null`. */
  readonly fallback: string | null;
  /** Never shown, and taken out of everything that leaves the process. */
  readonly secret: boolean;
}

export const withDefault = <Value>(fallback: string, parser: z.ZodType<Value, string>, doc: string): Variable<Value> => ({
  doc,
  parser,
  fallback,
  secret: false,
});

export const optional = <Value>(parser: z.ZodType<Value, string>, doc: string): Variable<Value | null> => ({
  doc,
  parser,
  fallback: null,
  secret: false,
});

export const secret = (doc: string): Variable<string | null> => ({
  doc,
  parser: z.string().min(SECRET_CHARACTERS_MIN, { error: `must have at least ${SECRET_CHARACTERS_MIN} characters` }),
  fallback: null,
  secret: true,
});

/** Digits only: `500k`, `1e3`, `0x10`, `1_000` and ` 5.0` are refused, not guessed. */
export const wholeNumber = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .refine((text) => /^(0|[1-9][0-9]{0,14})$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `must be a whole number from ${min} to ${max}, in digits only`,
    })
    .transform(Number);

export const decimalNumber = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .refine((text) => /^(0|[1-9][0-9]{0,5})(\.[0-9]{1,3})?$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `must be a number from ${min} to ${max}, such as 1.5`,
    })
    .transform(Number);

export const oneOf = <const Words extends readonly [string, ...string[]]>(...words: Words): z.ZodType<Words[number], string> =>
  z.string().pipe(z.enum(words, { error: `must be ${words.join(' or ')}` }));

export const yesOrNo = oneOf('true', 'false').transform((word) => word === 'true');

/** Most entries of a list. */
const LIST_ENTRIES_MAX = 250;

/** Comma-separated; spaces around an entry and empty entries do not count. `none` alone is the empty list. */
export const list = <Value>(entry: z.ZodType<Value, string>): z.ZodType<Value[], string> =>
  z
    .string()
    .transform((text) =>
      text === 'none'
        ? []
        : text
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== ''),
    )
    .pipe(z.array(entry).max(LIST_ENTRIES_MAX, { error: `must have at most ${LIST_ENTRIES_MAX} entries` }));

/** The word `none` says that there is none; anything else is parsed. */
export const orNone = <Value>(parser: z.ZodType<Value, string>): z.ZodType<Value | null, string> =>
  z.union([z.literal('none').transform(() => null), parser]);

export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,100}$/, { error: 'must be names of variables, separated by commas' });

export const oneLine = z.string().max(4_000, { error: 'must have at most 4000 characters' });
