import { describe, expect, it } from 'vitest';
import { ATTEMPTS_MAX } from '../../../src/domain/limits.ts';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import { folded, given } from '../given.ts';
import { approveTask, prepareRequest, requestDelivery, rerun } from './commands.ts';
import {
  changeCollected,
  clarificationRequested,
  DELIVERY,
  deliveryRequested,
  policyJudged,
  requestPrepared,
  rerunRequested,
  stageClaimed,
  taskApproved,
  taskCancelled,
  taskCreated,
  taskFailed,
  taskRejected,
  testsFinished,
  untilAgent,
  untilApproved,
  untilCompleted,
  untilJudged,
  untilOpened,
  untilPatchGate,
  untilPrepared,
} from './events.ts';
import { BASE_COMMIT, COMMIT, objectId, RESULT_TREE, text } from './samples.ts';

const second = { attempt: 2 } as const;
const again = [...untilCompleted, rerunRequested()];

describe('Rerunning a task', () => {
  it.each([
    ['delivered', untilCompleted],
    ['failed', [...untilAgent, taskFailed()]],
    ['rejected', [...untilPrepared, taskRejected()]],
    ['cancelled', [taskCreated(), taskCancelled()]],
  ])('starts the next attempt of a task that was %s', (_, history) => {
    given(task, history).when(rerun()).yields(rerunRequested());
    expect(folded(task, history, rerunRequested())).toMatchObject({
      status: 'CREATED',
      attempt: 2,
      preparation: 0,
      evidence: {},
    });
  });

  it.each([
    ['prepared', [taskCreated()]],
    ['clarified', [taskCreated(), clarificationRequested()]],
    ['approved', untilPrepared],
    ['run', untilApproved],
    ['allowed', untilPatchGate],
    ['written down', untilOpened],
  ])('is refused while it still has to be %s', (_, history) => {
    given(task, history).when(rerun()).refuses('task-not-over');
  });

  it('asks for an approval of its own', () => {
    given(task, again).when(prepareRequest(second)).yields(requestPrepared(second));
    given(task, again, requestPrepared(second)).when(approveTask(second)).refuses('request-changed');
  });

  it('shows the feedback to who approves', () => {
    const feedback = text('The test still fails.');
    given(task, untilCompleted).when(rerun({ feedback })).yields(rerunRequested({ feedback }));
    given(task, untilCompleted, rerunRequested({ feedback }))
      .when(prepareRequest(second))
      .yields(requestPrepared(second, { feedback }));
  });

  it('keeps what the last attempt made, to go on from', () => {
    const failed = [...untilJudged, taskFailed({ stage: 'sandbox' }), rerunRequested()];
    expect(folded(task, failed)).toMatchObject({
      lastChange: { tree: RESULT_TREE, baseCommit: BASE_COMMIT, repo: 'acme/shop' },
      pullRequest: null,
    });
    expect(folded(task, again)).toMatchObject({ pullRequest: { number: 7, head: COMMIT }, commits: [COMMIT] });
  });

  it('names the attempt it follows, so that two presses are one', () => {
    given(task, again).when(rerun()).refuses('another-attempt');
  });

  it('is refused after the most attempts that a task may have', () => {
    const attempts = Array.from({ length: ATTEMPTS_MAX - 1 }, (_, index) => [
      rerunRequested({ attempt: index + 2 }),
      taskCancelled({ attempt: index + 2 }),
    ]);
    given(task, taskCreated(), taskCancelled(), ...attempts)
      .when(rerun({ attempt: ATTEMPTS_MAX }))
      .refuses('too-many-attempts');
  });
});

describe('The delivery of a later attempt', () => {
  const asked = requestPrepared(second);
  const { approvalDigest } = asked.data as { approvalDigest: string };
  const tested = [
    ...again,
    asked,
    taskApproved({ ...second, approvalDigest }),
    stageClaimed('agent', second),
    changeCollected(second),
    policyJudged(second),
    stageClaimed('sandbox', second),
    testsFinished(second),
    stageClaimed('delivery', second),
  ];
  const fence = { attempt: 2, stage: 'delivery', execution: 1 } as const;
  const forward = { ...DELIVERY, commit: objectId('second commit'), parents: [COMMIT, BASE_COMMIT], lease: COMMIT, updates: 7 };

  it('moves the same branch forward from a commit of its own', () => {
    given(task, tested)
      .when(requestDelivery({ fence, delivery: forward }))
      .yields(deliveryRequested({ attempt: 2, ...forward }));
  });

  it('may go to a branch of the attempt’s own', () => {
    const own = { ...DELIVERY, commit: objectId('second commit'), branch: `${DELIVERY.branch}-2` };
    given(task, tested)
      .when(requestDelivery({ fence, delivery: own }))
      .yields(deliveryRequested({ attempt: 2, ...own }));
  });

  it('never moves a branch to a commit that does not hold what stood there', () => {
    given(task, tested)
      .when(requestDelivery({ fence, delivery: { ...forward, parents: [BASE_COMMIT] } }))
      .refuses('delivery-not-ours');
  });
});
