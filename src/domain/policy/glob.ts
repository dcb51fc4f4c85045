import { foldedPath } from './path-name.ts';

/** The components of a path that went through `foldedPath`. */
export type Components = readonly string[];

export interface Glob {
  /** As it was written, for sentences. */
  readonly text: string;
  readonly matches: (path: Components) => boolean;
}

type Matcher = (component: string) => boolean;

/** Stands for any number of components. */
const ANY = 'any';

const componentMatcher = (pattern: string): Matcher => {
  const [first = '', ...pieces] = pattern.split('*');
  const last = pieces.pop();
  if (last === undefined) return (component) => component === pattern;
  return (component) => {
    const end = component.length - last.length;
    if (end < first.length || !component.startsWith(first) || !component.endsWith(last)) return false;
    let at = first.length;
    for (const piece of pieces) {
      const found = component.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
};

/**
 * Going back to the last `**` is enough, so time is bounded by the product of both lengths: there is no pattern that explodes.
 */
const matchesAll = (pattern: readonly (Matcher | typeof ANY)[], path: Components): boolean => {
  let at = 0;
  let afterAny = 0;
  let resume = 0;
  for (let index = 0; index < path.length; ) {
    const element = pattern[at];
    if (element === ANY) {
      afterAny = ++at;
      resume = index;
    } else if (element?.(path[index] ?? '')) {
      at++;
      index++;
    } else if (afterAny > 0) {
      at = afterAny;
      index = ++resume;
    } else return false;
  }
  return pattern.slice(at).every((element) => element === ANY);
};

/**
 * `*` is any run of characters within a component, `**` any number of components, a trailing `/` or `/**` everything in that folder.
 * Without a `/` before its end a glob is looked for at any depth, as in `.gitignore`; with one, or with a leading one, it begins at the
 * root. What is named is meant with all below it. There is no negation and no other special character. Case and Unicode forms do not matter.
 */
export const compileGlob = (text: string): Glob => {
  const folded = foldedPath(text);
  const parts = (folded.endsWith('/') ? `${folded}**` : folded).split('/');
  const [only = ''] = parts;
  if (parts.length === 1 && only !== '**') {
    const matcher = componentMatcher(only);
    return { text, matches: (path) => path.some(matcher) };
  }
  if (only === '') parts.shift();
  else if (folded.indexOf('/') === folded.length - 1) parts.unshift('**');
  // The folder's own name is not what is inside it.
  if (parts.at(-1) === '**') parts.splice(-1, 0, '*');
  const pattern = [...parts, '**'].map((part) => (part === '**' ? ANY : componentMatcher(part)));
  return { text, matches: (path) => matchesAll(pattern, path) };
};

/** Whether one of the globs matches. */
export const anyGlob = (...globs: readonly string[]): ((path: Components) => boolean) => {
  const compiled = globs.map(compileGlob);
  return (path) => compiled.some(({ matches }) => matches(path));
};
