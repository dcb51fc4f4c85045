import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visible, visibleJson, visibleLine, visibleText } from '../../src/infra/visible.ts';

/** What a terminal obeys, what is not seen, and what changes how others are seen. */
const HARMFUL = /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\u{e0041}/u;

describe('Text written by others', () => {
  it.each([
    ['a colour', 'a\x1b[31mb', 'a\\u{1b}[31mb'],
    ['a title of the window', '\x1b]0;owned\x07', '\\u{1b}]0;owned\\u{7}'],
    ['an 8-bit control sequence', '\x9b2J', '\\u{9b}2J'],
    ['a carriage return that hides what stood there', 'rm -rf /\rls', 'rm -rf /\\u{d}ls'],
    ['a backspace', 'no\b\byes', 'no\\u{8}\\u{8}yes'],
    ['text that runs backwards', 'a\u202eb', 'a\\u{202e}b'],
    ['a character of no width', 'pay\u200bpal', 'pay\\u{200b}pal'],
    ['a tag', 'a\u{e0041}', 'a\\u{e0041}'],
    ['half a surrogate pair', 'a\ud800', 'a\\u{d800}'],
  ])('shows %s instead of obeying it', (_, text, shown) => {
    expect(visibleText(text)).toBe(shown);
    expect(visibleLine(text)).toBe(shown);
  });

  it('keeps line breaks and tabs where there is room for lines, and shows them where there is not', () => {
    expect(visibleText('a\r\n\tb')).toBe('a\n\tb');
    expect(visibleLine('a\n\tb')).toBe('a\\u{a}\\u{9}b');
  });

  it('leaves what people write in their languages as it is', () => {
    for (const text of ['Grüße', '日本語', 'שלום', 'नमस्ते', '❤️', 'a\u0301']) expect(visibleText(text)).toBe(text);
  });

  it('never lets anything through that a terminal obeys, wherever it stands in a document', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const shown = JSON.stringify(visible({ value, [text]: [text] }), (_, inner) => inner);
        expect(shown.replaceAll('\\n', '').replaceAll('\\t', '')).not.toMatch(HARMFUL);
        expect(visibleLine(text)).not.toMatch(HARMFUL);
      }),
    );
  });
});

describe('JSON for a terminal', () => {
  it('is the same value, on one line, without anything that a terminal obeys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const json = visibleJson({ value, text: text.toWellFormed() });
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ value, text: text.toWellFormed() })));
        expect(json).not.toMatch(HARMFUL);
        expect(json).not.toContain('\n');
      }),
    );
  });
});
