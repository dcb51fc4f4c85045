/** Characters that are not seen, that change how others are seen, or that a terminal obeys. U+FE0F only makes an emoji colourful. */
const UNSEEN = /(?!\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const UNSEEN_BUT_LAYOUT = new RegExp(`(?![\\n\\t])${UNSEEN.source}`, 'gu');

const byNumber = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`;

/** Text written by others, for a terminal: line breaks and tabs stay, everything else that is not seen is shown as `\u{…}`. */
export const visibleText = (text: string): string => text.replaceAll('\r\n', '\n').replaceAll(UNSEEN_BUT_LAYOUT, byNumber);

/** The same on one line: line breaks and tabs are shown too. */
export const visibleLine = (text: string): string => text.replaceAll(UNSEEN, byNumber);

/** A document with every text in it made visible, names of fields included; pages are built from nothing else. */
export const visible = (document: unknown): unknown => {
  if (typeof document === 'string') return visibleText(document);
  if (Array.isArray(document)) return document.map(visible);
  if (document === null || typeof document !== 'object') return document;
  return Object.fromEntries(Object.entries(document).map(([name, value]) => [visibleLine(name), visible(value)]));
};

/** The same JSON value, with nothing in it that a terminal obeys. One line. */
export const visibleJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
