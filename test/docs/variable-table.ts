import { TOPICS } from '../../src/infra/config/table.ts';
import type { Variable } from '../../src/infra/config/variable.ts';

const BEGIN = '<!-- Written by `npm run docs` from src/infra/config/table.ts. -->\n';
const END = '<!-- Until here. -->';

/** A `|` would end the cell, also inside code. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

const shownDefault = ({ fallback, secret }: Variable<unknown>): string => {
  if (secret) return 'secret';
  return fallback === null ? '' : `\`${fallback}\``;
};

const topicTable = ([topic, variables]: [string, Readonly<Record<string, Variable<unknown>>>]): string => {
  const rows = Object.entries(variables).map(
    ([name, variable]) => `| \`${name}\` | ${cell(shownDefault(variable))} | ${cell(variable.doc)} |`,
  );
  return [`### ${topic}`, '', '| variable | default | meaning |', '|---|---|---|', ...rows, ''].join('\n');
};

/** The page with its table of variables as the code has it. Throws when the page has no place for one. */
export const withVariableTable = (page: string): string => {
  const [head, rest] = page.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined) throw new Error('The page has no place for the table of variables.');
  return `${head}${BEGIN}\n${Object.entries(TOPICS).map(topicTable).join('\n')}\n${END}${tail}`;
};
