import type { MessageEntity } from 'grammy/types';
import { byteOffset, type Formatted, linkEntity } from './formatted.ts';
import { badRequest, type Refusal } from './refusal.ts';

const TYPES = {
  b: 'bold',
  strong: 'bold',
  i: 'italic',
  em: 'italic',
  u: 'underline',
  ins: 'underline',
  s: 'strikethrough',
  strike: 'strikethrough',
  del: 'strikethrough',
  span: 'spoiler',
  'tg-spoiler': 'spoiler',
  code: 'code',
  pre: 'pre',
  blockquote: 'blockquote',
  a: 'text_link',
} as const;
type Tag = keyof typeof TYPES;

const isTag = (name: string): name is Tag => Object.hasOwn(TYPES, name);

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };
const REFERENCE = /&(?:#x([\da-f]+)|#(\d+)|(lt|gt|amp|quot));?/iy;
const ATTRIBUTE = /\s*([^\s=>/"']*)\s*(?:(=)\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z\d.-]*)(?=[\s>])))?/y;

interface OpenTag {
  readonly tag: Tag;
  readonly attributes: ReadonlyMap<string, string>;
  readonly offset: number;
}

const unparsable = (words: string): Refusal => badRequest(`can't parse entities: ${words}`);

/** The character that a reference at `at` stands for, and where the text goes on; anything unknown stays as it is written. */
const referenceAt = (source: string, at: number): { readonly text: string; readonly end: number } | undefined => {
  REFERENCE.lastIndex = at;
  const match = REFERENCE.exec(source);
  if (match === null) return undefined;
  const [whole, hex, decimal, name] = match;
  const end = at + whole.length;
  if (name !== undefined) return { text: NAMED[name] ?? whole, end };
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return code > 0 && code <= 0x10ffff ? { text: String.fromCodePoint(code), end } : undefined;
};

const decoded = (value: string): string =>
  value.replaceAll(new RegExp(REFERENCE, 'gi'), (whole) => referenceAt(whole, 0)?.text ?? whole);

const openTag = (
  source: string,
  at: number,
): { readonly tag: Tag; readonly attributes: Map<string, string>; readonly end: number } => {
  const where = `at byte offset ${byteOffset(source, at)}`;
  const name = (/[^\s>]*/y.exec(source.slice(at + 1))?.[0] ?? '').toLowerCase();
  let end = at + 1 + name.length;
  if (end >= source.length) throw unparsable(`Unclosed start tag ${where}`);
  if (!isTag(name)) throw unparsable(`Unsupported start tag "${name}" ${where}`);
  const attributes = new Map<string, string>();
  for (;;) {
    while (/\s/.test(source[end] ?? '')) end++;
    if (source[end] === '>') break;
    ATTRIBUTE.lastIndex = end;
    const [whole = '', attribute = '', equals, double, single, bare] = ATTRIBUTE.exec(source) ?? [];
    if (attribute === '' && end < source.length) throw unparsable(`Empty attribute name in the tag "${name}" ${where}`);
    if (end + whole.length >= source.length) throw unparsable(`Unclosed start tag "${name}" ${where}`);
    if (equals === undefined && source[end + whole.length] === '=') {
      const value = /^=\s*/.exec(source.slice(end + whole.length))?.[0].length ?? 0;
      const begins = end + whole.length + value;
      if (source[begins] === '"' || source[begins] === "'") throw unparsable(`Unclosed start tag ${where}`);
      throw unparsable(`Unexpected end of name token at byte offset ${byteOffset(source, begins)}`);
    }
    attributes.set(attribute, decoded(double ?? single ?? bare?.toLowerCase() ?? ''));
    end += whole.length;
  }
  if (name === 'span' && attributes.get('class') !== 'tg-spoiler') {
    throw unparsable(`Tag "span" must have class "tg-spoiler" ${where}`);
  }
  return { tag: name, attributes, end: end + 1 };
};

/** The mark that a closed tag leaves. A language is kept on `code` until the `pre` around it takes it. */
const entityOf = (
  { tag, attributes, offset }: OpenTag,
  text: string,
  inner: MessageEntity | undefined,
): MessageEntity | undefined => {
  const length = text.length - offset;
  if (length === 0) return undefined;
  if (tag === 'a') return linkEntity(attributes.get('href') || text.slice(offset), offset, length);
  if (tag === 'blockquote' && attributes.has('expandable')) return { type: 'expandable_blockquote', offset, length };
  if (tag === 'pre') {
    const language = inner !== undefined && 'language' in inner && inner.length === length ? inner.language : undefined;
    return { type: 'pre', offset, length, ...(language === undefined ? {} : { language }) };
  }
  const language = tag === 'code' ? /^language-(.+)/.exec(attributes.get('class') ?? '')?.[1] : undefined;
  return { type: TYPES[tag], offset, length, ...(language === undefined ? {} : { language }) } as MessageEntity; // The tags that are left have marks of this shape.
};

const closeTag = (source: string, at: number, open: OpenTag | undefined): number => {
  const where = `at byte offset ${byteOffset(source, at)}`;
  if (open === undefined) throw unparsable(`Unexpected end tag ${where}`);
  const [whole = '', name = ''] = /<\/([^\s>]*)\s*/y.exec(source.slice(at)) ?? [];
  if (source[at + whole.length] !== '>') throw unparsable(`Unclosed end tag ${where}`);
  const found = name.toLowerCase();
  if (found !== '' && found !== open.tag) {
    throw unparsable(`Unmatched end tag ${where}, expected "</${open.tag}>", found "</${found}>"`);
  }
  return at + whole.length + 1;
};

/** Telegram's HTML: its tags only, closed in order; throws `Refusal` with its words for anything else. */
export const parseHtml = (source: string): Formatted => {
  const entities: MessageEntity[] = [];
  const open: OpenTag[] = [];
  let text = '';
  let at = 0;
  while (at < source.length) {
    const reference = source[at] === '&' ? referenceAt(source, at) : undefined;
    if (reference !== undefined) {
      text += reference.text;
      at = reference.end;
    } else if (source[at] !== '<') {
      text += source[at++];
    } else if (source[at + 1] === '/') {
      at = closeTag(source, at, open.at(-1));
      const closed = open.pop();
      const inner = entities.at(-1);
      const entity = closed === undefined ? undefined : entityOf(closed, text, inner);
      if (entity?.type === 'pre' && inner?.type === 'code' && inner.offset === entity.offset && inner.length === entity.length)
        entities.pop();
      if (entity !== undefined) entities.push(entity);
    } else {
      const { tag, attributes, end } = openTag(source, at);
      open.push({ tag, attributes, offset: text.length });
      at = end;
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw unparsable(`Can't find end tag corresponding to start tag "${unclosed.tag}"`);
  return {
    text,
    entities: entities.map((entity) =>
      entity.type === 'code' ? { type: 'code', offset: entity.offset, length: entity.length } : entity,
    ),
  };
};
