import type { InlineKeyboardButton, InlineKeyboardMarkup } from 'grammy/types';
import { z } from 'zod';
import { checkedLink } from './formatted.ts';
import { badRequest } from './refusal.ts';

export type InlineKeyboard = InlineKeyboardMarkup['inline_keyboard'];

/** What a message shows besides itself. `other` is what people see below their input field; such a message can't be edited later. */
export interface Markup {
  readonly inline: InlineKeyboard;
  readonly other: 'force_reply' | 'keyboard' | 'remove_keyboard' | undefined;
  /** Text in the input field of a forced reply. */
  readonly placeholder: string | undefined;
}

export const NO_MARKUP: Markup = { inline: [], other: undefined, placeholder: undefined };

const CALLBACK_DATA_BYTES_MAX = 64;
const BUTTONS_MAX = 100;
const BUTTONS_OF_A_ROW_MAX = 8;
const PLACEHOLDER_CHARACTERS_MAX = 64;

const Button = z.strictObject({
  text: z.string(),
  url: z.string().optional(),
  callback_data: z.string().optional(),
  style: z.enum(['danger', 'success', 'primary']).optional(),
});

const ForceReply = z.strictObject({
  force_reply: z.literal(true),
  input_field_placeholder: z.string().min(1).max(PLACEHOLDER_CHARACTERS_MAX).optional(),
  selective: z.boolean().optional(),
});

const Keyboard = z.strictObject({
  keyboard: z.array(z.array(z.union([z.string(), z.strictObject({ text: z.string() })]))),
  is_persistent: z.boolean().optional(),
  resize_keyboard: z.boolean().optional(),
  one_time_keyboard: z.boolean().optional(),
  input_field_placeholder: z.string().min(1).max(PLACEHOLDER_CHARACTERS_MAX).optional(),
  selective: z.boolean().optional(),
});

const RemoveKeyboard = z.strictObject({ remove_keyboard: z.literal(true), selective: z.boolean().optional() });

const buttonOf = (raw: unknown): InlineKeyboardButton => {
  const parsed = Button.safeParse(raw);
  if (!parsed.success) throw badRequest(`can't parse inline keyboard button: ${parsed.error.issues[0]?.message ?? 'wrong'}`);
  const { text, url, callback_data: data, style } = parsed.data;
  const look = { text, ...(style === undefined ? {} : { style }) };
  if (text.trim() === '') throw badRequest('inline keyboard button text must be non-empty');
  if (url !== undefined && data !== undefined) throw badRequest("can't parse inline keyboard button: more than one action");
  if (data !== undefined && data !== '') {
    if (Buffer.byteLength(data) > CALLBACK_DATA_BYTES_MAX) throw badRequest('BUTTON_DATA_INVALID');
    return { ...look, callback_data: data };
  }
  if (url === undefined || url === '') {
    throw badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard");
  }
  const link = checkedLink(url);
  if (link === undefined) throw badRequest(`inline keyboard button URL '${url}' is invalid: Wrong HTTP URL`);
  return { ...look, url: link };
};

const inlineOf = (raw: unknown): InlineKeyboard => {
  if (!Array.isArray(raw)) throw badRequest('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays');
  const rows = raw.map((row: unknown) => {
    if (!Array.isArray(row)) throw badRequest('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays');
    return row.map(buttonOf);
  });
  if (rows.flat().length > BUTTONS_MAX || rows.some((row) => row.length > BUTTONS_OF_A_ROW_MAX)) {
    throw badRequest('reply markup is too long');
  }
  return rows.filter((row) => row.length > 0);
};

/** Reads `reply_markup`; throws `Refusal`. Keys that the Bot API does not know are refused, where Telegram would pass over them. */
export const markupOf = (raw: unknown): Markup => {
  if (raw === undefined) return NO_MARKUP;
  if (typeof raw === 'string') throw badRequest("can't parse reply keyboard markup JSON object");
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw badRequest('object expected as reply markup');
  const keys = Object.keys(raw);
  if ('inline_keyboard' in raw) {
    if (keys.length > 1) throw badRequest(`unknown field "${keys.find((key) => key !== 'inline_keyboard')}" of reply markup`);
    return { ...NO_MARKUP, inline: inlineOf(raw.inline_keyboard) };
  }
  const force = ForceReply.safeParse(raw);
  if (force.success) return { inline: [], other: 'force_reply', placeholder: force.data.input_field_placeholder };
  if (Keyboard.safeParse(raw).success) return { ...NO_MARKUP, other: 'keyboard' };
  if (RemoveKeyboard.safeParse(raw).success) return { ...NO_MARKUP, other: 'remove_keyboard' };
  throw badRequest(`wrong reply markup with the fields ${keys.join(', ')}`);
};
