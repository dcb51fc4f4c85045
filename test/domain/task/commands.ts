import type { Command } from '../../../src/domain/event.ts';
import type { TaskCommand, TaskCommandData } from '../../../src/domain/task/commands.ts';
import type { Stage } from '../../../src/domain/task/shapes.ts';
import { CHANGE, DELIVERY, INTENT, INTENT_DIGEST, PULL_REQUEST, TESTS } from './events.ts';
import { ANNA, BERT, bodyDigest, NOON, prepared, report, SYSTEM, TASK_ID, TOMORROW, text, uuid, WORKER } from './samples.ts';

type Who = Partial<Pick<Command, 'actor' | 'at' | 'id'>>;

const command =
  <Name extends TaskCommand['type']>(type: Name, actor: string, data: TaskCommandData<Name>) =>
  (over: Partial<TaskCommandData<Name>> = {}, who: Who = {}): Command => ({
    id: uuid(`${type} by ${actor}`),
    type,
    data: { ...data, ...over },
    actor,
    channel: 'http',
    at: NOON,
    ...who,
  });

const common = { taskId: TASK_ID, attempt: 1 } as const;
const fence = (stage: Stage) => ({ taskId: TASK_ID, fence: { attempt: 1, stage, execution: 1 } }) as const;

export const createTask = command('CreateTask', ANNA, {
  taskId: TASK_ID,
  commandDigest: bodyDigest('the request'),
  repo: 'acme/shop',
  base: 'main',
  intent: INTENT,
  agent: 'codex',
  testCommand: null,
  onBehalfOf: null,
});
export const prepareRequest = command('PrepareRequest', SYSTEM, {
  ...common,
  preparation: 1,
  prepared: prepared(),
  approvalId: uuid('intent gate'),
  expiresAt: TOMORROW,
});
export const askForClarification = command('AskForClarification', SYSTEM, {
  ...common,
  preparation: 1,
  reason: 'BASE_MISSING',
  sentence: text('There is no branch "main".'),
});
export const approveTask = command('Approve', BERT, { ...common, approved: INTENT_DIGEST });
export const rejectTask = command('Reject', BERT, { ...common, reason: null });
export const askBack = command('AskBack', BERT, { ...common, sentence: text('Which test?') });
export const clarify = command('Clarify', ANNA, common);
export const retry = command('Retry', ANNA, common);
export const cancelTask = command('Cancel', ANNA, { ...common, reason: null });
export const rerun = command('Rerun', ANNA, { ...common, feedback: null });
export const redactText = command('RedactText', BERT, { taskId: TASK_ID, revision: 0, fields: ['intent'] });
export const expireApproval = command('ExpireApproval', SYSTEM, { ...common, approvalId: uuid('intent gate') });

/** A worker's command about a stage: execution 1 of attempt 1, unless said otherwise. */
const staged =
  <Name extends 'ClaimStage' | 'ReleaseStage' | 'FailStage'>(type: Name, data: Omit<TaskCommandData<Name>, 'taskId' | 'fence'>) =>
  (stage: Stage, over: Partial<TaskCommandData<Name>['fence']> & Partial<typeof data> = {}, who: Who = {}): Command => {
    const { attempt = 1, execution = 1, ...rest } = over;
    const fenced = { ...data, ...rest, taskId: TASK_ID, fence: { attempt, stage, execution } };
    return { id: uuid(`${type} ${stage}`), type, data: fenced, actor: SYSTEM, channel: 'system', at: NOON, ...who };
  };

export const claimStage = staged('ClaimStage', { worker: WORKER });
export const releaseStage = staged('ReleaseStage', { reason: 'shutdown', sentence: null, notBefore: NOON });
export const failStage = staged('FailStage', {
  errorCode: 'AGENT_FAILED',
  sentence: text('The agent ended without success. Rerun the task.'),
  log: null,
});
export const collectChange = command('CollectChange', SYSTEM, { ...fence('agent'), change: CHANGE, report: report() });
export const finishTests = command('FinishTests', SYSTEM, {
  ...fence('sandbox'),
  tests: TESTS,
  errorCode: null,
  sentence: text('The tests passed.'),
  approvalId: uuid('patch gate'),
  expiresAt: TOMORROW,
});
export const requestDelivery = command('RequestDelivery', SYSTEM, { ...fence('delivery'), delivery: DELIVERY });
export const recordPullRequest = command('RecordPullRequest', SYSTEM, {
  ...fence('delivery'),
  pullRequest: PULL_REQUEST,
  updated: false,
});
export const completeTask = command('CompleteTask', SYSTEM, fence('bookkeeping'));
