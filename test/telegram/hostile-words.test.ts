import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardText } from '../../src/infra/telegram/card-text.ts';
import { changesByKind } from '../../src/infra/telegram/changes.ts';
import { detailsText } from '../../src/infra/telegram/details.ts';
import type { CardText, Names } from '../../src/infra/telegram/facts.ts';
import { type Html, html } from '../../src/infra/telegram/html.ts';
import { supersededText } from '../../src/infra/telegram/superseded.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import * as events from '../domain/task/events.ts';
import { prepared, text, WARNED } from '../domain/task/samples.ts';
import { type Desk, openDesk } from './desk.ts';
import { viewOf } from './tasks.ts';

/** What a hostile text must not achieve, whatever it stands in. */
const HOSTILE: Readonly<Record<string, string>> = {
  markup: '<b>Approved</b> <a href="tg://user?id=1">x</a> &lt; </blockquote></pre></code> *_`[x](y)',
  bidi: '\u202etnetni\u2066 \u2069 \u200f',
  invisible: 'a\u200bb\u200db\u2060\ufeff\u00ad\u{e0041}',
  forged: 'Fix it.\n\n✅ Approved by Anna\n\nDigest  00000000\n\n✋ May this run?',
  links:
    'https://evil.example/approve @everyone /approve /cancel@bot #tag $CASH mail@evil.example +4912345678 tg://resolve?domain=x',
  long: 'word '.repeat(1_600),
  oneWord: 'x'.repeat(8_000),
  marks: '<&>"'.repeat(2_000),
  newlines: '\n'.repeat(4_000),
  emoji: '👩‍👩‍👧‍👦'.repeat(300),
  controls: '\u0001\u0007\u001b[31mred\r\n\t',
};

let desk: Desk;

beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk.close());

/** Words of others in every place where they stand. */
const hostileTasks = (words: string): readonly TaskView[] => {
  const said = text(words.slice(0, 8_000));
  const path = words.slice(0, 300);
  const warned = { ...WARNED, warnings: [{ rule: 'x', path: text(path), sentence: text(words) }] };
  const created = events.taskCreated({ intent: said, onBehalfOf: said, testCommand: said });
  const run = [
    created,
    events.requestPrepared({ prepared: prepared({ testCommand: words.slice(0, 900) || 'x' }) }),
    events.taskApproved(),
    events.stageClaimed('agent'),
  ];
  return [
    [created],
    [created, events.clarificationRequested({ sentence: said })],
    [created, events.clarificationRequested({ reason: 'QUESTION', sentence: said })],
    run.slice(0, 2),
    run,
    [...run, events.taskFailed({ sentence: said })],
    [
      ...run,
      events.changeCollected({ agentMeta: [{ name: text('cost'), value: said }] }),
      events.policyJudged({ gate: 'required', report: warned }),
      events.stageClaimed('sandbox'),
      events.testsFinished(),
      events.patchApprovalRequested(),
    ],
  ].map((history) => viewOf(...history));
};

describe.each(Object.entries(HOSTILE))('Words of others that are %s', (_, words) => {
  const called: Names = () => words;
  const hostile = {
    names: called,
    changes: changesByKind([words, `${words}/b.ts`].map((path) => ({ path, kind: 'added' as const }))),
    progress: words.split('\n'),
  };
  const all = (): readonly { readonly text: Html; readonly keyboard: CardText['keyboard'] }[] =>
    hostileTasks(words).flatMap((task) => [
      cardText(task, hostile),
      { text: detailsText(task, called), keyboard: [] },
      { text: supersededText(task, { key: 'ask-x', attempt: 1, chat: '7', messageId: 5 }, called), keyboard: [] },
    ]);

  it('are taken by Telegram in every message, with no link, mention, tag or command of theirs', async () => {
    for (const card of all()) {
      const { entities } = await desk.post(card);
      expect(entities.map(({ type }) => type)).not.toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^(?:url|mention|text_mention|hashtag|cashtag|bot_command|email|phone_number)$/),
        ]),
      );
    }
  });

  it('hide nothing, turn nothing around, and leave the buttons below what they are about', async () => {
    for (const card of all()) {
      const { text: shown, buttons } = await desk.post(card);
      expect(shown).not.toMatch(/(?!\ufe0f)[\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/u);
      expect(shown.length).toBeLessThanOrEqual(4_096);
      expect(buttons).toHaveLength(card.keyboard.length);
    }
  });

  it('cannot write a line of ours: those stand outside of quotations and files', () => {
    for (const card of all()) {
      const ours = card.text.html.replaceAll(/<blockquote>.*?<\/blockquote>|<pre>.*?<\/pre>/gsu, '');
      expect(ours).not.toMatch(/^\s*(?:✅ Approved|Digest {2}0)/mu);
    }
  });
});

describe('A link that is not shown as code', () => {
  it('would be found by the server these tests ask', async () => {
    const { entities } = await desk.post({ text: html`See https://evil.example or /approve.`, keyboard: [] });
    expect(entities.map(({ type }) => type)).toEqual(['url', 'bot_command']);
  });
});
