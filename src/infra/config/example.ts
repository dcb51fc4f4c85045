import { TOPICS } from './table.ts';
import type { Variable } from './variable.ts';

/** Columns of a comment. */
const COLUMNS_MAX = 110;

const comment = (text: string): string => text.replaceAll(new RegExp(`(.{1,${COLUMNS_MAX - 2}})(?: |$)`, 'g'), '# $1\n');

/** A value with characters that mean something in `.env` stands in quotes. */
const written = ({ fallback }: Variable<unknown>): string =>
  fallback !== null && /[\s#'"$]/.test(fallback) ? `"${fallback}"` : (fallback ?? '');

/** The text of `.env.example`: every variable with what it means and its default, commented out, so that a copy changes nothing. */
export const exampleFile = (): string => {
  const topics = Object.entries(TOPICS).map(([topic, variables]) => {
    const entries = Object.entries<Variable<unknown>>(variables).map(
      ([name, variable]) => `${comment(variable.doc)}#${name}=${written(variable)}\n`,
    );
    return `# ---- ${topic} ----\n\n${entries.join('\n')}`;
  });
  const head = comment(
    'Copy this file to .env and uncomment what you change. The real environment wins over .env; an empty value counts as not set.',
  );
  return `${head}\n${topics.join('\n')}`;
};
