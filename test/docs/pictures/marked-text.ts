import type { MessageEntity } from 'grammy/types';

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const TAGS: Readonly<Partial<Record<MessageEntity['type'], readonly [open: string, close: string]>>> = {
  bold: ['<b>', '</b>'],
  italic: ['<i>', '</i>'],
  underline: ['<u>', '</u>'],
  strikethrough: ['<s>', '</s>'],
  spoiler: ['<span class="spoiler">', '</span>'],
  code: ['<code>', '</code>'],
  pre: ['<pre>', '</pre>'],
  blockquote: ['<blockquote>', '</blockquote>'],
  expandable_blockquote: ['<blockquote>', '</blockquote>'],
};
/** Everything else that Telegram marks looks like a link: commands, mentions, addresses. */
const LINK = ['<span class="link">', '</span>'] as const;

const isBlock = ({ type }: MessageEntity): boolean => type === 'pre' || type.endsWith('blockquote');

const covers = ({ offset, length }: MessageEntity, at: number): boolean => offset <= at && at < offset + length;

const ends = ({ offset, length }: MessageEntity): readonly number[] => [offset, offset + length];

/** The pieces of `from` to `to` between which no mark begins or ends, each in its marks. */
const inline = (text: string, entities: readonly MessageEntity[], from: number, to: number): string => {
  const cuts = [...new Set([from, to, ...entities.flatMap(ends)])]
    .filter((cut) => cut >= from && cut <= to)
    .toSorted((a, b) => a - b);
  return cuts
    .slice(0, -1)
    .map((cut, index) => {
      const marks = entities.filter((entity) => covers(entity, cut)).map(({ type }) => TAGS[type] ?? LINK);
      const piece = escaped(text.slice(cut, cuts[index + 1]));
      return `${marks.map(([open]) => open).join('')}${piece}${marks
        .toReversed()
        .map(([, close]) => close)
        .join('')}`;
    })
    .join('');
};

/** A text with its marks as HTML. Blocks stand outside, for they are not cut into pieces. */
export const markedText = (text: string, entities: readonly MessageEntity[]): string => {
  const marks = entities.filter((entity) => !isBlock(entity));
  let html = '';
  let at = 0;
  for (const block of entities.filter(isBlock).toSorted((one, other) => one.offset - other.offset)) {
    const [open, close] = TAGS[block.type] ?? LINK;
    const end = block.offset + block.length;
    html += inline(text, marks, at, block.offset).replace(/\n$/, '');
    html += `${open}${inline(text, marks, block.offset, end)}${close}`;
    at = text[end] === '\n' ? end + 1 : end;
  }
  return html + inline(text, marks, at, text.length);
};
