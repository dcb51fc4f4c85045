import { PRIVATE_KEY_BEGIN, secretForms, TOKEN_PATTERNS } from '../secrets.ts';
import type { LineFinding } from './shapes.ts';

export interface AddedLine {
  /** 1-based in the new file; 0 when not known. */
  readonly line: number;
  readonly text: string;
}

type Kind = LineFinding['kind'];

/** Patterns see a long line in pieces of this size; pieces overlap, so nothing hides on a seam. */
const PIECE_CHARACTERS = 4_096;
const OVERLAP_CHARACTERS = 1_024;

const pieces = function* (text: string): Generator<string> {
  for (let from = 0; from === 0 || from + OVERLAP_CHARACTERS < text.length; from += PIECE_CHARACTERS - OVERLAP_CHARACTERS) {
    yield text.slice(from, from + PIECE_CHARACTERS);
  }
};

const LIKELY_SECRET = new RegExp(
  [
    ...TOKEN_PATTERNS,
    '(?<=:\\/\\/)[^\\s\\/:@\'"]{1,200}:[^\\s\\/@\'"]{3,400}@',
    // A quoted random-looking value that is assigned to a name such as `apiKey`.
    '(?:[Aa][Pp][Ii]_?-?[Kk][Ee][Yy]|[Ss]ecret|SECRET|[Tt]oken|TOKEN|[Pp]assword|PASSWORD)["\']?\\s{0,4}[:=]{1,2}\\s{0,4}["\'](?=[^"\']{0,200}[0-9])[A-Za-z0-9+\\/=_-]{20,200}["\']',
  ].join('|'),
);

const BIDIRECTIONAL = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Controls (not tab, form feed, or a carriage return at the end), format characters, fillers and variation selectors nobody sees. */
const INVISIBLE = new RegExp(
  [
    '[\\0-\\x08\\x0b\\x0e-\\x1f\\x7f-\\x9f]|\\r(?!$)',
    '[\\u00ad\\u180e\\u200b-\\u200d\\u2028\\u2029\\u2060-\\u2065\\u206a-\\u206f\\ufeff\\ufff9-\\ufffb]',
    '[\\u115f\\u1160\\u17b4\\u17b5\\u3164\\uffa0]',
    '[\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}]',
    '\\u034f|[\\u180b-\\u180d\\u180f]|[\\ufe00-\\ufe0e]|[\\u{e0000}-\\u{e0fff}]',
  ].join('|'),
  'u',
);

/** Parts of ordinary emoji (joiners between pictures, flags of regions) and the byte order mark that opens a file. */
const EMOJI_PARTS =
  /(?<=\p{Extended_Pictographic}|\ufe0f|\p{Emoji_Modifier})\u200d(?=\p{Extended_Pictographic})|(?<=\u{1f3f4})[\u{e0061}-\u{e007a}]{2,6}\u{e007f}/gu;

const withoutEmoji = (text: string): string =>
  text.includes('\u200d') || text.includes('\u{e007f}') ? text.replaceAll(EMOJI_PARTS, '') : text;

const isInvisible = ({ line, text }: AddedLine): boolean =>
  INVISIBLE.test(withoutEmoji(line === 1 && text.startsWith('\ufeff') ? text.slice(1) : text));

/** Ways to make a test not count, in the languages people write tests in. */
const NEUTERED = new RegExp(
  [
    '\\b(?:describe|it|test|suite|context|specify)(?:\\.\\w{1,20}){0,3}\\.(?:skip|only|todo|fixme|fails|failing|skipIf|runIf)\\b',
    '(?<![\\w.$])(?:xit|xtest|xdescribe|xcontext|xspecify|fdescribe|fcontext)\\s?\\(',
    '(?<![\\w.$])fit\\s?\\(\\s?["\'`]',
    '@(?:Ignore|Disabled|DisabledIf|DisabledOnOs)\\b',
    '(?:@|\\b(?:mark|pytest|unittest)\\.)(?:skip|skipif|skipIf|skipUnless|xfail|expectedFailure)\\b',
    '\\b(?:skipTest|SkipTest|markTestSkipped|markTestIncomplete|importorskip)\\s?\\(',
    '\\b[tb]\\.Skip(?:f|Now)?\\(',
    '#\\[ignore\\b',
    '\\[(?:Ignore|Explicit)\\b',
    '\\bSkip\\s?=\\s?"',
    '\\bXCTSkip\\b',
    '\\bGTEST_SKIP\\b',
    '^\\s{0,40}(?:skip|pending)\\s?(?:\\(|["\']|$)',
  ].join('|'),
);

/** Names of scripts that npm, yarn, pnpm or bun run by themselves. A key may stand alone on its line. */
const LIFECYCLE =
  /"(?:pre|post)?(?:install|prepare|prepublish|prepublishOnly|pack|uninstall|dependencies)"\s{0,20}(?::\s{0,20}"|:?$)/;
const TEST_SCRIPT = /"(?:pre|post)?test(?::[^"]{0,80})?"\s{0,20}(?::\s{0,20}"|:?$)/;

const withoutJsonEscapes = (text: string): string =>
  text.replaceAll(/\\u([0-9A-Fa-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

/** Where each kind of lock file names the place a package comes from. */
const LOCKFILE_URL: ReadonlyMap<string, RegExp> = new Map([
  ['package-lock.json', /"resolved"\s{0,20}:\s{0,20}"([^"]{1,500})/],
  ['npm-shrinkwrap.json', /"resolved"\s{0,20}:\s{0,20}"([^"]{1,500})/],
  ['yarn.lock', /\bresolved "?([^"\s]{1,500})/],
  ['pnpm-lock.yaml', /\b(?:tarball|repo): ?'?([^\s',}]{1,500})/],
  ['bun.lock', /"((?:https?|git|git\+[a-z]{1,8}|ssh):[^"]{1,500})/],
  ['cargo.lock', /^source = "([^"]{1,500})/],
  ['poetry.lock', /\burl = "([^"]{1,500})/],
  ['uv.lock', /\b(?:url|registry|git) = "([^"]{1,500})/],
  ['pdm.lock', /\burl = "([^"]{1,500})/],
  ['pipfile.lock', /"url"\s{0,20}:\s{0,20}"([^"]{1,500})/],
  ['gemfile.lock', /^\s{0,10}remote: (\S{1,500})/],
]);

/** Sources that the package managers use when nothing else is said. */
const USUAL_SOURCE =
  /^(?:https:\/\/(?:registry\.npmjs\.org|registry\.yarnpkg\.com|pypi\.org|files\.pythonhosted\.org|rubygems\.org)\/|registry\+https:\/\/github\.com\/rust-lang\/crates\.io-index$)/;

const isUnusualSource = (pattern: RegExp, piece: string): boolean => {
  const source = pattern.exec(piece)?.[1];
  return source !== undefined && !source.startsWith('file:') && !USUAL_SOURCE.test(source);
};

const baseName = (path: string): string =>
  path
    .slice(path.lastIndexOf('/') + 1)
    .normalize('NFKC')
    .toLowerCase();

/** What the name of the file makes worth looking for, besides what is looked for everywhere. */
const questionsFor = (path: string): ReadonlyMap<Kind, (piece: string) => boolean> => {
  const name = baseName(path);
  const questions = new Map<Kind, (piece: string) => boolean>([
    ['private_key', (piece) => PRIVATE_KEY_BEGIN.test(piece) || piece.startsWith('PuTTY-User-Key-File-')],
    ['likely_secret', (piece) => LIKELY_SECRET.test(piece)],
    ['bidirectional_control', (piece) => BIDIRECTIONAL.test(piece)],
  ]);
  const lockfile = LOCKFILE_URL.get(name);
  if (lockfile !== undefined) questions.set('lockfile_host', (piece) => isUnusualSource(lockfile, piece));
  else questions.set('test_neutered', (piece) => NEUTERED.test(piece));
  if (name === 'package.json') {
    questions.set('lifecycle_script', (piece) => LIFECYCLE.test(withoutJsonEscapes(piece)));
    questions.set('test_script', (piece) => TEST_SCRIPT.test(withoutJsonEscapes(piece)));
  }
  return questions;
};

/**
 * What is worth a person's eye in the lines added to one file: at most one finding a kind and line, in order of lines. Linear in the
 * text. Never carries what was found.
 */
export const scanAdded = (path: string, lines: readonly AddedLine[], serviceSecrets: readonly string[]): LineFinding[] => {
  const secrets = serviceSecrets.flatMap(secretForms);
  const questions = questionsFor(path);
  return lines.flatMap((added) => {
    const kinds = new Set<Kind>();
    if (secrets.some((secret) => added.text.includes(secret))) kinds.add('service_secret');
    if (isInvisible(added)) kinds.add('invisible_character');
    for (const piece of pieces(added.text)) {
      for (const [kind, isFound] of questions) if (!kinds.has(kind) && isFound(piece)) kinds.add(kind);
    }
    return [...kinds].map((kind) => ({ path, kind, line: added.line }));
  });
};
