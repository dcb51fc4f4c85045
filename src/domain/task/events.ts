import { z } from 'zod';
import { ArtifactRef } from '../artifact.ts';
import { Digest } from '../canonical.ts';
import { ObjectId, RepositoryName, Uuid } from '../ids.ts';
import { type MessageOf, message } from '../message.ts';
import { StoredPolicyReport } from '../policy/shapes.ts';
import { TASK_ERROR_CODES } from '../refusals.ts';
import { Text } from '../text.ts';
import { ClarifyReason, Prepared, Stage } from './shapes.ts';

const taskId = Uuid;
const attempt = z.int().min(1);
const execution = z.int().min(1);
const at = z.iso.datetime({ precision: 3 });
const gate = z.enum(['intent', 'patch']);
const durationMs = z.int().min(0);
const approval = { approvalId: Uuid, approvalDigest: Digest };
const pullRequest = {
  taskId,
  attempt,
  execution,
  number: z.int().min(1),
  url: z.string(),
  draft: z.literal(true),
  branch: z.string(),
  head: ObjectId,
  tree: ObjectId,
  baseMovedBy: z.int().min(0),
};

/** Every event of a task. Stored for ever: add fields or events, never rename or remove (docs/adr/0002). */
export const taskEvents = {
  TaskCreated: message('TaskCreated', 'A person asked for a change; nothing has been looked at yet.', {
    taskId,
    commandDigest: Text,
    repo: RepositoryName,
    base: z.string(),
    intent: Text,
    agent: z.string(),
    testCommand: Text.nullable(),
    onBehalfOf: Text.nullable(),
    branch: z.string(),
  }),
  RequestPrepared: message(
    'RequestPrepared',
    'Everything the attempt will use was fixed, and a person is asked to allow it to run.',
    {
      taskId,
      attempt,
      preparation: z.int().min(1),
      prepared: Prepared,
      ...approval,
      expiresAt: at,
    },
  ),
  ClarificationRequested: message(
    'ClarificationRequested',
    'Something is missing, or a person asked back; the task waits for an answer.',
    {
      taskId,
      attempt,
      preparation: z.int().min(0),
      reason: ClarifyReason,
      sentence: Text,
    },
  ),
  RequestClarified: message('RequestClarified', 'A person amended the request; it is prepared again.', {
    taskId,
    attempt,
    repo: RepositoryName.optional(),
    base: z.string().optional(),
    agent: z.string().optional(),
    testCommand: Text.optional(),
    text: Text.optional(),
  }),
  RetryRequested: message('RetryRequested', 'A person asked to look again; the request is prepared again as it is.', {
    taskId,
    attempt,
  }),
  TaskApproved: message('TaskApproved', 'A person read this very request and allowed it to run.', {
    taskId,
    attempt,
    ...approval,
    byRequester: z.boolean(),
    expiresAt: at,
  }),
  TaskRejected: message('TaskRejected', 'A person refused what a gate showed.', {
    taskId,
    attempt,
    gate,
    reason: Text.nullable(),
  }),
  TaskCancelled: message('TaskCancelled', 'A person stopped the task before its pull request was being opened.', {
    taskId,
    attempt,
    reason: Text.nullable(),
  }),
  ApprovalExpired: message('ApprovalExpired', 'Nobody decided in time, or the approval was not used in time.', {
    taskId,
    attempt,
    gate,
    approvalId: Uuid,
  }),
  StageClaimed: message('StageClaimed', 'A worker took a stage; attempt, stage and execution fence its outcome.', {
    taskId,
    attempt,
    stage: Stage,
    execution,
    worker: z.string(),
  }),
  StageReleased: message('StageReleased', 'A worker handed a stage back: it stops, or something outside is down.', {
    taskId,
    attempt,
    stage: Stage,
    execution,
    reason: z.enum(['shutdown', 'outside_failure']),
    sentence: Text.nullable(),
    notBefore: at,
  }),
  ChangeCollected: message('ChangeCollected', 'The agent is done, and what it left was read back as a tree.', {
    taskId,
    attempt,
    execution,
    tree: ObjectId,
    empty: z.boolean(),
    patch: ArtifactRef.nullable(),
    changes: ArtifactRef,
    log: ArtifactRef,
    files: z.int().min(0),
    insertions: z.int().min(0),
    deletions: z.int().min(0),
    ignoredFiles: z.int().min(0),
    agentMeta: z.array(z.object({ name: Text, value: Text })).max(100),
    egress: z.array(z.object({ host: Text, allowed: z.boolean() })).max(100),
    durationMs,
  }),
  PolicyJudged: message(
    'PolicyJudged',
    'Policy judged the collected tree and says whether a person must allow this very patch.',
    {
      taskId,
      attempt,
      tree: ObjectId,
      gate: z.enum(['required', 'not_required']),
      report: StoredPolicyReport,
    },
  ),
  TestsFinished: message('TestsFinished', 'The test command ran on exactly this tree, without network.', {
    taskId,
    attempt,
    execution,
    tree: ObjectId,
    passed: z.boolean(),
    exitCode: z.int().nullable(),
    log: ArtifactRef,
    durationMs,
  }),
  PatchApprovalRequested: message('PatchApprovalRequested', 'A person is asked to allow this very patch to be delivered.', {
    taskId,
    attempt,
    tree: ObjectId,
    ...approval,
    expiresAt: at,
  }),
  PatchApproved: message('PatchApproved', 'A person read this very patch and allowed it to be delivered.', {
    taskId,
    attempt,
    tree: ObjectId,
    ...approval,
    byRequester: z.boolean(),
    expiresAt: at,
  }),
  DeliveryRequested: message(
    'DeliveryRequested',
    'This commit is about to be pushed; from here on the task cannot be cancelled.',
    {
      taskId,
      attempt,
      execution,
      tree: ObjectId,
      commit: ObjectId,
      parents: z.array(ObjectId).min(1),
      branch: z.string(),
      lease: ObjectId.nullable(),
      /** The open pull request that the push updates; `null` when a new one is opened. */
      updates: z.int().min(1).nullable(),
    },
  ),
  PullRequestOpened: message(
    'PullRequestOpened',
    'The Draft pull request exists, with exactly the tested tree at its head.',
    pullRequest,
  ),
  PullRequestUpdated: message(
    'PullRequestUpdated',
    'The open Draft pull request of an earlier attempt now holds this one.',
    pullRequest,
  ),
  TaskCompleted: message('TaskCompleted', 'The attempt is over and nothing is left to do.', {
    taskId,
    attempt,
    result: z.enum(['pull_request', 'no_change']),
  }),
  TaskFailed: message('TaskFailed', 'The attempt is over without a delivery; the sentence says what a person can do.', {
    taskId,
    attempt,
    errorCode: z.enum(TASK_ERROR_CODES),
    stage: Stage.nullable(),
    sentence: Text,
    log: ArtifactRef.nullable(),
  }),
  RerunRequested: message('RerunRequested', 'A person asked for another attempt, from the fresh base.', {
    taskId,
    attempt: z.int().min(2),
    feedback: Text.nullable(),
  }),
  TextRedacted: message('TextRedacted', 'A text of an earlier event was erased; its digest stays, and every hash still holds.', {
    taskId,
    revision: z.int().min(0),
    fields: z.array(z.string()).min(1),
  }),
} as const;

export type TaskEvent = MessageOf<typeof taskEvents>;
export type TaskEventData<Name extends TaskEvent['type']> = Extract<TaskEvent, { type: Name }>['data'];
