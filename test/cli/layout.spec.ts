import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, fields, table, width, wrapped } from '../../src/infra/cli/layout.ts';

const plain = (text: string): string => text;

describe('The width of a text', () => {
  it('counts columns: wide characters twice, combining ones and colours not at all', () => {
    expect(['abc', '日本', 'e\u0301', '\x1b[1mabc\x1b[22m', ''].map(width)).toEqual([3, 4, 1, 3, 0]);
  });
});

describe('A text that is wrapped', () => {
  it('breaks between words, and inside a word only when the word is longer than a line', () => {
    expect(wrapped('the quick brown fox', 10)).toEqual(['the quick', 'brown fox']);
    expect(wrapped('abcdefghijkl mn', 5)).toEqual(['abcde', 'fghij', 'kl mn']);
    expect(wrapped('one\n\ntwo', 10)).toEqual(['one', '', 'two']);
  });

  it('never has a line that is too wide, and loses nothing but spaces', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 2, max: 30 }), (text, columns) => {
        const lines = wrapped(text, columns);
        for (const line of lines) expect(width(line)).toBeLessThanOrEqual(columns);
        expect(lines.join('').replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
      }),
    );
  });
});

describe('A table', () => {
  const header = [{ title: 'task' }, { title: 'change', flexible: true }, { title: 'status' }];
  const rows = [
    ['3f2a91c2', 'Totals come out wrong when a discount is given', 'RUNNING'],
    ['77e1b0aa', '合計が違う', 'FAILED'],
  ];

  it('lines its columns up, by what is seen', () => {
    const lines = table(header, rows, plain);
    expect(lines[1]?.indexOf('RUNNING')).toBe(lines[0]?.indexOf('status'));
    expect(lines[2]).toBe(`77e1b0aa  合計が違う${' '.repeat(36)}  FAILED`);
  });

  it('gives way in one column when the terminal is narrow', () => {
    const lines = table(header, rows, plain, 40);
    for (const line of lines) expect(width(line)).toBeLessThanOrEqual(40);
    expect(lines[1]).toContain('…');
    expect(lines[1]).toContain('RUNNING');
  });

  it('keeps a cell on its line', () => {
    expect(table([{ title: 'a' }], [['one\ntwo\t3']], plain)).toEqual(['a', 'one two 3']);
  });
});

describe('Fields', () => {
  it('wrap beside their label, and leave out what there is not', () => {
    expect(
      fields(
        [
          ['change', 'Make the test pass, please'],
          ['feedback', null],
          ['by', 'Ada'],
        ],
        28,
        plain,
      ),
    ).toEqual(['change  Make the test pass,', '        please', 'by      Ada']);
  });
});

describe('A text that is cut', () => {
  it('says so, and is never wider than it may be', () => {
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('abcd', 4)).toBe('abcd');
    expect(width(cut('日本語日本語', 6))).toBeLessThanOrEqual(6);
  });
});
