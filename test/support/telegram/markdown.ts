import type { MessageEntity } from 'grammy/types';
import { byteOffset, type Formatted, linkEntity } from './formatted.ts';
import { badRequest, type Refusal } from './refusal.ts';

type Kind = 'Bold' | 'Italic' | 'Underline' | 'Strikethrough' | 'Spoiler' | 'Code' | 'Pre' | 'TextUrl' | 'BlockQuote';

const MARKS: readonly (readonly [mark: string, kind: Kind])[] = [
  ['```', 'Pre'],
  ['`', 'Code'],
  ['__', 'Underline'],
  ['_', 'Italic'],
  ['*', 'Bold'],
  ['~', 'Strikethrough'],
  ['||', 'Spoiler'],
  ['[', 'TextUrl'],
];
const TYPES = {
  Bold: 'bold',
  Italic: 'italic',
  Underline: 'underline',
  Strikethrough: 'strikethrough',
  Spoiler: 'spoiler',
  Code: 'code',
  BlockQuote: 'blockquote',
} as const;
const RESERVED = '_*[]()~`>#+-=|{}.!';

interface Open {
  readonly kind: Kind;
  readonly at: number;
  readonly offset: number;
  readonly language: string | undefined;
}

const unparsable = (words: string): Refusal => badRequest(`can't parse entities: ${words}`);

const endMark = (kind: Kind): string => (kind === 'TextUrl' ? ']' : (MARKS.find(([, other]) => other === kind)?.[0] ?? '\n'));

const unended = (source: string, { kind, at }: Open): Refusal =>
  unparsable(`Can't find end of ${kind === 'Pre' ? 'Pre' : kind} entity at byte offset ${byteOffset(source, at)}`);

/** The address of `](address)`, with its escapes undone, and where the text goes on; the marked text itself without one. */
const addressAt = (source: string, at: number, marked: string): { readonly url: string; readonly end: number } => {
  if (source[at] !== '(') return { url: marked, end: at };
  const [whole = '', address = '', close] = /\(((?:\\[\x01-\x7E]|[^)])*)(\))?/y.exec(source.slice(at)) ?? [];
  if (close === undefined) throw unparsable(`Can't find end of a URL at byte offset ${byteOffset(source, at + 1)}`);
  return { url: address.replaceAll(/\\([\x01-\x7E])/g, '$1'), end: at + whole.length };
};

/** MarkdownV2 without custom emoji and expandable quotes; throws `Refusal` with Telegram's words. */
export const parseMarkdown = (source: string): Formatted => {
  const entities: MessageEntity[] = [];
  const open: Open[] = [];
  let text = '';
  let at = 0;

  const close = (entity: Open, end: number): void => {
    const length = text.length - entity.offset;
    at = end;
    open.pop();
    if (entity.kind === 'TextUrl') {
      const { url, end: after } = addressAt(source, end, text.slice(entity.offset));
      const link = linkEntity(url, entity.offset, length);
      at = after;
      if (link !== undefined && length > 0) entities.push(link);
    } else if (length > 0) {
      const place = { offset: entity.offset, length };
      if (entity.kind !== 'Pre') entities.push({ type: TYPES[entity.kind], ...place });
      else entities.push({ type: 'pre', ...place, ...(entity.language === undefined ? {} : { language: entity.language }) });
    }
  };

  const start = (kind: Kind, mark: string): void => {
    const header = kind === 'Pre' ? /```([^\s`]+(?=\s))?(?:\r\n|\n\r|\n|\r)?/y.exec(source.slice(at)) : null;
    open.push({ kind, at, offset: text.length, language: header?.[1] });
    at += header?.[0].length ?? mark.length;
  };

  while (at < source.length) {
    const char = source[at] ?? '';
    const inner = open.at(-1);
    const quote = open.find(({ kind }) => kind === 'BlockQuote');
    const verbatim = inner?.kind === 'Code' || inner?.kind === 'Pre';
    const reserved = verbatim ? char === '`' : RESERVED.includes(char);
    const escaped = char === '\\' ? /^\\([\x01-\x7E])/.exec(source.slice(at, at + 2))?.[1] : undefined;
    const mark = MARKS.find(([candidate]) => source.startsWith(candidate, at));
    if (escaped !== undefined) {
      text += escaped;
      at += 2;
    } else if (quote !== undefined && char === '\n' && source[at + 1] !== '>') {
      if (inner !== undefined && inner !== quote) throw unended(source, inner);
      text += char;
      close(quote, at + 1);
    } else if (!reserved) {
      text += char;
      at++;
    } else if (
      inner !== undefined &&
      source.startsWith(endMark(inner.kind), at) &&
      (inner.kind !== 'Italic' || source[at + 1] !== '_')
    ) {
      close(inner, at + endMark(inner.kind).length);
    } else if (char === '>' && (at === 0 || source[at - 1] === '\n')) {
      if (quote === undefined) start('BlockQuote', char);
      else at++;
    } else if (mark === undefined) {
      throw unparsable(`Character '${char}' is reserved and must be escaped with the preceding '\\'`);
    } else {
      start(mark[1], mark[0]);
    }
  }
  const last = open.at(-1);
  if (last?.kind === 'BlockQuote') close(last, at);
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw unended(source, unclosed);
  return { text, entities };
};
