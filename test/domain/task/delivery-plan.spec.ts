import { describe, expect, it } from 'vitest';
import { type DeliveryFacts, planDelivery } from '../../../src/domain/task/delivery-plan.ts';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import type { PresentTask } from '../../../src/domain/task/state.ts';
import { folded, type History } from '../given.ts';
import { deliveryRequested, rerunRequested, taskFailed, untilCompleted, untilDelivery, untilRequested } from './events.ts';
import { BASE_COMMIT, COMMIT, objectId } from './samples.ts';

const NOTHING_THERE: DeliveryFacts = { head: null, pullRequestOpen: false, baseInHead: false };
const BRANCH = 'countersign/5f0c7a529d31';

const plan = (facts: Partial<DeliveryFacts>, ...history: History) => {
  const state = folded(task, ...history);
  expect(state.status).not.toBe('absent');
  return planDelivery(state as PresentTask, BASE_COMMIT, { ...NOTHING_THERE, ...facts }); // Not absent, as was just said.
};

describe('Where a delivery goes', () => {
  const delivered = [...untilCompleted, rerunRequested()];
  const undelivered = [...untilRequested, taskFailed({ errorCode: 'PR_CREATE_FAILED', stage: 'delivery' }), rerunRequested()];

  it('is the task’s branch, which must not exist yet', () => {
    expect(plan({}, untilDelivery)).toEqual({ branch: BRANCH, parents: [BASE_COMMIT], lease: null, updates: null });
  });

  it('is a branch of the attempt’s own when somebody else has taken that name', () => {
    expect(plan({ head: objectId('somebody') }, untilDelivery)).toMatchObject({ branch: `${BRANCH}-1`, lease: null });
  });

  it('is the open pull request of an earlier attempt, moved forward', () => {
    expect(plan({ head: COMMIT, pullRequestOpen: true, baseInHead: true }, delivered)).toEqual({
      branch: BRANCH,
      parents: [COMMIT],
      lease: COMMIT,
      updates: 7,
    });
  });

  it('takes in the new base when that has moved', () => {
    expect(plan({ head: COMMIT, pullRequestOpen: true }, delivered)).toMatchObject({ parents: [COMMIT, BASE_COMMIT] });
  });

  it('is a new branch when a person pushed to the earlier one, closed it, or deleted it', () => {
    const own = { branch: `${BRANCH}-2`, parents: [BASE_COMMIT], lease: null, updates: null };
    expect(plan({ head: objectId('somebody'), pullRequestOpen: true }, delivered)).toEqual(own);
    expect(plan({ head: COMMIT, pullRequestOpen: false }, delivered)).toEqual(own);
    expect(plan({ head: null }, delivered)).toEqual(own);
  });

  it('goes on from what an earlier attempt pushed without getting to its pull request', () => {
    expect(plan({ head: COMMIT }, undelivered)).toMatchObject({ branch: BRANCH, parents: [COMMIT, BASE_COMMIT], lease: COMMIT });
  });

  it('knows any commit of the task as its own, not only the last one', () => {
    const twice = [
      ...undelivered,
      deliveryRequested({ attempt: 2, commit: objectId('never pushed'), parents: [COMMIT, BASE_COMMIT], lease: COMMIT }),
      taskFailed({ attempt: 2, errorCode: 'PR_CREATE_FAILED', stage: 'delivery' }),
      rerunRequested({ attempt: 3 }),
    ];
    expect(plan({ head: COMMIT }, twice)).toMatchObject({ branch: BRANCH, lease: COMMIT });
  });
});
