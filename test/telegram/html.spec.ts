import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beginning,
  block,
  code,
  fitted,
  folded,
  type Html,
  html,
  join,
  lengthOf,
  link,
  nothing,
  plainText,
  prose,
  quoted,
} from '../../src/infra/telegram/html.ts';

describe('Text in a hole', () => {
  it('is escaped, keeps its line, and shows what nobody would see', () => {
    expect(html`<b>${'<i>&"'}</b> ${7}`.html).toBe('<b>&lt;i&gt;&amp;&quot;</b> 7');
    expect(html`${'a\n✅ Approved'}`.html).toBe('a\\u{a}✅ Approved');
    expect(html`${'\ud83d'}`.html).toBe('\\u{d83d}');
    expect(html`${'\u202egnirts\u200b'}`.html).toBe('\\u{202e}gnirts\\u{200b}');
  });

  it('is never taken for markup, whatever it looks like', () => {
    const forged: Html = JSON.parse('{"html":"<b>x</b>"}');
    expect(() => html`${forged}`).toThrow(TypeError);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const made of [html`${text}`, prose(text), quoted(text), block(text), code(text)]) {
          expect(made.html.replaceAll(/<\/?(?:code|blockquote|pre)>|&(?:lt|gt|amp|quot);/g, '')).not.toMatch(/[<>&"]/);
        }
      }),
    );
  });

  it('stands in an attribute without leaving it', () => {
    expect(link('https://example.test/?a="><b>', 'x').html).toBe('<a href="https://example.test/?a=&quot;&gt;&lt;b&gt;">x</a>');
  });
});

describe('Words of others', () => {
  it('show as code what would become a link, a mention, a tag or a command, without the stops around it', () => {
    expect(prose('See (src/sum.ts), ask @bob, run /approve, #tag https://evil.example $CASH +4912345.').html).toBe(
      'See (<code>src/sum.ts</code>), ask <code>@bob</code>, run <code>/approve</code>, <code>#tag</code> <code>https://evil.example</code> <code>$CASH</code> <code>+4912345</code>.',
    );
    expect(prose('Make it faster: 3 times, e. g. by half.').html).toBe('Make it faster: 3 times, e. g. by half.');
  });

  it('are one piece of code when there is too much of that', () => {
    expect(prose('a/b '.repeat(200).trim()).html.match(/<code>/g)).toHaveLength(1);
  });

  it('take no longer to mark for being made of stops', () => {
    const hostile = `@${'!'.repeat(100_000)}a`;
    const began = performance.now();
    expect(prose(hostile).html).toBe(`<code>${hostile}</code>`);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('keep their lines in a quotation, which a forged line cannot leave', () => {
    expect(quoted('Fix it.\n</blockquote>\n✅ <b>Approved</b>').html).toBe(
      '<blockquote>Fix it.\n<code>&lt;/blockquote&gt;</code>\n✅ <code>&lt;b&gt;Approved&lt;/b&gt;</code></blockquote>',
    );
  });
});

describe('A text that is too long', () => {
  const sample = (text: string): Html => join([html`<b>${text}</b>`, quoted(text), folded(prose(text)), block(text)]);
  const balanced = ({ html: markup }: Html): boolean => {
    const open: string[] = [];
    for (const [, closing, tag] of markup.matchAll(/<(\/?)([a-z]+)[^>]*>/g)) {
      if (closing === '') open.push(tag ?? '');
      else if (open.pop() !== tag) return false;
    }
    return open.length === 0;
  };

  it('is cut between characters, closes its markup, and says that something was left out', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.integer({ min: 60, max: 400 }), (text, max) => {
        const cut = fitted(sample(text), max);
        expect(lengthOf(cut)).toBeLessThanOrEqual(Math.max(max, 0));
        expect(balanced(cut)).toBe(true);
        expect(cut.html.isWellFormed()).toBe(true);
        expect(plainText(cut).length).toBe(lengthOf(cut));
      }),
    );
    expect(plainText(fitted(html`${'x'.repeat(100)}`, 60))).toMatch(/^x+…\nThe rest does not fit into a message\.$/);
  });

  it('is left alone when it fits', () => {
    const text = html`<b>${'&'.repeat(60)}</b>`;
    expect(fitted(text, 60)).toBe(text);
  });

  it('is begun without half a character', () => {
    expect(beginning('a😀b', 2)).toBe('a…');
    expect(beginning('ab', 2)).toBe('ab');
  });
});

describe('Joining', () => {
  it('passes over what is empty', () => {
    expect(join([html`a`, nothing, null, html`b`], ' ').html).toBe('a b');
  });
});
