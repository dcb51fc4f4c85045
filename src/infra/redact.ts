import { PRIVATE_KEY_BEGIN, secretForms, TOKEN_PATTERNS } from '../domain/secrets.ts';

/** What stands where a secret was. */
export const REDACTION = '[redacted]';

/** A private key without an end within this many characters is taken out up to here. */
const PRIVATE_KEY_CHARACTERS_MAX = 16_384;

const CONTEXTUAL_PATTERNS: readonly string[] = [
  // User and password, or a long token, in front of the host of a URL.
  '(?<=:\\/\\/)[^\\s\\/:@\'"]{0,200}:[^\\s\\/@\'"]{1,400}(?=@)',
  '(?<=:\\/\\/)[^\\s\\/:@\'"]{20,400}(?=@)',
  '(?<=\\b(?:[Bb]earer|[Bb]asic)\\s)[A-Za-z0-9._~+\\/=-]{20,4000}',
];

const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

const withoutPrivateKeys = (text: string): string => {
  if (!text.includes('PRIVATE KEY')) return text;
  const begin = new RegExp(PRIVATE_KEY_BEGIN.source, 'g');
  const kept: string[] = [];
  let from = 0;
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    const body = text.slice(begin.lastIndex, begin.lastIndex + PRIVATE_KEY_CHARACTERS_MAX);
    const end = /-----END [A-Z0-9 ]{0,40}-----/.exec(body);
    kept.push(text.slice(from, match.index), REDACTION);
    from = begin.lastIndex + (end === null ? body.length : end.index + end[0].length);
    begin.lastIndex = from;
  }
  return [...kept, text.slice(from)].join('');
};

/**
 * Takes secrets out of a text: the given values in every usual encoding, private keys, and whatever looks like a well-known kind of
 * token. Linear in the text; a second pass changes nothing.
 */
export const createRedactor = (secrets: readonly string[]): ((text: string) => string) => {
  const known = [...new Set(secrets.flatMap(secretForms))].sort((a, b) => b.length - a.length).map(literal);
  const knownValues = known.length === 0 ? null : new RegExp(known.join('|'), 'g');
  const patterns = new RegExp([...TOKEN_PATTERNS, ...CONTEXTUAL_PATTERNS].join('|'), 'g');
  return (text) => {
    const unknown = knownValues === null ? text : text.replace(knownValues, REDACTION);
    return withoutPrivateKeys(unknown).replace(patterns, REDACTION);
  };
};
