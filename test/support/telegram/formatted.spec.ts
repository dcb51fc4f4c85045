import { describe, expect, it } from 'vitest';
import { checkedLink, settled, withDetected } from './formatted.ts';
import { parseHtml } from './html.ts';
import { parseMarkdown } from './markdown.ts';

/** Marks as `type:text`, which reads better than offsets. */
const marks = ({ text, entities }: ReturnType<typeof parseHtml>): readonly string[] =>
  entities.map(({ type, offset, length }) => `${type}:${text.slice(offset, offset + length)}`);

describe('HTML', () => {
  it('gives text and marks, in UTF-16 code units', () => {
    const parsed = parseHtml('<b>bold <i>both</i></b> 😀<u>u</u> <a href="https://example.org/?a=1&amp;b=2">link</a>');
    expect(parsed.text).toBe('bold both 😀u link');
    expect(marks(settled(parsed))).toEqual(['bold:bold both', 'italic:both', 'underline:u', 'text_link:link']);
    expect(settled(parsed).entities[3]).toMatchObject({ url: 'https://example.org/?a=1&b=2' });
  });

  it('knows the four named references and numbers, and leaves others as they are', () => {
    expect(parseHtml('&lt;&gt;&amp;&quot;&#65;&#x42; &nbsp; &').text).toBe('<>&"AB &nbsp; &');
  });

  it('keeps the language of code in pre', () => {
    expect(parseHtml('<pre><code class="language-ts">let a;</code></pre>').entities).toEqual([
      { type: 'pre', offset: 0, length: 6, language: 'ts' },
    ]);
    expect(parseHtml('<code class="language-ts">x</code>').entities).toEqual([{ type: 'code', offset: 0, length: 1 }]);
  });

  it('drops marks inside of code and empty marks', () => {
    expect(marks(settled(parseHtml('<code>a<b>b</b></code><i></i>')))).toEqual(['code:ab']);
  });

  it('reads quotes, spoilers and mentions of people', () => {
    const parsed = parseHtml(
      '<blockquote expandable>q</blockquote><tg-spoiler>s</tg-spoiler><span class="tg-spoiler">t</span><a href="tg://user?id=5">P</a>',
    );
    expect(marks(parsed)).toEqual(['expandable_blockquote:q', 'spoiler:s', 'spoiler:t', 'text_mention:P']);
  });

  it.each([
    ['<b>open', `Can't find end tag corresponding to start tag "b"`],
    ['<b><i>x</b></i>', 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'],
    ['a </b>', 'Unexpected end tag at byte offset 2'],
    ['ä<div>', 'Unsupported start tag "div" at byte offset 2'],
    ['1 < 2', 'Unsupported start tag "" at byte offset 2'],
    ['a <1> b', 'Unsupported start tag "1" at byte offset 2'],
    ['<a href=x_y>z</a>', 'Unexpected end of name token at byte offset 8'],
    ['<b', 'Unclosed start tag at byte offset 0'],
    ['<a href="x', 'Unclosed start tag at byte offset 0'],
    ['<b>x</b', 'Unclosed end tag at byte offset 4'],
    ['<span>x</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'],
    ['<a ="x">y</a>', 'Empty attribute name in the tag "a" at byte offset 0'],
    ['<br/>', 'Unsupported start tag "br/" at byte offset 0'],
  ])('refuses %j as Telegram does', (source, words) => {
    expect(() => parseHtml(source)).toThrow(`Bad Request: can't parse entities: ${words}`);
  });
});

describe('MarkdownV2', () => {
  it('gives text and marks', () => {
    const parsed = parseMarkdown('*bold* _it_ __un__ ~st~ ||sp|| `co\\`de` [li](https://example.org/\\)) \\!');
    expect(parsed.text).toBe('bold it un st sp co`de li !');
    expect(marks(parsed)).toEqual([
      'bold:bold',
      'italic:it',
      'underline:un',
      'strikethrough:st',
      'spoiler:sp',
      'code:co`de',
      'text_link:li',
    ]);
  });

  it('nests, quotes, and keeps the language of a block', () => {
    expect(marks(settled(parseMarkdown('*a _b_*')))).toEqual(['bold:a b', 'italic:b']);
    expect(marks(parseMarkdown('>one\n>two\nafter'))).toEqual(['blockquote:one\ntwo\n']);
    expect(parseMarkdown('```ts\nlet a;```').entities).toEqual([{ type: 'pre', offset: 0, length: 6, language: 'ts' }]);
    expect(parseMarkdown('```a.b-c```').text).toBe('a.b-c');
  });

  it.each([
    ['1. first', "Character '.' is reserved and must be escaped with the preceding '\\'"],
    ['a - b', "Character '-' is reserved and must be escaped with the preceding '\\'"],
    ['a (b)', "Character '(' is reserved and must be escaped with the preceding '\\'"],
    ['a | b', "Character '|' is reserved and must be escaped with the preceding '\\'"],
    ['a > b', "Character '>' is reserved and must be escaped with the preceding '\\'"],
    ['ä *open', "Can't find end of Bold entity at byte offset 3"],
    ['`open', "Can't find end of Code entity at byte offset 0"],
    ['[a](http://b', "Can't find end of a URL at byte offset 4"],
  ])('refuses %j as Telegram does', (source, words) => {
    expect(() => parseMarkdown(source)).toThrow(`Bad Request: can't parse entities: ${words}`);
  });
});

describe('A text', () => {
  it('loses the space around it, and marks move with it', () => {
    expect(settled({ text: '  \nabc  ', entities: [{ type: 'bold', offset: 0, length: 8 }] })).toEqual({
      text: 'abc',
      entities: [{ type: 'bold', offset: 0, length: 3 }],
    });
  });

  it('keeps at most a hundred marks', () => {
    const entities = Array.from({ length: 101 }, (_, offset) => ({ type: 'bold' as const, offset, length: 1 }));
    expect(settled({ text: 'x'.repeat(101), entities }).entities).toHaveLength(100);
  });

  it('has its commands, mentions and links found, but no paths, mail addresses, or code', () => {
    const text = '/task@countersign_bot @ann see https://a.org/x. /usr/bin a@b.org /x';
    expect(marks(withDetected({ text, entities: [{ type: 'code', offset: text.length - 2, length: 2 }] })).toSorted()).toEqual(
      ['bot_command:/task@countersign_bot', 'code:/x', 'mention:@ann', 'url:https://a.org/x'].toSorted(),
    );
  });

  it('may link where a host has a dot', () => {
    expect(checkedLink('example.org')).toBe('http://example.org/');
    expect(checkedLink('http://127.0.0.1:80/x')).toBe('http://127.0.0.1/x');
    expect(checkedLink('http://localhost:3000/')).toBeUndefined();
    expect(checkedLink('javascript:alert(1)')).toBeUndefined();
    expect(checkedLink('')).toBeUndefined();
  });
});
