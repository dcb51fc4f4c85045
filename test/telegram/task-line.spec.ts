import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCommand } from '../../src/infra/telegram/command-line.ts';
import { readTaskLine, writtenOptions } from '../../src/infra/telegram/task-line.ts';

describe('What is typed after /task', () => {
  it('is options and then the words of the request', () => {
    expect(readTaskLine('repo=acme/widgets base=main agent=codex test="npm run ci" Fix the sum.')).toEqual({
      options: { repo: 'acme/widgets', base: 'main', agent: 'codex', testCommand: 'npm run ci' },
      text: 'Fix the sum.',
    });
    expect(readTaskLine('Fix the sum.')).toEqual({ options: {}, text: 'Fix the sum.' });
    expect(readTaskLine('Repo=acme/widgets\nbase=release/2.1')).toEqual({
      options: { repo: 'acme/widgets', base: 'release/2.1' },
      text: '',
    });
  });

  it('keeps lines, quotes and everything else of the words as they were typed', () => {
    const words = `Say "hello" and 'bye':\n\n  - first  \n\t- "second\n\n(see repo=other/one, base=x) \u202e<b>&amp; \u200b`;
    expect(readTaskLine(`repo=acme/widgets ${words}`)).toEqual({ options: { repo: 'acme/widgets' }, text: words.trim() });
    const long = `${'x'.repeat(7_000)}\n${'y'.repeat(1_000)}`;
    expect(readTaskLine(long)).toEqual({ options: {}, text: long });
  });

  it('takes the quotes of a phone', () => {
    for (const quoted of ['“sh test.sh”', '‘sh test.sh’', "'sh test.sh'", '«sh test.sh»', '„sh test.sh“'])
      expect(readTaskLine(`test=${quoted} x`)).toEqual({ options: { testCommand: 'sh test.sh' }, text: 'x' });
  });

  it('may begin like an option after two dashes, and like a flag without them', () => {
    expect(readTaskLine('repo=a -- base=main should be the default')).toEqual({
      options: { repo: 'a' },
      text: 'base=main should be the default',
    });
    expect(readTaskLine('— x=1 breaks')).toEqual({ options: {}, text: 'x=1 breaks' });
    for (const text of [
      '--help prints nothing',
      '-rf is missing',
      '--',
      'x == 1 fails',
      'a==b fails',
      'https://a.example/?q=1 is down',
    ]) {
      expect(readTaskLine(text)).toEqual({ options: {}, text: text === '--' ? '' : text });
    }
  });

  it.each([
    ['brnch=main fix it', 'brnch= is no option'],
    ['constructor=x fix it', 'constructor= is no option'],
    ['repo=a repo=b fix it', 'repo= is said twice'],
    ['test="a" test="b" fix it', 'test= is said twice'],
    ['test="npm run ci fix it', 'do not end'],
    ['test="npm run"ci fix it', 'do not end'],
    ['repo= acme/widgets fix it', 'needs a value right after it'],
    ['test=" " fix it', 'needs a value right after it'],
    ['repo=../../etc fix it', 'repo= must be'],
    ['repo=--upload-pack=x fix it', 'repo= must be'],
    ['base=-x fix it', 'base= must be a plain branch name'],
    ['agent=CODEX fix it', 'agent= must be the name of an agent'],
  ])('is refused with what to type instead: %s', (typed, complaint) => {
    expect(readTaskLine(typed)).toEqual({ complaint: expect.stringContaining(complaint) });
  });

  it('reads back the options it wrote down', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/);
    const value = fc.string({ minLength: 1, maxLength: 30 }).filter((text) => text.trim() === text && !text.includes('\0'));
    const options = fc.record({ repo: name, base: name, agent: name, testCommand: value }, { requiredKeys: [] });
    fc.assert(
      fc.property(options, (said) => {
        const line = readTaskLine(writtenOptions(said));
        const allQuotes = said.testCommand !== undefined && !writtenOptions(said).includes('test=');
        const { testCommand: _, ...others } = said;
        expect(line).toEqual({ options: allQuotes ? others : said, text: '' });
      }),
    );
  });
});

describe('A command', () => {
  it('is what a message begins with, addressed to a bot or to none', () => {
    expect(readCommand('/task fix it')).toEqual({ name: 'task', bot: null, rest: 'fix it' });
    expect(readCommand('/Task@Our_Bot\nrepo=a\n  fix it\n')).toEqual({ name: 'task', bot: 'our_bot', rest: 'repo=a\n  fix it' });
    expect(readCommand('/help')).toEqual({ name: 'help', bot: null, rest: '' });
  });

  it('is nothing else', () => {
    for (const text of ['task', ' /task', '//task', '/task!', '/usr/bin/env', '/', '/@bot', 'see /task', '/täsk x', ''])
      expect(readCommand(text), text).toBeUndefined();
  });
});
