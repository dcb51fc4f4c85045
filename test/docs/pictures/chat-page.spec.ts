import { describe, expect, it } from 'vitest';
import type { SeenMessage } from '../../support/telegram/index.ts';
import { chatPage } from './chat-page.ts';
import { markedText } from './marked-text.ts';

const bot = { id: 1, is_bot: true, first_name: 'Countersign' };
const ann = { id: 11, is_bot: false, first_name: 'Ann' };

const message = (fields: Partial<SeenMessage>): SeenMessage => ({
  id: 1,
  chatId: 11,
  from: bot,
  text: 'text',
  entities: [],
  buttons: [],
  edited: false,
  earlier: [],
  deleted: false,
  silent: false,
  thread: undefined,
  replyTo: undefined,
  file: undefined,
  album: undefined,
  forceReply: undefined,
  service: undefined,
  pinned: false,
  forwarded: false,
  reaction: undefined,
  date: 1_763_700_000,
  ...fields,
});

const page = (...messages: readonly SeenMessage[]): string => chatPage({ title: 'Ann', kind: 'private', bot, messages });

describe('The page of a chat', () => {
  it('escapes all that people and the bot say', () => {
    const hostile = '<script>"&';
    const html = page(
      message({ text: hostile, buttons: [[{ text: hostile, callback_data: 'x' }]], from: { ...ann, first_name: hostile } }),
    );
    expect(html).not.toContain('<script>');
    expect(html.match(/&lt;script&gt;&quot;&amp;/g)?.length).toBeGreaterThanOrEqual(2);
  });

  it('shows the viewer on the right, and leaves out what was deleted', () => {
    const html = page(message({ from: ann, text: 'mine' }), message({ text: 'yours' }), message({ text: 'gone', deleted: true }));
    expect(html).toMatch(/class="message own">.*mine/);
    expect(html).toMatch(/class="message other">.*yours/);
    expect(html).not.toContain('gone');
  });

  it('says when something was edited and what it answers', () => {
    const html = page(
      message({ id: 1, from: ann, text: 'the question' }),
      message({ id: 2, replyTo: 1, edited: true, date: 1_763_700_060 }),
    );
    expect(html).toContain('<b>Ann</b><br>the question');
    expect(html).toContain('edited 04:41');
  });

  it('loads nothing from elsewhere', () => {
    expect(page(message({ text: 'https://example.org', entities: [{ type: 'url', offset: 0, length: 19 }] }))).not.toMatch(
      /(src|href)="(?!data:)/,
    );
  });
});

describe('A marked text', () => {
  it('nests marks, keeps blocks whole, and takes one line end after a block', () => {
    const text = 'ab\ncode\nz';
    expect(
      markedText(text, [
        { type: 'bold', offset: 0, length: 2 },
        { type: 'italic', offset: 1, length: 1 },
        { type: 'pre', offset: 3, length: 4 },
      ]),
    ).toBe('<b>a</b><b><i>b</i></b><pre>code</pre>z');
  });
});
