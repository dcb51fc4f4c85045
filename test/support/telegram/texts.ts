import type { MessageEntity } from 'grammy/types';
import { cleaned, type Formatted, settled, withDetected } from './formatted.ts';
import { parseHtml } from './html.ts';
import { parseMarkdown } from './markdown.ts';
import { badRequest } from './refusal.ts';

const TEXT_CHARACTERS_MAX = 4096;
const CAPTION_CHARACTERS_MAX = 1024;
/** Before its marks are parsed. */
const SOURCE_BYTES_MAX = 32_768;

interface Written {
  readonly text: string | undefined;
  readonly mode: string | undefined;
  readonly entities: readonly MessageEntity[] | undefined;
}

const parsed = ({ text = '', mode = '', entities = [] }: Partial<Written>): Formatted => {
  if (Buffer.byteLength(text) > SOURCE_BYTES_MAX) throw badRequest('text is too long');
  if (!text.isWellFormed()) throw badRequest('text must be encoded in UTF-8');
  const source = cleaned(text);
  if (mode === '') return { text: source, entities };
  if (entities.length > 0) throw badRequest('entities and parse_mode at once');
  if (mode.toLowerCase() === 'html') return parseHtml(source);
  if (mode.toLowerCase() === 'markdownv2') return parseMarkdown(source);
  throw badRequest('unsupported parse_mode');
};

/** Telegram's limits count characters, not UTF-16 code units. */
const characters = (text: string): number => [...text].length;

export const messageText = (written: Written): Formatted => {
  if (written.text === undefined || written.text === '') throw badRequest('message text is empty');
  const formatted = withDetected(settled(parsed({ ...written, text: written.text })));
  if (formatted.text === '') throw badRequest('text must be non-empty');
  if (characters(formatted.text) > TEXT_CHARACTERS_MAX) throw badRequest('message is too long');
  return formatted;
};

export const captionText = (written: Written): Formatted => {
  const formatted = withDetected(settled(parsed({ ...written, text: written.text ?? '' })));
  if (characters(formatted.text) > CAPTION_CHARACTERS_MAX) throw badRequest('message caption is too long');
  return formatted;
};
