import type { MessageEntity } from 'grammy/types';

/** A text with its marks; offsets and lengths are in UTF-16 code units, as Telegram counts them. */
export interface Formatted {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

/** Telegram keeps this many marks of a message and silently drops the rest. */
const ENTITIES_MAX = 100;

const isVerbatim = ({ type }: MessageEntity): boolean => type === 'code' || type === 'pre';

const overlaps = (one: MessageEntity, other: MessageEntity): boolean =>
  one.offset < other.offset + other.length && other.offset < one.offset + one.length;

const DETECTED: readonly (readonly [type: 'bot_command' | 'mention' | 'hashtag' | 'url', pattern: RegExp])[] = [
  ['url', /\bhttps?:\/\/[^\s<>"]*[^\s<>".,:;!?)\]}']/g],
  ['bot_command', /(?<![\w/<>])\/\w{1,64}(?:@\w{3,32})?(?![\w/<>])/g],
  ['mention', /(?<!\w)@[A-Za-z]\w{2,31}(?!\w)/g],
  ['hashtag', /(?<![\w&/])#(?=\w*[A-Za-z_])\w+/g],
];

/** Adds what Telegram finds by itself: commands, mentions, hashtags and links, but not inside of code, links or each other. */
export const withDetected = ({ text, entities }: Formatted): Formatted => {
  const found: MessageEntity[] = [];
  const taken = entities.filter((entity) => isVerbatim(entity) || entity.type === 'text_link' || entity.type === 'text_mention');
  for (const [type, pattern] of DETECTED) {
    for (const match of text.matchAll(pattern)) {
      const entity: MessageEntity = { type, offset: match.index, length: match[0].length };
      if (![...taken, ...found].some((other) => overlaps(entity, other))) found.push(entity);
    }
  }
  return { text, entities: [...entities, ...found] };
};

/** As Telegram stores it: no space around it, nothing inside of code, sorted, at most a hundred marks. */
export const settled = ({ text, entities }: Formatted): Formatted => {
  const end = text.trimEnd().length;
  const start = Math.min(text.length - text.trimStart().length, end);
  const kept = entities
    .map((entity) => {
      const from = Math.max(entity.offset, start);
      return { ...entity, offset: from - start, length: Math.min(entity.offset + entity.length, end) - from };
    })
    .filter(({ length }) => length > 0)
    .filter((entity, _, all) => isVerbatim(entity) || !all.some((other) => isVerbatim(other) && overlaps(entity, other)))
    .toSorted((one, other) => one.offset - other.offset || other.length - one.length);
  return { text: text.slice(start, end), entities: kept.slice(0, ENTITIES_MAX) };
};

/** What Telegram takes out of every text: carriage returns, controls, and marks that turn the direction of writing. */
export const cleaned = (text: string): string =>
  text
    .replaceAll('\r', '')
    .replaceAll(/[\0-\x09\x0B-\x1F]/g, ' ')
    .replaceAll(/[\u2028-\u202E]/g, '');

/** Where a position of the text is in its bytes: Telegram's errors name bytes. */
export const byteOffset = (text: string, at: number): number => Buffer.byteLength(text.slice(0, at));

/** The link as Telegram would open it; `undefined` for one that it refuses: a host needs a dot. */
export const checkedLink = (link: string): string | undefined => {
  const url = URL.parse(/^[a-z][a-z\d+.-]*:/i.test(link) ? link : `http://${link}`);
  if (url === null) return undefined;
  if (url.protocol === 'tg:') return url.href;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  return url.hostname.includes('.') || url.hostname.startsWith('[') ? url.href : undefined;
};

/** The entity of a link: a person's for `tg://user?id=`, none for a link that Telegram refuses. */
export const linkEntity = (link: string, offset: number, length: number): MessageEntity | undefined => {
  const id = /^tg:\/\/user\?id=(\d+)$/i.exec(link)?.[1];
  if (id !== undefined) {
    return { type: 'text_mention', offset, length, user: { id: Number(id), is_bot: false, first_name: '' } };
  }
  const url = checkedLink(link);
  return url === undefined ? undefined : { type: 'text_link', offset, length, url };
};
