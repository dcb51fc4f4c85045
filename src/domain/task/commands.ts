import { z } from 'zod';
import { Digest } from '../canonical.ts';
import { BranchName, RepositoryName, Uuid } from '../ids.ts';
import { INTENT_CHARACTERS_MAX } from '../limits.ts';
import { type MessageOf, message } from '../message.ts';
import { STAGE_ERROR_CODES } from '../refusals.ts';
import { Text, textOf } from '../text.ts';
import { taskEvents } from './events.ts';
import { ClarifyReason, Fence, Prepared } from './shapes.ts';

const taskId = Uuid;
const attempt = z.int().min(1);
const at = z.iso.datetime({ precision: 3 });
const fenced = { taskId, fence: Fence };

/** What a person wrote. */
const Words = Text.refine((text) => textOf(text).length <= INTENT_CHARACTERS_MAX, {
  error: `must be at most ${INTENT_CHARACTERS_MAX} characters`,
});
const Intent = Words.refine((text) => textOf(text).trim() !== '', { error: 'must say what to change' });
const agent = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: 'must be the name of an agent' });
/** Only one that the operator allows is ever run; until that was looked up it is what somebody wrote. */
const testCommand = Words.refine((command) => textOf(command).length <= 1_000, { error: 'must be at most 1000 characters' });

/** The `approvalId` of the event that asked, as a button carries it: an answer to an earlier question is none to this one. */
const asked = Uuid.optional();

/** Every command a task understands. The first ten are people's, the rest are the workers'. */
export const taskCommands = {
  CreateTask: message('CreateTask', 'Ask for a change.', {
    taskId,
    commandDigest: Text,
    repo: RepositoryName,
    base: BranchName,
    intent: Intent,
    agent,
    testCommand: testCommand.nullable(),
    onBehalfOf: Words.nullable(),
  }),
  Approve: message('Approve', 'Allow exactly what was shown: the request to run, or the patch to be delivered.', {
    taskId,
    attempt,
    /** Names what was shown by what it covers, or by the event that asked. */
    approved: z.union([Digest, Uuid]),
  }),
  Reject: message('Reject', 'Refuse the request, or what a gate shows.', {
    taskId,
    attempt,
    reason: Words.nullable(),
    asked,
  }),
  AskBack: message('AskBack', 'Ask the requester a question instead of approving.', { taskId, attempt, sentence: Words, asked }),
  Clarify: message('Clarify', 'Amend the request while it waits for a clarification.', {
    taskId,
    attempt,
    repo: RepositoryName.optional(),
    base: BranchName.optional(),
    agent: agent.optional(),
    testCommand: testCommand.optional(),
    text: Intent.optional(),
  }),
  Retry: message('Retry', 'Look again at what was missing.', { taskId, attempt }),
  Cancel: message('Cancel', 'Stop the task; possible until its pull request is being opened.', {
    taskId,
    attempt,
    reason: Words.nullable(),
  }),
  Rerun: message('Rerun', 'Start another attempt when the task is over.', { taskId, attempt, feedback: Words.nullable() }),
  RedactText: message('RedactText', 'Record that a text of an earlier event was erased.', {
    taskId,
    revision: z.int().min(0),
    fields: z.array(z.string()).min(1),
  }),
  PrepareRequest: message('PrepareRequest', 'Report what the attempt will use, and ask for the approval.', {
    taskId,
    attempt,
    preparation: z.int().min(1),
    prepared: Prepared,
    approvalId: Uuid,
    expiresAt: at,
  }),
  AskForClarification: message('AskForClarification', 'Report what is missing.', {
    taskId,
    attempt,
    preparation: z.int().min(1),
    reason: ClarifyReason,
    sentence: Text,
  }),
  ExpireApproval: message('ExpireApproval', 'Report that the time of an open approval is over.', {
    taskId,
    attempt,
    approvalId: Uuid,
  }),
  ClaimStage: message('ClaimStage', 'Take a stage for one execution.', { ...fenced, worker: z.string() }),
  ReleaseStage: message('ReleaseStage', 'Hand a stage back.', {
    ...fenced,
    reason: z.enum(['shutdown', 'outside_failure']),
    sentence: Text.nullable(),
    notBefore: at,
  }),
  FailStage: message('FailStage', 'Report that a stage ended the attempt.', {
    ...fenced,
    errorCode: z.enum(STAGE_ERROR_CODES),
    sentence: Text,
    log: taskEvents.TaskFailed.shape.log,
  }),
  CollectChange: message('CollectChange', 'Report what the agent left, and what policy says of it.', {
    ...fenced,
    change: taskEvents.ChangeCollected.omit({ taskId: true, attempt: true, execution: true }),
    report: taskEvents.PolicyJudged.shape.report,
  }),
  FinishTests: message('FinishTests', 'Report the verdict of the sandbox.', {
    ...fenced,
    tests: taskEvents.TestsFinished.omit({ taskId: true, attempt: true, execution: true }),
    /** Fails the attempt when the tests did not pass. */
    errorCode: z.enum(['TEST_FAILED', 'SANDBOX_FAILED', 'SANDBOX_TIMEOUT']).nullable(),
    sentence: Text,
    approvalId: Uuid,
    expiresAt: at,
  }),
  RequestDelivery: message('RequestDelivery', 'State the one commit that will be pushed.', {
    ...fenced,
    delivery: taskEvents.DeliveryRequested.omit({ taskId: true, attempt: true, execution: true }),
  }),
  RecordPullRequest: message('RecordPullRequest', 'Report the Draft pull request.', {
    ...fenced,
    pullRequest: taskEvents.PullRequestOpened.omit({ taskId: true, attempt: true, execution: true }),
    updated: z.boolean(),
  }),
  CompleteTask: message('CompleteTask', 'Report that the bookkeeping is done.', { ...fenced }),
} as const;

export type TaskCommand = MessageOf<typeof taskCommands>;
export type TaskCommandData<Name extends TaskCommand['type']> = Extract<TaskCommand, { type: Name }>['data'];
