import { describe, expect, it } from 'vitest';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import { folded, given } from '../given.ts';
import { completeTask, recordPullRequest, requestDelivery } from './commands.ts';
import {
  DELIVERY,
  deliveryRequested,
  LATER_TREE,
  PULL_REQUEST,
  pullRequestOpened,
  pullRequestUpdated,
  stageClaimed,
  taskCompleted,
  untilBookkeeping,
  untilDelivery,
  untilOpened,
  untilPatchApproved,
  untilRequested,
  untilTested,
} from './events.ts';
import { BASE_COMMIT, COMMIT, objectId } from './samples.ts';

const RENEWED = { ...DELIVERY, commit: objectId('renewed commit'), branch: `${DELIVERY.branch}-1` };

describe('Requesting a delivery', () => {
  it('states the one commit that will be pushed', () => {
    given(task, untilDelivery).when(requestDelivery()).yields(deliveryRequested());
    given(task, untilPatchApproved, stageClaimed('delivery')).when(requestDelivery()).yields(deliveryRequested());
  });

  it('is done once', () => {
    given(task, untilRequested).when(requestDelivery()).yields();
  });

  it('is refused for another tree than was tested and allowed', () => {
    given(task, untilDelivery)
      .when(requestDelivery({ delivery: { ...DELIVERY, tree: LATER_TREE } }))
      .refuses('trees-differ');
  });

  it('is refused without a claim', () => {
    given(task, untilTested).when(requestDelivery()).refuses('fence-overtaken');
  });

  it.each([
    ['another branch', { branch: 'main' }],
    ['the branch of another task', { branch: 'countersign/0123456789ab' }],
    ['a parent nobody approved', { parents: [objectId('somebody')] }],
    ['somebody else’s commit under it', { parents: [BASE_COMMIT, objectId('somebody')] }],
    ['a lease on somebody else’s commit', { lease: objectId('somebody') }],
    ['a lease on the base', { lease: BASE_COMMIT }],
  ])('is refused for %s', (_, wrong) => {
    given(task, untilDelivery)
      .when(requestDelivery({ delivery: { ...DELIVERY, ...wrong } }))
      .refuses('delivery-not-ours');
  });

  it('may be renewed once, when the branch was not where it was said to be', () => {
    given(task, untilRequested)
      .when(requestDelivery({ delivery: RENEWED }))
      .yields(deliveryRequested(RENEWED));
    const third = { ...DELIVERY, commit: objectId('third commit') };
    given(task, untilRequested, deliveryRequested(RENEWED))
      .when(requestDelivery({ delivery: third }))
      .refuses('delivery-already-renewed');
    expect(folded(task, untilRequested, deliveryRequested(RENEWED))).toMatchObject({ evidence: { delivery: { round: 2 } } });
  });

  it('keeps every commit of the task, so that what stands on the forge is known as ours', () => {
    expect(folded(task, untilRequested, deliveryRequested(RENEWED))).toMatchObject({ commits: [COMMIT, RENEWED.commit] });
  });
});

describe('Recording the pull request', () => {
  it('says which one it is', () => {
    given(task, untilRequested).when(recordPullRequest()).yields(pullRequestOpened());
    expect(folded(task, untilOpened)).toMatchObject({ status: 'PR_CREATED', pullRequest: { number: 7, head: COMMIT } });
  });

  it('is refused before a delivery was requested', () => {
    given(task, untilDelivery).when(recordPullRequest()).refuses('stage-not-due');
  });

  it('is refused for anything but the requested commit on the requested branch', () => {
    const recording = (over: object, updated = false) =>
      given(task, untilRequested).when(recordPullRequest({ pullRequest: { ...PULL_REQUEST, ...over }, updated }));
    recording({ tree: LATER_TREE }).refuses('trees-differ');
    recording({ head: objectId('somebody') }).refuses('delivery-differs');
    recording({ branch: 'main' }).refuses('delivery-differs');
    recording({}, true).refuses('delivery-differs');
  });

  it('is malformed for what is no draft', () => {
    const data = recordPullRequest().data as { pullRequest: object };
    const ready = { ...data, pullRequest: { ...data.pullRequest, draft: false } };
    expect(task.commands.RecordPullRequest?.safeParse(ready).success).toBe(false);
  });

  it('names an updated one by the number that the delivery named', () => {
    const updating = [...untilDelivery, deliveryRequested({ updates: 7 })];
    given(task, updating)
      .when(recordPullRequest({ updated: true }))
      .yields(pullRequestUpdated());
    given(task, updating)
      .when(recordPullRequest({ updated: true, pullRequest: { ...PULL_REQUEST, number: 8 } }))
      .refuses('delivery-differs');
  });
});

describe('Completing a task', () => {
  it('follows the bookkeeping', () => {
    expect(task.nextStep(folded(task, untilOpened))).toEqual({ kind: 'bookkeeping', key: 'bookkeeping-1-1' });
    given(task, untilBookkeeping).when(completeTask()).yields(taskCompleted());
  });

  it('is refused without the claim', () => {
    given(task, untilOpened).when(completeTask()).refuses('fence-overtaken');
    given(task, untilRequested).when(completeTask()).refuses('stage-not-due');
  });
});
