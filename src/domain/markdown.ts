/**
 * Text written by others, on its way into a pull request. It stands in code, so Markdown and HTML in it are nothing but characters; and as
 * a pull request's title and body become the message of a merge commit, where no Markdown protects, what would act there is defused too.
 */

/** Characters that are not seen, or that change how others are seen. U+FE0F only makes an emoji colourful. */
const UNSEEN = /(?!\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const UNSEEN_BUT_LAYOUT = new RegExp(`(?![\\n\\t])${UNSEEN.source}`, 'gu');

/**
 * The one character of each thing that acts: a mention, a reference to an issue in four spellings, and the words that keep CI from
 * running. Each match needs the character after it, so putting something there or taking the character out disarms it.
 */
const TRIGGERS = new RegExp(
  [
    '(?<![A-Za-z0-9])@(?=[A-Za-z0-9])',
    '#(?=\\d)',
    '(?<=\\bGH)-(?=\\d)',
    '(?<=\\/(?:issues|pull|discussions))\\/(?=\\d)',
    '\\[(?=\\s{0,9}(?:(?:skip|no)[ _-]\\w{1,40}|\\w{1,40}[ _-]skip)\\s{0,9}\\])',
    '(?<=skip)-(?=checks:)',
    '\\*(?=NO_CI)',
  ].join('|'),
  'gi',
);

const byNumber = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`;

const cut = (text: string, charactersMax: number): string => {
  if (text.length <= charactersMax) return text;
  const kept = text.slice(0, charactersMax - 1);
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
};

/** No character gets shorter by being shown, so what is beyond the limit need not be looked at. */
const shown = (text: string, unseen: RegExp, charactersMax: number): string =>
  cut(
    text
      .slice(0, charactersMax + 1)
      .replaceAll(unseen, byNumber)
      .replaceAll(TRIGGERS, byNumber),
    charactersMax,
  );

const longestRun = (text: string): number => Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));

/** One line without effects: line ends, controls and invisible characters are shown as `\u{…}`, and so is what would act. */
export const singleLine = (text: string, charactersMax: number): string => shown(text, UNSEEN, charactersMax);

/** A code span. Empty text is said to be empty, for Markdown has no empty span. */
export const code = (text: string, charactersMax: number): string => {
  const line = singleLine(text, charactersMax);
  if (line.trim() === '') return '(empty)';
  const fence = '`'.repeat(longestRun(line) + 1);
  const space = /^[` ]|[` ]$/.test(line) ? ' ' : '';
  return `${fence}${space}${line}${space}${fence}`;
};

/** A block of code that nothing in `text` can end. Line breaks and tabs stay. */
export const fenced = (text: string, charactersMax: number): string => {
  const lines = shown(text.replaceAll('\r\n', '\n'), UNSEEN_BUT_LAYOUT, charactersMax);
  const fence = '`'.repeat(Math.max(3, longestRun(lines) + 1));
  return `${fence}text\n${lines}\n${fence}`;
};

/** The first line that says something, for a place without code: what would act gets a space after it. Empty when no line does. */
export const inertTitle = (text: string, charactersMax: number): string => {
  const line = text.split(/[\n\r]/).find((candidate) => candidate.trim() !== '') ?? '';
  const seen = line.replaceAll(/\s+/gu, ' ').trim().replaceAll(UNSEEN, byNumber);
  return cut(
    seen.replaceAll(TRIGGERS, (character) => `${character} `),
    charactersMax,
  );
};
