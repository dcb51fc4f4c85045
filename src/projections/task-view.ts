import { z } from 'zod';
import { ArtifactRef } from '../domain/artifact.ts';
import { Digest } from '../domain/canonical.ts';
import { ObjectId, PersonId, RepositoryName, Uuid } from '../domain/ids.ts';
import { InstallStep } from '../domain/install-step.ts';
import { Limits } from '../domain/limits.ts';
import { GateMode, PolicyReport } from '../domain/policy/shapes.ts';
import { TASK_ERROR_CODES } from '../domain/refusals.ts';
import { Agent, ClarifyReason, Image } from '../domain/task/shapes.ts';

const at = z.iso.datetime({ precision: 3 });
const attempt = z.int().min(1);

export const TaskStatus = z.enum([
  'CREATED',
  'WAIT_CLARIFY',
  'WAIT_APPROVE_WRITE',
  'RUNNING',
  'WAIT_APPROVE_PATCH',
  'PR_CREATED',
  'COMPLETED',
  'FAILED',
]);

/** Where a running task is, or where a failed one failed. `queued`: allowed, and waiting for a worker. */
export const TaskStage = z.enum(['queued', 'agent', 'sandbox', 'delivery']);
export type TaskStage = z.infer<typeof TaskStage>;

export const Gate = z.enum(['intent', 'patch']);

/** The status changed, or the stage did. */
export const Transition = z.object({
  attempt,
  status: TaskStatus,
  stage: TaskStage.nullable(),
  at,
  by: z.string().describe('A person, or `system:<worker>`.'),
});
export type Transition = z.infer<typeof Transition>;

export const ApprovalGiven = z.object({
  attempt,
  gate: Gate,
  by: z.string(),
  at,
  digest: Digest,
  byRequester: z.boolean().describe('Whoever asked for the change allowed it too.'),
});
export type ApprovalGiven = z.infer<typeof ApprovalGiven>;

export const OpenGate = z.object({ gate: Gate, approvalId: Uuid, digest: Digest, askedAt: at, expiresAt: at });

export const PreparedView = z.object({
  remote: z.string(),
  baseCommit: ObjectId,
  startTree: ObjectId,
  startFrom: z.enum(['base', 'last_attempt', 'base_after_conflict']),
  agent: Agent,
  testCommand: z.string(),
  installCommand: InstallStep.nullable().describe('How the packages that the tests need are installed.'),
  path: z.string().nullable().describe('The folder in which the tests run; `null`: the root.'),
  image: Image,
  policyDigest: Digest,
  patchGate: GateMode.describe('When a person must allow the patch, too.'),
  policySummary: z.string().describe('The rules in force, in words.'),
  limits: Limits,
});

/** Trees of the latest attempt; tested, allowed and delivered are the same one before anything is pushed. */
export const Trees = z.object({
  start: ObjectId.nullable(),
  result: ObjectId.nullable(),
  tested: ObjectId.nullable(),
  allowed: ObjectId.nullable(),
  delivered: ObjectId.nullable(),
});

export const RunResult = z.object({
  hasDiff: z.boolean(),
  diffHash: Digest.nullable().describe('SHA-256 of the patch.'),
  filesChanged: z.int().min(0),
  insertions: z.int().min(0),
  deletions: z.int().min(0),
  ignoredFiles: z.int().min(0),
  testsResult: z.enum(['PASS', 'FAIL']).nullable().describe('`null`: the tests have not run.'),
  testExitCode: z.int().nullable(),
  agentMeta: z.record(z.string(), z.string()),
  agentDurationMs: z.int().min(0),
  testDurationMs: z.int().min(0).nullable(),
  prLink: z.string().nullable(),
  artifacts: z
    .object({ patch: ArtifactRef.nullable(), changes: ArtifactRef, agentLog: ArtifactRef, testLog: ArtifactRef.nullable() })
    .describe('The texts: read them as patch and logs of the task.'),
});
export type RunResult = z.infer<typeof RunResult>;

export const PullRequestView = z.object({
  number: z.int().min(1),
  url: z.string(),
  branch: z.string(),
  head: ObjectId,
  draft: z.literal(true),
  baseMovedBy: z.int().min(0).describe('Commits the base had moved on by when it was delivered.'),
});

/** A task as everyone sees it. Texts that were erased read "[redacted]". */
export const TaskView = z.object({
  taskId: Uuid,
  source: z.object({ im: z.string().describe('The channel it was asked for on.') }),
  triggerUser: PersonId.or(z.string()).describe('The person who asked for it.'),
  onBehalfOf: z.string().nullable().describe('A label the caller gave; nobody checked it.'),
  repo: RepositoryName,
  branch: z.string(),
  baseBranch: z.string(),
  intent: z.string(),
  agent: z.string(),
  testCommand: z.string().nullable().describe('As asked for; `null`: the configured one.'),
  status: TaskStatus,
  stage: TaskStage.nullable(),
  attempt,
  createdAt: at,
  lastChangeAt: at,
  approvedBy: z.string().nullable().describe('The person who allowed the latest attempt to run.'),
  deliveryStrategy: z.literal('rolling').describe('A later attempt stays on the same pull request.'),
  sentence: z.string().describe('What happened, and what to do next.'),
  waitsFor: z.string().nullable().describe('Who must do what; `null`: nobody.'),
  clarifyReason: ClarifyReason.nullable(),
  errorCode: z.enum(TASK_ERROR_CODES).nullable(),
  errorLog: ArtifactRef.nullable(),
  approval: OpenGate.nullable().describe('What a person is asked to allow now.'),
  approvals: z.array(ApprovalGiven),
  clarifications: z.array(z.string()),
  feedback: z.string().nullable(),
  prepared: PreparedView.nullable(),
  trees: Trees,
  policy: PolicyReport.nullable(),
  runResult: RunResult.nullable(),
  pullRequest: PullRequestView.nullable(),
  transitions: z.array(Transition),
  position: z.string().describe('Place of its last event in the log, to be named as `min_position`.'),
});
export type TaskView = z.infer<typeof TaskView>;

/** A task in a list. */
export const TaskSummary = TaskView.pick({
  taskId: true,
  source: true,
  triggerUser: true,
  repo: true,
  branch: true,
  baseBranch: true,
  intent: true,
  agent: true,
  status: true,
  stage: true,
  attempt: true,
  createdAt: true,
  lastChangeAt: true,
  approvedBy: true,
  deliveryStrategy: true,
  sentence: true,
  waitsFor: true,
  errorCode: true,
  pullRequest: true,
});
export type TaskSummary = z.infer<typeof TaskSummary>;
