import { describe, expect, it } from 'vitest';
import type { Happened } from '../../src/domain/event.ts';
import type { RecordedEvent } from '../../src/domain/event-store.ts';
import { redacted } from '../../src/domain/text.ts';
import { happened } from '../../src/domain/upcasters.ts';
import { TaskSummary, TaskView } from '../../src/projections/task-view.ts';
import { type FoldedTask, tasksProjection, taskText, taskView } from '../../src/projections/tasks.ts';
import * as events from '../domain/task/events.ts';
import { ANNA, BERT, minutesAfter, RESULT_TREE, TOMORROW, text, VIOLATED, WARNED } from '../domain/task/samples.ts';
import { recordedStory } from '../views/stories.ts';

const fold = (state: FoldedTask | undefined, event: RecordedEvent): FoldedTask | undefined => {
  const { stream, revision, position, metadata } = event;
  return tasksProjection.fold(state, {
    ...happened(tasksProjection.kind, event),
    stream,
    revision,
    position,
    channel: metadata.channel ?? '',
  });
};

const folded = (...history: readonly Happened[]): FoldedTask => {
  const state = recordedStory(history).reduce(fold, undefined);
  if (!state) throw new Error('the history begins a task');
  return state;
};

/** What everyone sees after a history, checked against the schema it is published with. */
const view = (...history: readonly Happened[]): TaskView => TaskView.parse(taskView(folded(...history)));

/** Every change of status and stage. */
const steps = (...history: readonly Happened[]): string[] =>
  view(...history).transitions.map(({ status, stage }) => (stage ? `${status} ${stage}` : status));

const rerun = [...events.untilCompleted, events.rerunRequested({ feedback: text('Smaller.') })];
const HISTORIES = {
  created: [events.taskCreated()],
  clarifying: [events.taskCreated(), events.clarificationRequested()],
  asked: [...events.untilPrepared, events.clarificationRequested({ reason: 'QUESTION', sentence: text('Which test?') })],
  prepared: events.untilPrepared,
  approved: events.untilApproved,
  agent: events.untilAgent,
  released: [
    ...events.untilAgent,
    events.stageReleased('agent', {
      reason: 'outside_failure',
      sentence: text('The model is down.'),
      notBefore: minutesAfter(1),
    }),
  ],
  sandbox: events.untilSandbox,
  patchGate: events.untilPatchGate,
  delivery: events.untilDelivery,
  opened: events.untilOpened,
  completed: events.untilCompleted,
  noChange: [
    ...events.untilAgent,
    events.changeCollected({ empty: true, patch: null }),
    events.taskCompleted({ result: 'no_change' }),
  ],
  rejected: [...events.untilPrepared, events.taskRejected()],
  failed: [...events.untilAgent, events.taskFailed()],
  rerun,
} satisfies Record<string, readonly Happened[]>;

describe('A task as everyone sees it', () => {
  it.each(Object.entries(HISTORIES))('keeps its published shape when it is %s', (_, history) => {
    const { document, rows } = tasksProjection.show(folded(...history));
    const summaryText = String(rows.task_list?.[0]?.summary);
    const detail = JSON.parse(taskText(summaryText, document));
    const summary = JSON.parse(summaryText);

    expect(TaskView.strict().parse(detail)).toEqual(detail);
    expect(TaskSummary.strict().parse(summary)).toEqual(summary);
    expect(detail).toMatchObject(summary);
    expect(detail.sentence).toMatch(/^[A-Z].*[.?]$/s);
  });

  it('has the names that clients of the older service know', () => {
    expect(view(...events.untilApproved)).toMatchObject({
      source: { im: 'http' },
      triggerUser: ANNA,
      repo: 'acme/shop',
      intent: 'Fix the failing test.',
      agent: 'codex',
      status: 'RUNNING',
      approvedBy: BERT,
      deliveryStrategy: 'rolling',
      baseBranch: 'main',
    });
  });

  it.each([
    ['created', null],
    ['approved', 'queued'],
    ['agent', 'agent'],
    ['released', 'queued'],
    ['sandbox', 'sandbox'],
    ['delivery', 'delivery'],
    ['opened', null],
    ['failed', 'agent'],
    ['rejected', null],
  ] as const)('is at the right stage when it is %s', (name, stage) => {
    expect(view(...HISTORIES[name]).stage).toBe(stage);
  });

  it('says who must do what', () => {
    expect(view(...HISTORIES.prepared).waitsFor).toBe(
      `Somebody who may approve for acme/shop must read the request and approve or reject it before ${TOMORROW}.`,
    );
    expect(view(...HISTORIES.asked)).toMatchObject({
      sentence: 'Which test?',
      waitsFor: 'The requester must answer the question (clarify).',
    });
    expect(view(...HISTORIES.agent).waitsFor).toBeNull();
    expect(view(...HISTORIES.released).sentence).toBe(`The model is down. It is tried again at ${minutesAfter(1)}.`);
  });

  it('shows what a gate asks, and only while it asks', () => {
    expect(view(...HISTORIES.prepared).approval).toMatchObject({
      gate: 'intent',
      digest: events.INTENT_DIGEST,
      expiresAt: TOMORROW,
    });
    expect(view(...HISTORIES.patchGate).approval).toMatchObject({ gate: 'patch', digest: events.PATCH_DIGEST });
    expect(view(...HISTORIES.agent).approval).toBeNull();
  });

  it('shows in words under which rules it runs', () => {
    const { prepared } = view(...HISTORIES.prepared);
    expect(prepared).toMatchObject({ testCommand: 'npm test', agent: { name: 'codex', isolation: 'bubblewrap' } });
    expect(prepared?.policySummary).toMatch(/^At most \d+ files, .* binary files are refused; .* blocked paths: /);
  });

  it('shows what the run came to, and the trees that are one', () => {
    expect(view(...events.untilPatchApproved)).toMatchObject({
      trees: { result: RESULT_TREE, tested: RESULT_TREE, allowed: RESULT_TREE, delivered: null },
      policy: { verdict: WARNED.verdict },
      runResult: { hasDiff: true, testsResult: 'PASS', filesChanged: 1, prLink: null },
    });
    expect(view(...HISTORIES.completed)).toMatchObject({
      trees: { delivered: RESULT_TREE },
      runResult: { prLink: events.PULL_REQUEST.url },
      pullRequest: { number: 7, draft: true },
    });
  });

  it('keeps every approval with who gave it, and who asked', () => {
    expect(view(...events.untilPatchApproved).approvals).toMatchObject([
      { attempt: 1, gate: 'intent', by: BERT, byRequester: false, digest: events.INTENT_DIGEST },
      { attempt: 1, gate: 'patch', by: BERT, digest: events.PATCH_DIGEST },
    ]);
  });

  it('keeps the time of every change of status and stage', () => {
    expect(steps(...HISTORIES.completed)).toEqual([
      'CREATED',
      'WAIT_APPROVE_WRITE',
      'RUNNING queued',
      'RUNNING agent',
      'RUNNING sandbox',
      'RUNNING delivery',
      'PR_CREATED',
      'COMPLETED',
    ]);
  });

  it.each([
    ['its tests fail', 'sandbox', [...events.untilSandbox, events.testsFinished({ passed: false, exitCode: 1 })]],
    ['policy refuses it', 'agent', [...events.untilAgent, events.changeCollected(), events.policyJudged({ report: VIOLATED })]],
    [
      'its patch is too large to be read',
      'agent',
      [...events.untilAgent, events.changeCollected({ patch: null }), events.policyJudged()],
    ],
  ] as const)('was at no later stage when %s', (_, stage, history) => {
    expect(steps(...history, events.taskFailed({ stage })).slice(-2)).toEqual([`RUNNING ${stage}`, `FAILED ${stage}`]);
  });

  it('was not being delivered before a person allowed its patch', () => {
    expect(steps(...events.untilPatchApproved).slice(-3)).toEqual(['RUNNING sandbox', 'WAIT_APPROVE_PATCH', 'RUNNING delivery']);
  });

  it('begins another attempt with what stays: its pull request, its approvals, its story', () => {
    const { attempt, status, approvals, pullRequest, runResult, prepared, feedback, transitions } = view(...rerun);
    expect({ attempt, status, runResult, prepared, feedback }).toEqual({
      attempt: 2,
      status: 'CREATED',
      runResult: null,
      prepared: null,
      feedback: 'Smaller.',
    });
    expect(approvals).toHaveLength(1);
    expect(pullRequest?.number).toBe(7);
    expect(transitions.at(-1)).toMatchObject({ attempt: 2, status: 'CREATED' });
  });

  it('shows that a text was erased', () => {
    const erased = view(events.taskCreated({ intent: redacted(events.INTENT), onBehalfOf: redacted(text('Carl')) }));
    expect(erased).toMatchObject({ intent: '[redacted]', onBehalfOf: '[redacted]' });
  });
});
