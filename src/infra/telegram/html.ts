import { visibleLine, visibleText } from '../visible.ts';

/** Only this file can set it, so nothing that was parsed or typed by hand is taken for markup. */
const MADE = Symbol('html');

/** Text in Telegram's HTML that is escaped by construction: it comes from `html` and what is built on it, never from a string. */
export interface Html {
  readonly [MADE]: true;
  readonly html: string;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => ESCAPES[character] ?? character);

const made = (markup: string): Html => ({ [MADE]: true, html: markup });

const filled = (hole: string | number | Html): string => {
  if (typeof hole === 'object') {
    if (MADE in hole) return hole.html;
    throw new TypeError('only text that was made here goes into a message as it is');
  }
  return escaped(typeof hole === 'number' ? String(hole) : visibleLine(hole));
};

/**
 * Escapes every hole that is no `Html` itself. A text in a hole stays on its line and shows its controls, bidirectional and invisible characters
 * as `\u{…}`, so that it can forge neither a line nor a mark.
 */
export const html = (parts: TemplateStringsArray, ...holes: readonly (string | number | Html)[]): Html =>
  made(parts.reduce((before, part, at) => `${before}${filled(holes[at - 1] ?? '')}${part}`));

export const nothing: Html = html``;

export const isEmpty = (text: Html): boolean => text.html === '';

/** One after the other; those that are empty or left out take no place. */
export const join = (parts: readonly (Html | null | undefined)[], separator = '\n'): Html =>
  made(
    parts
      .filter((part) => part != null)
      .map((part) => part.html)
      .filter((part) => part !== '')
      .join(separator),
  );

/** What Telegram would make a link, a mention, a tag or a command of. */
const LINKABLE = /[@#$/+]|\S:\S|\.\p{L}/u;

/** More marks than this and the whole text is one: Telegram passes over what exceeds 100 in a message. */
const MARKS_MAX = 30;

/** Brackets, quotation marks and stops that stand around a word. */
const BEFORE: ReadonlySet<string> = new Set('([{"\'“‘');
const AFTER: ReadonlySet<string> = new Set(')]}"\'”’,.;:!?');

/** One look at each character: words are of others, and may be made of stops alone. */
const markedWord = (word: string): string => {
  if (!LINKABLE.test(word)) return escaped(word);
  let start = 0;
  while (start < word.length && BEFORE.has(word.charAt(start))) start++;
  let end = word.length;
  while (end > start && AFTER.has(word.charAt(end - 1))) end--;
  return `${escaped(word.slice(0, start))}<code>${escaped(word.slice(start, end))}</code>${escaped(word.slice(end))}`;
};

const marked = (text: string): string => {
  const words = text.split(/(\s+)/);
  const marks = words.filter((word) => LINKABLE.test(word)).length;
  return marks > MARKS_MAX ? `<code>${escaped(text)}</code>` : words.map(markedWord).join('');
};

/** Words of others on one line. What would become a link, a mention or a command is shown as code, which nobody can tap by mistake. */
export const prose = (text: string): Html => made(marked(visibleLine(text)));

/** The first `max` characters, cut between code points; an ellipsis where something is missing. */
export const beginning = (text: string, max: number): string =>
  text.length <= max
    ? text
    : `${text
        .slice(0, max)
        .replace(/[\ud800-\udbff]$/, '')
        .trimEnd()}…`;

/** Words of others as a quotation with their line breaks: the bar at its side shows where they end. */
export const quoted = (text: string): Html => made(`<blockquote>${marked(visibleText(text).trim())}</blockquote>`);

/** What few read, in three lines until it is opened. */
export const folded = (text: Html): Html => html`<blockquote expandable>${text}</blockquote>`;

/** Output or a patch, as it was printed. */
export const block = (text: string): Html => made(`<pre>${escaped(visibleText(text))}</pre>`);

export const code = (text: string): Html => html`<code>${text}</code>`;

export const bold = (text: string): Html => html`<b>${text}</b>`;

export const link = (url: string, text: string): Html => html`<a href="${url}">${text}</a>`;

const TOKEN = /<(\/?)([a-z]+)[^>]*>|&[a-z]+;|./gsu;

const widthOf = (token: string): number => {
  if (token.startsWith('<')) return 0;
  return token.endsWith(';') ? 1 : token.length;
};

/** Characters as Telegram counts them: UTF-16 units, after the markup is taken out. */
export const lengthOf = (text: Html): number => text.html.matchAll(TOKEN).reduce((length, [token]) => length + widthOf(token), 0);

const LEFT_OUT = html`\n<i>The rest does not fit into a message.</i>`;

/** At most `max` characters, as Telegram counts them; says so when something was left out. */
export const fitted = (text: Html, max: number): Html => {
  if (lengthOf(text) <= max) return text;
  const room = max - lengthOf(LEFT_OUT) - '…'.length;
  const open: string[] = [];
  let kept = '';
  let length = 0;
  for (const [token, closing, tag] of text.html.matchAll(TOKEN)) {
    length += widthOf(token);
    if (length > room) break;
    kept += token;
    if (closing === '/') open.pop();
    else if (tag !== undefined) open.push(tag);
  }
  return made(
    `${kept}…${open
      .reverse()
      .map((tag) => `</${tag}>`)
      .join('')}${LEFT_OUT.html}`,
  );
};

const CHARACTERS: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

/** The words without their markup: what is sent where Telegram does not take the markup. */
export const plainText = (text: Html): string =>
  text.html
    .matchAll(TOKEN)
    .map(([token]) => (token.startsWith('<') ? '' : (CHARACTERS[token] ?? token)))
    .toArray()
    .join('');
