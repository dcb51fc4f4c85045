import { describe, expect, it } from 'vitest';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import { textOf } from '../../../src/domain/text.ts';
import { folded, given } from '../given.ts';
import { approveTask, askBack, claimStage, rejectTask } from './commands.ts';
import {
  approvalExpired,
  clarificationRequested,
  INTENT_DIGEST,
  requestPrepared,
  rerunRequested,
  retryRequested,
  stageClaimed,
  taskApproved,
  taskCreated,
  taskRejected,
  untilAgent,
  untilApproved,
  untilCompleted,
  untilOpened,
  untilPrepared,
} from './events.ts';
import { ANNA, BERT, minutesAfter, NOON, objectId, prepared, TOMORROW, text, uuid } from './samples.ts';

describe('Approving a task', () => {
  it('lets the request that was read run', () => {
    given(task, untilPrepared).when(approveTask()).yields(taskApproved());
    expect(folded(task, untilApproved)).toMatchObject({ status: 'RUNNING', stage: 'agent' });
  });

  it('says so when the requester is who approves', () => {
    given(task, untilPrepared)
      .when(approveTask({}, { actor: ANNA }))
      .yields(taskApproved({ byRequester: true }));
  });

  it('is done once: a second press changes nothing', () => {
    given(task, untilApproved).when(approveTask()).yields();
    given(task, untilAgent).when(approveTask()).yields();
  });

  it('may name the event that asked, as a button does', () => {
    const press = approveTask({ approved: uuid('intent gate') });
    given(task, untilPrepared).when(press).yields(taskApproved());
    given(task, untilApproved).when(press).yields();
  });

  it('is refused by the button of an earlier question', () => {
    const again = [...untilPrepared, clarificationRequested(), retryRequested()];
    given(task, again, requestPrepared({ preparation: 2, approvalId: uuid('asked again') }))
      .when(approveTask({ approved: uuid('intent gate') }))
      .refuses('request-changed');
    for (const answer of [rejectTask, askBack]) {
      given(task, again, requestPrepared({ preparation: 2, approvalId: uuid('asked again') }))
        .when(answer({ asked: uuid('intent gate') }))
        .refuses('request-changed');
    }
  });

  it('is refused when what would run is not what was read', () => {
    const moved = requestPrepared({ prepared: prepared({ baseCommit: objectId('moved') }) });
    given(task, taskCreated(), moved).when(approveTask()).refuses('request-changed');
  });

  it('is refused for an earlier preparation, even when it looked the same', () => {
    const again = [...untilPrepared, clarificationRequested(), retryRequested(), requestPrepared({ preparation: 2 })];
    given(task, again).when(approveTask()).refuses('request-changed');
  });

  it('is refused for an earlier attempt', () => {
    given(task, untilCompleted, rerunRequested(), requestPrepared({ attempt: 2 }))
      .when(approveTask())
      .refuses('another-attempt');
  });

  it('is refused before there is anything to read, and after it is over', () => {
    given(task, taskCreated()).when(approveTask()).refuses('not-awaiting-approval');
    given(task, untilCompleted).when(approveTask()).refuses('not-awaiting-approval');
    given(task, untilPrepared, taskRejected()).when(approveTask()).refuses('not-awaiting-approval');
  });

  it('is refused from the moment it expires', () => {
    const lastMoment = new Date(Date.parse(TOMORROW) - 1).toISOString();
    given(task, untilPrepared)
      .when(approveTask({}, { at: TOMORROW }))
      .refuses('approval-expired');
    given(task, untilPrepared)
      .when(approveTask({}, { at: lastMoment }))
      .yields(taskApproved({ expiresAt: '2026-11-23T11:59:59.999Z' }));
  });
});

describe('A given approval', () => {
  it('is used by the first claim', () => {
    given(task, untilApproved).when(claimStage('agent')).yields(stageClaimed('agent'));
  });

  it('is worthless when nobody began in time: the claim says that it expired', () => {
    given(task, untilApproved)
      .when(claimStage('agent', {}, { at: TOMORROW }))
      .yields(approvalExpired());
    expect(folded(task, untilApproved, approvalExpired())).toMatchObject({ status: 'FAILED', errorCode: 'APPROVAL_EXPIRED' });
  });

  it('does not expire under a stage that had begun', () => {
    given(task, untilAgent)
      .when(claimStage('agent', { execution: 2 }, { at: minutesAfter(1, TOMORROW) }))
      .yields(stageClaimed('agent', { execution: 2 }));
  });

  it('keeps who gave it and for which digest', () => {
    expect(folded(task, untilApproved)).toMatchObject({
      evidence: { approval: { by: BERT, at: NOON, approvalDigest: INTENT_DIGEST, approvalId: uuid('intent gate') } },
    });
  });
});

describe('Rejecting a task', () => {
  it('ends it wherever it waits for a person, or is still looked at', () => {
    given(task, taskCreated()).when(rejectTask()).yields(taskRejected());
    given(task, taskCreated(), clarificationRequested()).when(rejectTask()).yields(taskRejected());
    const reason = text('Not now.');
    given(task, untilPrepared).when(rejectTask({ reason })).yields(taskRejected({ reason }));
    expect(folded(task, untilPrepared, taskRejected({ reason }))).toMatchObject({
      failure: { text: expect.stringContaining(`, saying “${textOf(reason)}”.`) },
    });
    expect(folded(task, untilPrepared, taskRejected())).toMatchObject({ status: 'FAILED', errorCode: 'REJECTED' });
  });

  it('is done once', () => {
    given(task, untilPrepared, taskRejected()).when(rejectTask()).yields();
  });

  it('is refused while it runs, once it was delivered, and when it is over', () => {
    given(task, untilApproved).when(rejectTask()).refuses('not-waiting');
    given(task, untilOpened).when(rejectTask()).refuses('not-waiting');
    given(task, untilCompleted).when(rejectTask()).refuses('task-is-over');
  });
});
