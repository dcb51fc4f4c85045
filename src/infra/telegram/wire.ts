import { type Api, InputFile } from 'grammy';
import { fitted, type Html, html, isEmpty, plainText } from './html.ts';
import { type Keyboard, markupOf, withoutLinks } from './keyboard.ts';
import type { Edit, Outgoing } from './outbox.ts';
import type { Place } from './place.ts';

/** Source: core.telegram.org/bots/api, sendMessage, sendDocument and ForceReply. */
export const TEXT_CHARACTERS_MAX = 4_096;
export const CAPTION_CHARACTERS_MAX = 1_024;
const PLACEHOLDER_CHARACTERS_MAX = 64;

/** How plain a message is made: each form is tried when Telegram does not take the one before. */
export const FORMS = ['full', 'plain', 'bare'] as const;
export type Form = (typeof FORMS)[number];

export type Signal = Parameters<Api['sendMessage']>[3];

const chatOf = ({ chat }: Place): number => Number(chat);

/** Words as parameters: with markup, or without it. */
const wordsOf = (text: Html, max: number, form: Form): { readonly words: string; readonly mode: { parse_mode?: 'HTML' } } => {
  const fit = fitted(isEmpty(text) ? html`…` : text, max);
  return form === 'full' ? { words: fit.html, mode: { parse_mode: 'HTML' } } : { words: plainText(fit), mode: {} };
};

const buttonsOf = (keyboard: Keyboard, form: Form): Keyboard => {
  if (form === 'full') return keyboard;
  return form === 'plain' ? withoutLinks(keyboard) : [];
};

const replyMarkup = ({ keyboard, forceReply }: Pick<Outgoing, 'keyboard' | 'forceReply'>, form: Form) => {
  if (forceReply !== undefined) {
    const input_field_placeholder = forceReply.slice(0, PLACEHOLDER_CHARACTERS_MAX).toWellFormed();
    return { reply_markup: { force_reply: true as const, selective: true, input_field_placeholder } };
  }
  const buttons = buttonsOf(keyboard ?? [], form);
  return buttons.some((row) => row.length > 0) ? { reply_markup: markupOf(buttons) } : {};
};

const NO_PREVIEW = { link_preview_options: { is_disabled: true } };

/** Sends a message as Telegram's methods take it; the id it got. Throws what `verdictOf` judges. */
export const sendOver = async (api: Api, message: Outgoing, place: Place, form: Form, signal: Signal): Promise<number> => {
  const { text, document, silent, replyTo } = message;
  const common = {
    ...(place.thread !== null && { message_thread_id: place.thread }),
    ...(silent && { disable_notification: true }),
    ...(replyTo !== undefined && { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } }),
    ...replyMarkup(message, form),
  };
  if (!document) {
    const { words, mode } = wordsOf(text, TEXT_CHARACTERS_MAX, form);
    return (await api.sendMessage(chatOf(place), words, { ...NO_PREVIEW, ...common, ...mode }, signal)).message_id;
  }
  const { words, mode } = wordsOf(text, CAPTION_CHARACTERS_MAX, form);
  const file = new InputFile(document.bytes, document.name);
  return (await api.sendDocument(chatOf(place), file, { ...common, ...mode, caption: words }, signal)).message_id;
};

/** Replaces what a message says; its id. Throws what `verdictOf` judges. */
export const editOver = async (api: Api, edit: Edit, place: Place, form: Form, signal: Signal): Promise<number> => {
  const { words, mode } = wordsOf(edit.text, TEXT_CHARACTERS_MAX, form);
  const reply_markup = markupOf(buttonsOf(edit.keyboard ?? [], form));
  await api.editMessageText(chatOf(place), edit.messageId, words, { ...NO_PREVIEW, ...mode, reply_markup }, signal);
  return edit.messageId;
};
