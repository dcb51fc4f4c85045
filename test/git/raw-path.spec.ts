import { describe, expect, it } from 'vitest';
import { isGitmodulesName, isGitName, quoted, rawPathOf, shownPath } from '../../src/infra/git/raw-path.ts';

const raw = (name: string): string => rawPathOf(Buffer.from(name));

describe('A name that some file system takes for .git', () => {
  it.each([
    '.git',
    '.GIT',
    '.Git',
    '.git.',
    '.git ',
    '.git . .',
    '.git::$INDEX_ALLOCATION',
    '.git:x',
    '.git\\config',
    'x\\.git',
    'x\\.git\\y',
    'git~1',
    'GIT~1',
    'git~2',
    'git~1.',
    '.g\u200cit',
    '.gi\u200dt',
    '\u200e.git',
    '.git\ufeff',
    '.g\u206ait',
    '.g\u00adit',
    '.ｇｉｔ',
    '．git',
  ])('is seen in %j', (name) => {
    expect(isGitName(raw(name))).toBe(true);
  });

  it.each(['.gitignore', '.github', 'git', '.git-x', 'x.git', 'git~', 'git~x', '.git_', '.gi', 'a.git.', '.gitmodules', 'gít'])(
    'is not seen in %j',
    (name) => {
      expect(isGitName(raw(name))).toBe(false);
    },
  );

  it('is not seen in bytes that are no text', () => {
    expect(isGitName(rawPathOf(Buffer.from([0x2e, 0x67, 0x69, 0x74, 0xff])))).toBe(false);
  });
});

describe('A link in the place of .gitmodules', () => {
  it.each(['.gitmodules', '.GITMODULES', '.gitmodules ', 'gitmod~1', 'GI7EBA~1', '.git\u200cmodules', '.gitmodules::$DATA'])(
    'is seen in %j',
    (name) => {
      expect(isGitmodulesName(raw(name))).toBe(true);
    },
  );
});

describe('A path of any bytes', () => {
  it('is shown with each byte that is no UTF-8 escaped, and nothing else', () => {
    expect(shownPath(raw('ü/日本/😀'))).toBe('ü/日本/😀');
    expect(shownPath(rawPathOf(Buffer.from([0x61, 0xff, 0xc3, 0xbc, 0xc3])))).toBe('a\\xffü\\xc3');
    expect(shownPath(rawPathOf(Buffer.from([0xed, 0xa0, 0x80])))).toBe('\\xed\\xa0\\x80');
  });

  it('is quoted so that one line names it', () => {
    expect(quoted(raw('a b'))).toBe('"a b"');
    expect(quoted(raw('a"b\\c\nd\re\tü\u007f'))).toBe('"a\\042b\\134c\\012d\\015e\\011\\303\\274\\177"');
  });
});
