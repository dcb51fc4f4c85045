import { stripVTControlCharacters } from 'node:util';

/** Two columns wide in a terminal. */
const WIDE =
  /\p{Extended_Pictographic}|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff01-\uff60]/u;
const JOINING = /^\p{M}+$/u;

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

const columnsOf = (grapheme: string): number => {
  if (JOINING.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
};

const ASCII = /^[\x20-\x7e]*$/;

/** Columns a text takes in a terminal; colours take none. */
export const width = (text: string): number => {
  const plain = stripVTControlCharacters(text);
  if (ASCII.test(plain)) return plain.length;
  return [...segmenter.segment(plain)].reduce((sum, { segment }) => sum + columnsOf(segment), 0);
};

export const padded = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - width(text)));

/** Plain text cut to `columns`, with an ellipsis where something is missing. */
export const cut = (text: string, columns: number): string => {
  if (width(text) <= columns) return text;
  let kept = '';
  let used = 1;
  for (const { segment } of segmenter.segment(text)) {
    used += columnsOf(segment);
    if (used > columns) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
};

/** What of `text` fits into `columns`, at least one character, and the rest. */
const halved = (text: string, columns: number): readonly [string, string] => {
  let kept = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += columnsOf(segment);
    if (kept !== '' && used > columns) break;
    kept += segment;
  }
  return [kept, text.slice(kept.length)];
};

const wrappedLine = (line: string, columns: number): string[] => {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/ +/)) {
    if (current !== '' && width(current) + 1 + width(word) <= columns) {
      current += ` ${word}`;
      continue;
    }
    if (current !== '') lines.push(current);
    current = word;
    while (width(current) > columns) {
      const [head, rest] = halved(current, columns);
      lines.push(head);
      current = rest;
    }
  }
  return [...lines, current];
};

/** Plain text in lines of at most `columns`; its own line breaks stay, words longer than a line are broken. */
export const wrapped = (text: string, columns: number): string[] =>
  text.split('\n').flatMap((line) => (width(line) <= columns ? [line] : wrappedLine(line.trim(), columns)));

export const indented = (lines: readonly string[], by: number): string[] =>
  lines.map((line) => (line === '' ? '' : ' '.repeat(by) + line));

export interface Column {
  readonly title: string;
  /** The one column that gives way when the table is wider than the terminal. */
  readonly flexible?: boolean;
}

/** Fewest columns that are left of the flexible one. */
const FLEXIBLE_COLUMNS_MIN = 12;

/** Lines of a table: titles, then rows. Cells are plain; `paint` colours one after it was cut and padded. Without `columns` nothing is cut. */
export const table = (
  header: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: (text: string, row: number, column: number) => string,
  columns = Number.POSITIVE_INFINITY,
): string[] => {
  const cells = [header.map(({ title }) => title), ...rows.map((row) => row.map((cell) => cell.replaceAll(/[\n\t]+/g, ' ')))];
  const natural = header.map((_, at) => Math.max(...cells.map((row) => width(row[at] ?? ''))));
  const spare = columns - natural.reduce((sum, each) => sum + each, 0) - 2 * (header.length - 1);
  const widths = natural.map((each, at) =>
    header[at]?.flexible && spare < 0 ? Math.max(Math.min(each, FLEXIBLE_COLUMNS_MIN), each + spare) : each,
  );
  return cells.map((row, at) =>
    row
      .map((cell, column) => {
        const room = widths[column] ?? 0;
        const fitted = cut(cell, room);
        const painted = paint(fitted, at - 1, column);
        return column === row.length - 1 ? painted : painted + ' '.repeat(Math.max(0, room - width(fitted)));
      })
      .join('  ')
      .trimEnd(),
  );
};

/** Lines of labels and what they stand for, values wrapped beside their label. Empty values are left out. */
export const fields = (
  entries: readonly (readonly [label: string, value: string | null])[],
  columns: number,
  paint: (label: string) => string,
): string[] => {
  const shown = entries.filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== '');
  const room = Math.max(...shown.map(([label]) => width(label)), 0) + 2;
  return shown.flatMap(([label, value]) =>
    wrapped(value, Math.max(20, columns - room)).map(
      (line, at) => (at === 0 ? paint(padded(label, room)) : ' '.repeat(room)) + line,
    ),
  );
};
