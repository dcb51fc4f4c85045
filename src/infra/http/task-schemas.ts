import { z } from '@hono/zod-openapi';
import { ACTION_FIELDS, NewTask, type TaskAction } from '../../commands/door.ts';
import { RunResult, TaskStatus, TaskSummary, TaskView } from '../../projections/task-view.ts';
import { BadCall } from './problem.ts';

/** The body of `POST /api/v1/tasks`, in the names clients of the older service send. */
export const NewTaskBody = z
  .strictObject({
    repo: NewTask.shape.repo,
    intent: NewTask.shape.intent,
    agent: NewTask.shape.agent,
    base_branch: NewTask.shape.base,
    test_command: NewTask.shape.testCommand,
    trigger_user: NewTask.shape.onBehalfOf,
    delivery_strategy: z
      .literal('rolling', { error: 'only "rolling" is supported: a later attempt stays on the same pull request' })
      .optional(),
  })
  .openapi('NewTask');

export const newTaskOf = ({
  repo,
  intent,
  agent,
  base_branch,
  test_command,
  trigger_user,
}: z.infer<typeof NewTaskBody>): NewTask => ({
  intent,
  ...(repo !== undefined && { repo }),
  ...(agent !== undefined && { agent }),
  ...(base_branch !== undefined && { base: base_branch }),
  ...(test_command !== undefined && { testCommand: test_command }),
  ...(trigger_user !== undefined && { onBehalfOf: trigger_user }),
});

/** A label of the caller's, for clients of the older service. It gives no rights and is not kept. */
const actor = z.string().max(200).optional();

const { approve, reject, ask, clarify, retry, cancel, rerun } = ACTION_FIELDS;

/** The body of `POST /api/v1/tasks/{taskId}/actions`. */
export const ActionBody = z
  .discriminatedUnion('action', [
    z.strictObject({
      action: z.literal('approve'),
      attempt: approve.attempt,
      approval_digest: approve.approvalDigest.describe('What was read: at least its first 8 digits.'),
      actor,
    }),
    z.strictObject({ action: z.literal('reject'), attempt: reject.attempt, reason: reject.reason, actor }),
    z.strictObject({ action: z.literal('ask'), attempt: ask.attempt, question: ask.question, actor }),
    z.strictObject({
      action: z.literal('clarify'),
      attempt: clarify.attempt,
      repo: clarify.repo,
      base_branch: clarify.base,
      agent: clarify.agent,
      test_command: clarify.testCommand,
      text: clarify.text,
      actor,
    }),
    z.strictObject({ action: z.literal('retry'), ...retry, actor }),
    z.strictObject({ action: z.literal('cancel'), ...cancel, actor }),
  ])
  .openapi('TaskAction');

export const taskActionOf = ({ actor: _, ...body }: z.infer<typeof ActionBody>): TaskAction => {
  switch (body.action) {
    case 'approve': {
      const { approval_digest: approvalDigest, ...rest } = body;
      return { ...rest, ...(approvalDigest !== undefined && { approvalDigest }) };
    }
    case 'clarify': {
      const { base_branch: base, test_command: testCommand, ...rest } = body;
      return { ...rest, ...(base !== undefined && { base }), ...(testCommand !== undefined && { testCommand }) };
    }
    default:
      return body;
  }
};

export const RerunBody = z.strictObject({ ...rerun, actor }).openapi('Rerun');

export const rerunOf = ({ actor: _, ...wish }: z.infer<typeof RerunBody>): TaskAction => ({ action: 'rerun', ...wish });

export const TaskParameters = z.object({
  taskId: z
    .string()
    .min(6, { error: 'must be at least 6 characters of its id' })
    .max(36)
    .openapi({ description: 'The id, or its beginning: at least 6 characters that no other task shares.' }),
});

/** A place in the log, as answers give it. */
const Place = z
  .string()
  .regex(/^\d{16}$|^\d{20}\.\d{20}$/, { error: 'must be a position that an answer gave' })
  .optional();

export const FreshQuery = z.strictObject({
  min_position: Place.openapi({ description: 'Wait until the view has seen this place of the log.' }),
});

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

export const ListQuery = z.strictObject({
  status: TaskStatus.optional(),
  repo: z.string().max(140).optional(),
  requested_by: z.string().max(60).optional(),
  cursor: z.string().max(64).optional().openapi({ description: 'The `next_cursor` of the page before.' }),
  limit: z
    .string()
    .regex(/^-?\d{1,6}$/, { error: 'must be a whole number' })
    .optional()
    .openapi({ description: `1 to ${LIMIT_MAX}; ${LIMIT_DEFAULT} by default.` }),
  min_position: FreshQuery.shape.min_position,
});

/** Held to 1..100, as the older service does. */
export const limitOf = (limit: string | undefined): number => Math.min(LIMIT_MAX, Math.max(1, Number(limit ?? LIMIT_DEFAULT)));

export const KeyHeader = z.object({
  'idempotency-key': z
    .string()
    .optional()
    .openapi({ description: 'Sent again with the same key, the same request is carried out once.' }),
});

export const ChangeHeaders = KeyHeader.extend({
  prefer: z
    .string()
    .optional()
    .openapi({ description: '`wait=<seconds>` answers when nothing moves any more, or after that time. At most 300.' }),
});

/** What came of the latest attempt, in the names of the older service. */
export const RunResultDocument = RunResult.omit({ artifacts: true })
  .extend({
    changedFiles: z.array(z.string()).describe('Paths, the first 1,000.'),
    testLog: z.string().nullable().describe('The last lines of what the tests printed.'),
    agentLogs: z.array(z.string()).describe('The last lines of what the agent printed.'),
  })
  .openapi('RunResult');

const position = z.string().nullable().describe('To be named as `min_position` by who wants to see at least this.');
const run_result = RunResultDocument.nullable();

export const TaskDocument = z.object({ task: TaskView, run_result }).openapi('Task');
export const TaskCreatedDocument = z
  .object({
    task: TaskView,
    next_status: TaskStatus,
    needs_clarify: z.boolean().nullable().describe('`null`: not known yet.'),
    expected_path: z.string().describe('Where the snapshot of the repository is expected, below the root of the snapshots.'),
    position,
  })
  .openapi('TaskCreated');
export const ActedDocument = z.object({ task: TaskView, run_result, position }).openapi('Acted');
export const TaskListDocument = z.object({ tasks: z.array(TaskSummary), next_cursor: z.string().nullable() }).openapi('TaskList');

/** Longest that a call waits when it says so, in seconds. */
const WAIT_SECONDS_MAX = 300;

/** `Prefer: wait=<seconds>` (RFC 7240), bounded; 0 when the caller does not want to wait. */
export const preferredWaitSeconds = (prefer: string | undefined): number => {
  const asked = /(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])/i.exec(prefer ?? '')?.[1];
  return Math.min(Number(asked ?? 0), WAIT_SECONDS_MAX);
};

/** An `Idempotency-Key` is 1 to 200 visible characters. Throws `BadCall`. */
export const idempotencyKey = (header: string | undefined): string | undefined => {
  if (header === undefined || /^[\x21-\x7e]{1,200}$/.test(header)) return header;
  throw new BadCall(400, 'VALIDATION_ERROR', 'An Idempotency-Key is 1 to 200 visible ASCII characters.');
};
