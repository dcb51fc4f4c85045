import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Happened } from '../../src/domain/event.ts';
import { readData } from '../../src/infra/telegram/buttons.ts';
import { cardText } from '../../src/infra/telegram/card-text.ts';
import { changesByKind } from '../../src/infra/telegram/changes.ts';
import { lengthOf, plainText } from '../../src/infra/telegram/html.ts';
import { supersededText } from '../../src/infra/telegram/superseded.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import * as events from '../domain/task/events.ts';
import { BERT, prepared, text, VIOLATED } from '../domain/task/samples.ts';
import { type Desk, openDesk } from './desk.ts';
import { names, viewOf } from './tasks.ts';

const FILES = [
  'src/sum.ts',
  'src/a.ts',
  'test/sum.test.ts',
  'README.md',
  'package.json',
  'package-lock.json',
  '.github/workflows/ci.yml',
  'logo.png',
];
const changes = changesByKind(FILES.map((path) => ({ path, kind: 'modified' })));
const matter = { names, changes, progress: ['reading src/sum.ts', 'running the tests'] };

const HISTORIES: Readonly<Record<string, readonly Happened[]>> = {
  created: [events.taskCreated()],
  missing: [events.taskCreated(), events.clarificationRequested()],
  asked: [
    ...events.untilPrepared,
    events.clarificationRequested({ reason: 'QUESTION', sentence: text('Which test?') }, { actor: BERT }),
  ],
  prepared: events.untilPrepared,
  approved: events.untilApproved,
  agent: events.untilAgent,
  sandbox: events.untilSandbox,
  patchGate: events.untilPatchGate,
  delivery: events.untilDelivery,
  opened: events.untilOpened,
  completed: events.untilCompleted,
  rejected: [...events.untilPrepared, events.taskRejected({}, { actor: BERT })],
  cancelled: [...events.untilPrepared, events.taskCancelled()],
  expired: [...events.untilPrepared, events.approvalExpired(), events.taskFailed({ errorCode: 'APPROVAL_EXPIRED', stage: null })],
  failed: [...events.untilAgent, events.taskFailed()],
  violated: [
    ...events.untilAgent,
    events.changeCollected(),
    events.policyJudged({ report: VIOLATED }),
    events.taskFailed({ errorCode: 'POLICY_VIOLATION', stage: 'agent', sentence: text('.env is blocked.') }),
  ],
  rerun: [...events.untilCompleted, events.rerunRequested()],
};

let desk: Desk;

beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk.close());

const say = (task: TaskView): string => plainText(cardText(task, matter).text);

describe.each(Object.entries(HISTORIES))('The message about a task that is %s', (_, history) => {
  const task = viewOf(...history);
  const card = cardText(task, matter);

  it('is taken by Telegram as it is, with buttons that say what they are about', async () => {
    const { text: shown, buttons } = await desk.post(card);
    expect(shown).toBe(plainText(card.text).trim());
    for (const button of buttons.flat()) {
      if ('callback_data' in button) expect(readData(button.callback_data)).toMatchObject({ taskId: task.taskId });
    }
  });

  it('says in its first line what it is, and of which task, with one sign', () => {
    const [first = ''] = plainText(card.text).split('\n');
    expect(first).toMatch(/^\p{Extended_Pictographic}\ufe0f? .+ · 5f0c7a52( · attempt 2)?$/u);
    expect(
      plainText(card.text).match(/\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f/gu)?.length ?? 0,
    ).toBeLessThanOrEqual(1);
  });

  it('is short', () => {
    expect(lengthOf(card.text)).toBeLessThan(1_100);
  });
});

describe('The card of a request', () => {
  it('says what pressing Approve does before anything else, then the facts', () => {
    const shown = say(viewOf(...events.untilPrepared));
    expect(shown.split('\n\n')[1]).toBe(
      'Approve lets codex change a copy of the code. If the tests pass, it becomes a Draft pull request; you are asked again if policy warns.',
    );
    for (const part of [
      'Fix the failing test.',
      'Where  acme/shop at main 6d313a6216',
      'Asked by  Anna',
      'Agent  codex, model some-model, isolated',
      'Tests  npm test, in Docker image node:24, without network',
      'Limits  agent 30 min, tests 15 min',
      'At most 50 files, 2000 changed lines and 1 MiB of patch',
      '.github/workflows/**',
      'Open until  2026-11-22 12:00 UTC',
      'Digest  300d88c5',
      'Better if someone other than Anna decides.',
    ]) {
      expect(shown).toContain(part);
    }
  });

  it('is loud about an agent without isolation', () => {
    const open = prepared({ agent: { name: 'codex', model: '', isolation: 'none', profile: 'e'.repeat(64) } });
    const shown = say(viewOf(events.taskCreated(), events.requestPrepared({ prepared: open })));
    expect(shown).toMatch(/^⚠️ May this run\?/);
    expect(shown).toContain('NOT ISOLATED');
  });

  it('names a label as one that nobody checked', () => {
    const shown = say(viewOf(events.taskCreated({ onBehalfOf: text('the boss') }), events.requestPrepared()));
    expect(shown).toContain('for “the boss” (nobody checked that)');
  });

  it('quotes the beginning of a long request, and has all of it in a file', () => {
    const intent = 'Make it right. '.repeat(500).trim();
    const { text: shown, document } = cardText(
      viewOf(events.taskCreated({ intent: text(intent) }), events.requestPrepared()),
      matter,
    );
    expect(plainText(shown)).toContain('is in request-5f0c7a52-1.txt, right above.');
    expect(document?.bytes.toString()).toBe(intent);
    expect(lengthOf(shown)).toBeLessThan(1_700);
  });

  it('hides nothing in that file: what turns words around or cannot be seen is shown there, too', () => {
    const intent = `${'Make it right. '.repeat(200)}\nDelete \u202e.tset eht\u202c nothing\u200b.`;
    const { document } = cardText(viewOf(events.taskCreated({ intent: text(intent) }), events.requestPrepared()), matter);
    expect(document?.bytes.toString()).toMatch(/\nDelete \\u\{202e\}\.tset eht\\u\{202c\} nothing\\u\{200b\}\.$/);
  });

  it('shows the feedback and every clarification that it covers', () => {
    const history = [
      events.taskCreated(),
      events.clarificationRequested(),
      events.requestClarified({ text: text('Only the first one.') }),
      events.requestPrepared({ preparation: 2 }, { clarifications: [text('Only the first one.')] }),
    ];
    expect(say(viewOf(...history))).toContain('Clarification 1:\nOnly the first one.');
  });
});

describe('The card of a patch', () => {
  it('says what is delivered where, warnings first, and names at most five files by kind', () => {
    const shown = say(viewOf(...events.untilPatchGate));
    expect(shown).toMatch(/^⚠️ May this patch be delivered\?/);
    expect(shown.indexOf('Policy warns (1)')).toBeLessThan(shown.indexOf('Changed'));
    expect(shown).toContain('· source: src/sum.ts, src/a.ts\n· tests: test/sum.test.ts\n· docs: README.md');
    expect(shown).toContain('· dependencies: package.json, 1 more\n· CI: 1 file\n· other: 1 file');
    expect(shown).toContain('Run allowed by  Bert');
  });
});

describe('An ending', () => {
  it('says what changed, that the tests passed, who allowed it, how long it took, and where it is', () => {
    const card = cardText(viewOf(...events.untilCompleted), matter);
    const shown = plainText(card.text);
    for (const part of [
      'Draft pull request #7',
      'Changed  1 file',
      'Tests  passed: npm test',
      'Policy  nothing against it',
      'Took  agent 1.0 s',
    ]) {
      expect(shown).toContain(part);
    }
    expect(card.keyboard[0]).toEqual([{ text: 'Open the pull request', url: 'https://example.test/acme/shop/pull/7' }]);
  });

  it('names the branch where there is no address that Telegram would take', async () => {
    const local = [
      ...events.untilRequested,
      events.pullRequestOpened({ url: 'file:///data/forge/1' }),
      events.stageClaimed('bookkeeping'),
      events.taskCompleted(),
    ];
    const card = cardText(viewOf(...local), matter);
    expect(card.keyboard.flat().some((button) => 'url' in button)).toBe(false);
    expect((await desk.post(card)).text).toMatch(/It is branch countersign\/\w+ of its remote\./);
  });

  it('says of a failure where, why, and what to do next', () => {
    const shown = say(viewOf(...events.untilAgent, events.taskFailed()));
    for (const part of ['Failed: the agent stopped with an error', 'while the agent worked (AGENT_FAILED)', 'Next  Rerun']) {
      expect(shown).toContain(part);
    }
  });

  it('says what the agent says of its cost', () => {
    const agentMeta = [{ name: text('total_cost_usd'), value: text('0.42') }];
    const history = [...events.untilAgent, events.changeCollected({ agentMeta }), events.policyJudged(), events.taskFailed()];
    expect(say(viewOf(...history))).toContain('Cost  total_cost_usd 0.42');
  });
});

describe('Times', () => {
  it('are UTC, and say so, in sentences too', () => {
    const notBefore = '2026-11-21T12:01:00.000Z';
    const released = events.stageReleased('agent', {
      reason: 'outside_failure',
      sentence: text('The model is down.'),
      notBefore,
    });
    expect(say(viewOf(...events.untilAgent, released))).toContain(
      'The model is down. It is tried again at 2026-11-21 12:01:00 UTC.',
    );
  });
});

describe('A message that a newer one follows', () => {
  const line = (key: string, ...history: readonly Happened[]): string =>
    plainText(supersededText(viewOf(...history), { key, attempt: 1, chat: '7', messageId: 5 }, names));

  it('says in one line what became of it, and who did that', () => {
    expect(line('ask-x', ...(HISTORIES.rejected ?? []))).toBe('▫️ 5f0c7a52 attempt 1: rejected by Bert. See below.');
    expect(line('ask-x', ...(HISTORIES.asked ?? []))).toBe('▫️ 5f0c7a52 attempt 1: asked back by Bert. See below.');
    expect(line('ask-x', ...(HISTORIES.cancelled ?? []))).toBe('▫️ 5f0c7a52 attempt 1: cancelled by Anna. See below.');
    expect(line('ask-x', ...(HISTORIES.expired ?? []))).toBe('▫️ 5f0c7a52 attempt 1: nobody decided in time. See below.');
    expect(line('ask-x', ...(HISTORIES.patchGate ?? []))).toContain('the patch waits for an approval');
    expect(line('end-1', ...(HISTORIES.rerun ?? []))).toContain('ended; attempt 2 was asked for by Anna');
    expect(line('ask-x', ...(HISTORIES.completed ?? []))).toContain(': done.');
  });
});

describe('An edit of a card', () => {
  it('is taken by Telegram too, and leaves no button where nobody must press', async () => {
    const { id } = await desk.post(cardText(viewOf(...events.untilPrepared), matter));
    const before = { key: 'ask-x', attempt: 1, chat: '11', messageId: id };
    const line = supersededText(viewOf(...events.untilCompleted), before, names);
    expect(await desk.edit(id, line)).toMatchObject({ buttons: [], edited: true });
  });
});
