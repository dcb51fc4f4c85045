import { defaultPolicy } from '../../src/domain/policy/policy.ts';
import type { TaskCommand, TaskCommandData } from '../../src/domain/task/commands.ts';
import { planDelivery } from '../../src/domain/task/delivery-plan.ts';
import { type PresentTask, stageOf } from '../../src/domain/task/state.ts';
import { CHANGE, PULL_REQUEST, TESTS } from './task/events.ts';
import { minutesAfter, objectId, prepared, report, TASK_ID, text, uuid, VIOLATED, WARNED } from './task/samples.ts';

/** Small choices out of one random number, so that a history is an array of numbers and shrinks well. */
export const chooser = (seed: number) => {
  let left = seed;
  const below = (bound: number): number => {
    const choice = left % bound;
    left = Math.floor(left / bound);
    return choice;
  };
  return {
    below,
    of: <Item>(...items: readonly [Item, ...Item[]]): Item => items[below(items.length)] ?? items[0],
    /** One time in `bound`. */
    rarely: (bound: number): boolean => below(bound) === bound - 1,
  };
};
export type Chooser = ReturnType<typeof chooser>;

export type Order = {
  readonly [Name in TaskCommand['type']]: { readonly type: Name; readonly data: TaskCommandData<Name> };
}[TaskCommand['type']];

const COMMITS = ['one', 'two', 'three'].map(objectId);

/** Made once: their digests are what takes time. */
const POLICIES = (['risky', 'always', 'never'] as const).map((patchGate) =>
  prepared({ policy: { ...defaultPolicy, patchGate } }),
);

/** Every command there is, made to fit the state as far as one can; `wrong` bends one of its references. */
export const orders = (task: PresentTask, at: string, step: number, choose: Chooser, wrong: boolean) => {
  const bend = (right: number): number => (wrong && choose.rarely(2) ? Math.max(1, right + choose.of(-1, 1)) : right);
  const attempt = bend(task.attempt);
  const common = { taskId: TASK_ID, attempt };
  const current = stageOf(task);
  const execution = bend(Math.max(1, current?.claim.execution ?? 1));
  const stage = wrong ? choose.of('agent', 'sandbox', 'delivery', 'bookkeeping') : (current?.stage ?? 'agent');
  const fenced = { taskId: TASK_ID, fence: { attempt, stage, execution } } as const;
  const tree = wrong ? choose.of(objectId('another tree'), CHANGE.tree) : (task.evidence.collected?.tree ?? CHANGE.tree);
  const asking = () => ({ approvalId: uuid(`approval ${step}`), expiresAt: minutesAfter(choose.of(60, 1_440), at) });
  const open = 'open' in task ? task.open : undefined;
  const { evidence } = task;
  return {
    prepare: (): Order => ({
      type: 'PrepareRequest',
      data: {
        ...common,
        preparation: bend(task.preparation + 1),
        prepared: { ...(POLICIES[choose.below(3)] ?? prepared()), repo: task.repo, base: task.base },
        ...asking(),
      },
    }),
    askForClarification: (): Order => ({
      type: 'AskForClarification',
      data: { ...common, preparation: bend(task.preparation + 1), reason: 'BASE_MISSING', sentence: text('Missing.') },
    }),
    clarify: (): Order => ({
      type: 'Clarify',
      data: { ...common, ...choose.of({ text: text('More.') }, { base: choose.of('main', 'next') }, { repo: 'acme/other' }, {}) },
    }),
    retry: (): Order => ({ type: 'Retry', data: common }),
    approve: (): Order => ({
      type: 'Approve',
      data: { ...common, approved: (wrong ? evidence.approval : open)?.approvalDigest ?? 'a'.repeat(64) },
    }),
    askBack: (): Order => ({ type: 'AskBack', data: { ...common, sentence: text('Why?') } }),
    reject: (): Order => ({ type: 'Reject', data: { ...common, reason: choose.of(null, text('No.')) } }),
    cancel: (): Order => ({ type: 'Cancel', data: { ...common, reason: null } }),
    expire: (): Order => ({ type: 'ExpireApproval', data: { ...common, approvalId: open?.approvalId ?? uuid('none') } }),
    rerun: (): Order => ({ type: 'Rerun', data: { ...common, feedback: choose.of(null, text('Again.')) } }),
    redact: (): Order => ({ type: 'RedactText', data: { taskId: TASK_ID, revision: 0, fields: ['intent'] } }),
    claim: (): Order => ({
      type: 'ClaimStage',
      data: {
        taskId: TASK_ID,
        fence: { attempt, stage, execution: bend((current?.claim.execution ?? 0) + 1) },
        worker: choose.of('one', 'two'),
      },
    }),
    release: (): Order => ({
      type: 'ReleaseStage',
      data: {
        ...fenced,
        reason: choose.of('shutdown', 'outside_failure'),
        sentence: choose.of(null, text('Down.')),
        notBefore: minutesAfter(choose.below(3), at),
      },
    }),
    fail: (): Order => ({
      type: 'FailStage',
      data: {
        ...fenced,
        errorCode: choose.of('AGENT_FAILED', 'SANDBOX_TIMEOUT', 'PR_CREATE_FAILED'),
        sentence: text('Rerun it.'),
        log: null,
      },
    }),
    collect: (): Order => ({
      type: 'CollectChange',
      data: {
        ...fenced,
        change: { ...CHANGE, tree, empty: choose.rarely(12), patch: choose.rarely(12) ? null : CHANGE.patch },
        report: choose.of(report(), WARNED, report(), WARNED, choose.of(report(), VIOLATED)),
      },
    }),
    finish: (): Order => ({
      type: 'FinishTests',
      data: {
        ...fenced,
        tests: { ...TESTS, tree, passed: !choose.rarely(8) },
        errorCode: choose.rarely(10) ? 'SANDBOX_FAILED' : null,
        sentence: text('Tested.'),
        ...asking(),
      },
    }),
    deliver: (): Order => {
      const facts = {
        head: choose.of(null, ...task.commits, objectId('somebody')),
        pullRequestOpen: choose.below(2) === 0,
        baseInHead: choose.below(2) === 0,
      };
      const plan = planDelivery(task, evidence.prepared?.baseCommit ?? objectId('none'), facts);
      const branch = wrong && choose.rarely(2) ? 'main' : plan.branch;
      return {
        type: 'RequestDelivery',
        data: {
          ...fenced,
          delivery: { tree, commit: COMMITS[choose.below(3)] ?? tree, ...plan, parents: [...plan.parents], branch },
        },
      };
    },
    record: (): Order => {
      const { commit = objectId('none'), branch = 'none', updates = null } = evidence.delivery ?? {};
      const pullRequest = {
        ...PULL_REQUEST,
        number: updates ?? step + 1,
        head: wrong ? objectId('somebody') : commit,
        branch,
        tree,
      };
      return {
        type: 'RecordPullRequest',
        data: { ...fenced, pullRequest, updated: wrong ? choose.below(2) === 0 : updates !== null },
      };
    },
    complete: (): Order => ({ type: 'CompleteTask', data: fenced }),
  };
};
