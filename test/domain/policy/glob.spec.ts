import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../../src/domain/policy/glob.ts';
import { foldedPath, isGitName, shownPath } from '../../../src/domain/policy/path-name.ts';

const matches = (glob: string, path: string): boolean => compileGlob(glob).matches(foldedPath(path).split('/'));

describe('A glob', () => {
  it.each([
    ['.env*', '.env'],
    ['.env*', 'deploy/.env.production'],
    ['.env*', '.env.d/production'],
    ['**/*.pem', 'server.pem'],
    ['**/*.pem', 'a/b/server.pem'],
    ['.github/workflows/**', '.github/workflows/ci.yml'],
    ['.github/workflows/**', '.github/workflows/deep/er/ci.yml'],
    ['.github/workflows/**', '.GitHub/Workflows/CI.yml'],
    ['.github/workflows/', '.github/workflows/ci.yml'],
    ['secrets/', 'a/secrets/b'],
    ['/secrets/', 'secrets/b'],
    ['**/secrets/**', 'secrets/b'],
    ['**/secrets/**', 'a/b/secrets/c/d'],
    ['CODEOWNERS', 'docs/codeowners'],
    ['a/**/b', 'a/b'],
    ['a/**/b', 'a/x/y/b'],
    ['a*b*c', 'aXbYbZc'],
    ['**', 'anything/at/all'],
    ['src/[id].ts', 'src/[id].ts'],
    ['a/*', 'a/b/c'],
    ['STRASSE', 'straße'],
  ])('%s matches %s', (glob, path) => expect(matches(glob, path)).toBe(true));

  it.each([
    ['.github/workflows/**', 'docs/.github/workflows/ci.yml'],
    ['.github/workflows/**', '.github/workflows.md'],
    ['.github/workflows/**', '.github/workflows'],
    ['.github/**', 'docs/.github-guide.md'],
    ['.env*', 'src/environment.ts'],
    ['**/*.key', 'src/keyboard.ts'],
    ['**/secrets/**', 'src/secrets.ts'],
    ['/secrets/', 'a/secrets/b'],
    ['id_rsa*', 'my_id_rsa'],
    ['src/[id].ts', 'src/i.ts'],
    ['a?c', 'abc'],
  ])('%s does not match %s', (glob, path) => expect(matches(glob, path)).toBe(false));

  it('takes no time to speak of for a hostile pattern', () => {
    const started = performance.now();
    matches(`${'*a'.repeat(190)}b`, 'a'.repeat(4_000));
    matches(`${'**/a/'.repeat(79)}b`, 'a/'.repeat(2_000));
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('without a wildcard matches exactly that path and what is below it', () => {
    const component = fc.stringMatching(/^[a-z][a-z.]{0,5}$/);
    const path = fc.array(component, { minLength: 2, maxLength: 5 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(path, path, (glob, other) => {
        expect(matches(glob, other)).toBe(other === glob || other.startsWith(`${glob}/`));
      }),
    );
  });
});

describe('Folding a path', () => {
  it('twice is the same as once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (path) => {
        expect(foldedPath(foldedPath(path))).toBe(foldedPath(path));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['.GIT', '.git'],
    ['.g\u200cit', '.git'],
    ['．ｇｉｔ', '.git'],
    ['.github\\workflows\\x', '.github/workflows/x'],
    ['.github\uff3cworkflows\ufe68x', '.github/workflows/x'],
    ['\u212aey', 'key'],
    ['.n\u00adpmrc', '.npmrc'],
    ['\u017fecrets', 'secrets'],
    ['pa\u1e9e', 'pass'],
  ])('sees that %j is %s', (path, folded) => expect(foldedPath(path)).toBe(folded));
});

describe('The name of git’s own folder', () => {
  it.each([
    '.git',
    '.git ',
    '.git.',
    '.git. .',
    'git~1',
    'GIT~2',
    '.git::$INDEX_ALLOCATION',
    '.gi\u200dt',
    '.gitmodules ',
    'gitmod~1',
    'gi7eba~1',
  ])('is seen in %j', (name) => expect(isGitName(foldedPath(name))).toBe(true));

  it.each(['.gitignore', '.gitattributes', '.github', 'git', 'digit', '.gitkeep', '.git-blame-ignore-revs', 'legit~1'])(
    'is not seen in %s',
    (name) => expect(isGitName(foldedPath(name))).toBe(false),
  );
});

describe('Showing a path', () => {
  it('spells out what could forge the text around it', () => {
    expect(shownPath('a\nb\u202ec\u001b[2Kd')).toBe('a\\u{a}b\\u{202e}c\\u{1b}[2Kd');
    expect(shownPath('ünï/日本.ts')).toBe('ünï/日本.ts');
  });

  it('is bounded', () => expect(shownPath('x'.repeat(5_000)).length).toBeLessThan(410));
});
