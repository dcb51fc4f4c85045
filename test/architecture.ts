import { posix } from 'node:path';

export interface Source {
  /** From the root of the repository, such as `src/domain/text.ts`. */
  readonly path: string;
  readonly text: string;
}

type Layer = 'domain' | 'commands' | 'projections' | 'infra' | 'main' | 'outside';

/** What each layer may take of ours. Nothing takes main: it is where the adapters are built. */
const MAY_IMPORT: Readonly<Record<Layer, readonly Layer[]>> = {
  domain: ['domain'],
  commands: ['domain', 'commands'],
  projections: ['domain', 'projections'],
  infra: ['domain', 'commands', 'projections', 'infra'],
  main: ['domain', 'commands', 'projections', 'infra'],
  outside: [],
};

/** What may come from elsewhere into the layers that neither wait nor fail. */
const PACKAGES: Partial<Readonly<Record<Layer, readonly string[]>>> = {
  domain: ['zod', 'canonicalize', 'uuid', 'node:crypto'],
  commands: ['zod', 'uuid', 'node:crypto', 'node:path', 'node:timers/promises'],
  projections: ['zod', 'node:crypto'],
};

const layerOf = (path: string): Layer => {
  if (path === 'src/main.ts') return 'main';
  const [root, folder] = path.split('/');
  return root === 'src' && (folder === 'domain' || folder === 'commands' || folder === 'projections' || folder === 'infra')
    ? folder
    : 'outside';
};

const isOurs = (path: string): boolean => path.startsWith('src/');

const IMPORT = /(?:^|[\s;}])(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g;

const importsOf = ({ text }: Source): string[] =>
  [...withoutComments(text).matchAll(IMPORT)].map(([, , specifier = '']) => specifier);

/** Comment lines only: a lexer would be longer than it is worth. */
const withoutComments = (text: string): string =>
  text
    .split('\n')
    .map((line) => (/^\s*(?:\/\/|\/\*|\*)/.test(line) ? '' : line))
    .join('\n');

type Rule = (source: Source) => string[];

const withComments = (text: string): string => text;

/** A rule about lines that hold something; `where` picks the files, `read` what of them. */
const never =
  (what: RegExp, sentence: string, where: (path: string) => boolean, read = withoutComments): Rule =>
  ({ path, text }) =>
    (where(path) ? read(text).split('\n') : []).flatMap((line, index) =>
      what.test(line) ? [`${path}:${index + 1} ${sentence}`] : [],
    );

const importDirection: Rule = (source) => {
  if (!isOurs(source.path)) return [];
  const layer = layerOf(source.path);
  if (layer === 'outside') return [`${source.path} stands outside domain, commands, projections and infra`];
  return importsOf(source).flatMap((specifier) => {
    if (!specifier.startsWith('.')) {
      return PACKAGES[layer]?.includes(specifier) === false ? [`${source.path} takes ${specifier} into ${layer}`] : [];
    }
    const target = posix.join(posix.dirname(source.path), specifier);
    if (!MAY_IMPORT[layer].includes(layerOf(target))) return [`${source.path} takes ${target} into ${layer}`];
    return /\.m?ts$/.test(specifier) ? [] : [`${source.path} imports ${specifier} without its ending`];
  });
};

const FORBIDDEN_NAMES = /^(?:utils?|helpers?|types?|common|shared|misc|.*-?services?|.*-?managers?)$/;

const fileName: Rule = ({ path }) => {
  const parts = path.replace(/(?:\.spec|\.test)?\.(?:ts|mts|mjs)$/, '').split('/');
  return parts.flatMap((part) => {
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part)) return [`${path}: "${part}" is not kebab-case`];
    return FORBIDDEN_NAMES.test(part) ? [`${path}: "${part}" does not say what it holds`] : [];
  });
};

const isTest = (path: string): boolean => path.startsWith('test/');
const isDomain = (path: string): boolean => layerOf(path) === 'domain';
const isEverywhere = (): boolean => true;

/** Asks for a server of one's own by `EVENTSTORE_TEST_URL`; the same contract runs elsewhere without one. */
const NEEDS_A_SERVER = 'test/store/eventstoredb-server.test.ts';

const RULES: readonly Rule[] = [
  importDirection,
  fileName,
  never(
    /^\s*(?:x?describe|x?it|x?test|suite|bench)(?:\.\w+(?:\(.*?\))?)*\.(?:skip|only|todo|skipIf|fails)\b|^\s*x(?:describe|it|test)\(/,
    'leaves tests out',
    isTest,
  ),
  never(/^\s*(?:describe|it|test)\.runIf\(/, 'leaves tests out', (path) => isTest(path) && path !== NEEDS_A_SERVER),
  never(/(?:[:<,|&(=]|\bas|\bextends)\s*any\s*(?:[;,)\]}=>|&]|\[\]|$)/, 'gives up on types with any', isEverywhere),
  never(/\/[/*]\s*(?:@ts-(?:ignore|nocheck)|biome-ignore-all)/, 'silences the compiler', isEverywhere, withComments),
  never(/\bexport default\b/, 'exports a default', isOurs),
  never(/\bclass\s+\w+(?!\s+extends\b)\s*(?:<[^>]*>)?\s*(?:implements\b|\{)/, 'has a class that is no error', isOurs),
  never(/\b(?:TODO|FIXME|XXX)\b/, 'leaves something to do', isOurs, withComments),
  never(/\bprocess\.env\b(?!\.[A-Z])/, 'hands on the whole environment', (path) => isOurs(path) && layerOf(path) !== 'main'),
  never(
    /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandom(?:UUID|Bytes|Int)\(|\bprocess\.|\bconsole\.|\bset(?:Timeout|Interval|Immediate)\(|\bfetch\(/,
    'takes a clock, chance or the world into domain',
    isDomain,
  ),
];

/** One sentence for each place where a source breaks a rule of the house; nothing when all is well. */
export const brokenRules = (sources: readonly Source[]): string[] =>
  sources.flatMap((source) => RULES.flatMap((rule) => rule(source)));
