import { describe, expect, it } from 'vitest';
import type { Happened } from '../../src/domain/event.ts';
import type { RecordedEvent } from '../../src/domain/event-store.ts';
import { taskEvents } from '../../src/domain/task/events.ts';
import { redacted } from '../../src/domain/text.ts';
import { timeline } from '../../src/projections/timeline.ts';
import * as events from '../domain/task/events.ts';
import { ANNA, SYSTEM, text } from '../domain/task/samples.ts';
import { recordedStory } from '../views/stories.ts';

const told = (...history: readonly Happened[]) => timeline(recordedStory(history));
const sentenceOf = (event: Happened): string | undefined => told(event)[0]?.sentence;

/** One event of every type there is. */
const everyEvent: readonly Happened[] = [
  ...events.untilCompleted,
  events.clarificationRequested(),
  events.requestClarified({ text: text('The one in cart.test.ts.') }),
  events.retryRequested(),
  events.taskRejected(),
  events.taskCancelled(),
  events.approvalExpired(),
  events.stageReleased('agent'),
  events.patchApprovalRequested(),
  events.patchApproved(),
  events.pullRequestUpdated(),
  events.taskFailed(),
  events.rerunRequested(),
  events.textRedacted(),
];

describe('The timeline of a task', () => {
  it('has a line for each event: who, when, what', () => {
    const lines = told(...events.untilCompleted);
    expect(lines).toHaveLength(events.untilCompleted.length);
    expect(lines[0]).toMatchObject({ actor: ANNA, type: 'TaskCreated', revision: 0, channel: 'http' });
    expect(lines.at(-1)).toMatchObject({ actor: SYSTEM, type: 'TaskCompleted' });
  });

  it('has a sentence of its own for every type of event', () => {
    expect(new Set(everyEvent.map(({ type }) => type))).toEqual(new Set(Object.keys(taskEvents)));
    for (const line of told(...everyEvent)) {
      expect(line.sentence).toMatch(/^[A-Z].*[.:?!]?$/s);
      expect(line.sentence).not.toMatch(/undefined|null|\[object/);
      for (const value of Object.values(line.data)) expect(['string', 'number', 'boolean']).toContain(typeof value);
    }
  });

  it.each([
    [events.taskCreated(), 'A change of acme/shop was asked for.'],
    [events.clarificationRequested({ reason: 'QUESTION', sentence: text('Which test?') }), 'A person asked back: Which test?'],
    [events.taskApproved({ byRequester: true }), 'The request was allowed to run, by the person who asked for it.'],
    [events.taskRejected({ gate: 'patch', reason: text('Too large.') }), 'A person refused the patch: Too large.'],
    [events.stageClaimed('agent', { execution: 2 }), 'A worker took the agent (execution 2).'],
    [
      events.stageReleased('delivery', { reason: 'outside_failure', sentence: text('The forge is down.') }),
      'The worker handed the delivery back: The forge is down.',
    ],
    [events.changeCollected(), 'The agent is done after 1.0 s: 1 file changed, 2 lines added, 1 removed.'],
    [events.changeCollected({ empty: true }), 'The agent is done after 1.0 s and changed nothing.'],
    [events.testsFinished({ passed: false }), 'The tests did not pass on this tree after 2.0 s.'],
    [events.pullRequestOpened({ baseMovedBy: 3 }), 'Draft pull request #7 was opened; the base had moved on by 3 commits.'],
    [events.rerunRequested({ feedback: text('Smaller.') }), 'Attempt 2 was asked for: Smaller.'],
  ])('says %j in words', (event, sentence) => {
    expect(sentenceOf(event)).toBe(sentence);
  });

  it('shows that a text was erased', () => {
    const [line] = told(events.taskCreated({ intent: redacted(events.INTENT) }));
    expect(line?.data.intent).toBe('[redacted]');
  });

  it('goes on past an event that only newer code knows, or that nobody can read', () => {
    const [first, second] = recordedStory(events.untilPrepared);
    if (!first || !second) throw new Error('a prepared task has two events');
    const strange: RecordedEvent[] = [first, { ...second, type: 'TaskPraised' }, { ...second, data: { taskId: 7 } }];
    expect(timeline(strange).map(({ sentence }) => sentence)).toEqual([
      'A change of acme/shop was asked for.',
      'Only a newer version of the service understands this event.',
      'This event cannot be read: something other than the service wrote it.',
    ]);
  });
});
