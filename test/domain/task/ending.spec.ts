import { describe, expect, it } from 'vitest';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import { folded, given } from '../given.ts';
import { cancelTask, expireApproval, redactText } from './commands.ts';
import {
  approvalExpired,
  clarificationRequested,
  requestPrepared,
  retryRequested,
  stageReleased,
  taskCancelled,
  taskCreated,
  taskRejected,
  textRedacted,
  untilAgent,
  untilApproved,
  untilCompleted,
  untilDelivery,
  untilOpened,
  untilPatchGate,
  untilPrepared,
  untilRequested,
} from './events.ts';
import { TOMORROW, text, uuid } from './samples.ts';

describe('Cancelling a task', () => {
  it.each([
    ['it is looked at', [taskCreated()]],
    ['something is missing', [taskCreated(), clarificationRequested()]],
    ['it waits for an approval', untilPrepared],
    ['the agent is queued', untilApproved],
    ['the agent runs', untilAgent],
    ['the patch waits for an approval', untilPatchGate],
    ['the delivery has begun, but nothing was stated', untilDelivery],
  ])('ends it while %s', (_, history) => {
    const reason = text('No longer needed.');
    given(task, history).when(cancelTask({ reason })).yields(taskCancelled({ reason }));
    const after = folded(task, history, taskCancelled());
    expect(after).toMatchObject({ status: 'FAILED', errorCode: 'CANCELLED' });
    expect(task.nextStep(after)).toBeUndefined();
  });

  it('is done once', () => {
    given(task, untilAgent, taskCancelled()).when(cancelTask()).yields();
  });

  it('is too late once the pull request is being opened', () => {
    given(task, untilRequested).when(cancelTask()).refuses('too-late-to-cancel');
    given(task, untilRequested, stageReleased('delivery')).when(cancelTask()).refuses('too-late-to-cancel');
    given(task, untilOpened).when(cancelTask()).refuses('too-late-to-cancel');
  });

  it('is refused when the task is over', () => {
    given(task, untilCompleted).when(cancelTask()).refuses('task-is-over');
    given(task, untilPrepared, taskRejected()).when(cancelTask()).refuses('task-is-over');
  });
});

describe('An approval that nobody gives', () => {
  it('expires at its time, not before', () => {
    given(task, untilPrepared).when(expireApproval()).refuses('approval-not-expired');
    given(task, untilPrepared)
      .when(expireApproval({}, { at: TOMORROW }))
      .yields(approvalExpired());
    expect(folded(task, untilPrepared, approvalExpired())).toMatchObject({ status: 'FAILED', errorCode: 'APPROVAL_EXPIRED' });
  });

  it('expires at the patch gate too', () => {
    const approvalId = uuid('patch gate');
    given(task, untilPatchGate)
      .when(expireApproval({ approvalId }, { at: TOMORROW }))
      .yields(approvalExpired({ gate: 'patch', approvalId }));
  });

  it('does not take the one asked for after it along', () => {
    const asked = requestPrepared({ preparation: 2, approvalId: uuid('asked again') });
    given(task, untilPrepared, clarificationRequested(), retryRequested(), asked)
      .when(expireApproval({}, { at: TOMORROW }))
      .refuses('request-changed');
  });

  it('cannot expire once it was given: the claim decides', () => {
    given(task, untilApproved)
      .when(expireApproval({}, { at: TOMORROW }))
      .refuses('not-awaiting-approval');
  });
});

describe('Erasing a text', () => {
  it('is recorded, and changes nothing else', () => {
    given(task, untilCompleted).when(redactText()).yields(textRedacted());
    expect(folded(task, untilCompleted, textRedacted())).toEqual(folded(task, untilCompleted));
  });

  it('waits until the task is over, for what was approved is what runs', () => {
    for (const moment of [untilPrepared, untilApproved, untilAgent])
      given(task, moment).when(redactText()).refuses('task-not-over');
  });
});
