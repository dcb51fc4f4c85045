import type { MessageEntity } from 'grammy/types';
import { z } from 'zod';
import { badRequest } from './refusal.ts';
import type { StoredFile } from './world.ts';

/** A file as it came in a multipart body, by the name of its part. */
export type Uploads = ReadonlyMap<string, Omit<StoredFile, 'id'>>;

export interface Call {
  readonly uploads: Uploads;
  /** Aborted when the caller went away. */
  readonly signal: AbortSignal;
}

/** Takes the parameters as they came and gives the result; throws `Refusal`. */
export type Method = (raw: Readonly<Record<string, unknown>>, call: Call) => unknown;

/** What JSON says, also where it came as a text: a form has nothing else. */
export const json = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => {
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  }, schema);

export const integer = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d+$/)
    .transform(Number),
]);

export const flag = z.union([z.boolean(), z.enum(['true', 'True', 'false', 'False']).transform((word) => /true/i.test(word))]);

export const parseMode = z.string().optional();

export const entities = json(
  z.array(
    z.looseObject({ type: z.string(), offset: z.int(), length: z.int() }).transform((entity) => entity as MessageEntity), // Looked at as what it says to be.
  ),
).optional();

/** A chat's id; names of public chats lead nowhere, for there are none. */
export const chatId = z.union([
  z.int(),
  z.string().transform((text, context) => {
    if (/^-?\d+$/.test(text)) return Number(text);
    context.addIssue({ code: 'custom', message: text === '' ? 'chat_id is empty' : 'chat not found', params: { words: true } });
    return z.NEVER;
  }),
]);

export const replyParameters = json(
  z.strictObject({ message_id: z.int(), chat_id: chatId.optional(), allow_sending_without_reply: z.boolean().optional() }),
).optional();

export const linkPreview = json(
  z.strictObject({
    is_disabled: z.boolean().optional(),
    url: z.string().optional(),
    prefer_small_media: z.boolean().optional(),
    prefer_large_media: z.boolean().optional(),
    show_above_text: z.boolean().optional(),
  }),
).optional();

/** What Telegram says where a parameter is missing, by name; it has no such words for the others. */
const MISSING: Readonly<Record<string, string>> = {
  chat_id: 'chat_id is empty',
  from_chat_id: 'chat_id is empty',
  message_id: 'message identifier is not specified',
  text: 'message text is empty',
  file_id: 'file_id not specified',
  user_id: 'invalid user_id specified',
  document: 'there is no document in the request',
  photo: 'there is no photo in the request',
};

const words = (issue: z.core.$ZodIssue, raw: Readonly<Record<string, unknown>>): string => {
  const name = String(issue.path[0] ?? '');
  // Telegram passes over names that it does not know; here a misspelt one must not go unnoticed.
  if (issue.code === 'unrecognized_keys') return `unknown parameter "${[...issue.path, issue.keys[0]].join('.')}"`;
  const custom = [issue, ...(issue.code === 'invalid_union' ? issue.errors.flat() : [])].find(({ code }) => code === 'custom');
  if (custom !== undefined) return custom.message;
  if (raw[name] === undefined) return MISSING[name] ?? `parameter "${name}" is required`;
  return `can't parse parameter "${issue.path.join('.')}"`;
};

export const method = <Shape extends z.ZodRawShape>(
  shape: Shape,
  run: (parameters: z.output<z.ZodObject<Shape, z.core.$strict>>, call: Call) => unknown,
): Method => {
  const schema = z.strictObject(shape);
  return (raw, call) => {
    const parsed = schema.safeParse(raw);
    const issue = parsed.error?.issues[0];
    if (!parsed.success) throw badRequest(issue === undefined ? 'wrong parameters' : words(issue, raw));
    return run(parsed.data, call);
  };
};
