import { z } from '@hono/zod-openapi';
import { NewTask, TaskAction } from '../../commands/door.ts';
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

/** The body of `POST /api/v1/tasks/{taskId}/actions`. `actor` is a label of the caller's and gives no rights. */
export const ActionBody = z
  .strictObject({
    action: z.enum(['approve', 'reject', 'ask', 'clarify', 'retry', 'cancel']),
    actor: z.string().max(200).optional(),
    attempt: z.int().min(1).optional(),
    approval_digest: z.string().optional(),
    reason: z.string().optional(),
    question: z.string().optional(),
    repo: z.string().optional(),
    base_branch: z.string().optional(),
    agent: z.string().optional(),
    test_command: z.string().optional(),
    text: z.string().optional(),
  })
  .openapi('TaskAction');

/** Which fields belong to which action; any other is refused, so that nothing that was said is silently dropped. */
export const taskActionOf = (body: z.infer<typeof ActionBody>): TaskAction => {
  const { actor: _, approval_digest, base_branch, test_command, ...rest } = body;
  const wish = {
    ...rest,
    ...(approval_digest !== undefined && { approvalDigest: approval_digest }),
    ...(base_branch !== undefined && { base: base_branch }),
    ...(test_command !== undefined && { testCommand: test_command }),
  };
  return TaskAction.parse(wish);
};

export const RerunBody = z
  .strictObject({
    actor: z.string().max(200).optional(),
    attempt: z.int().min(1).optional(),
    feedback: z.string().optional(),
  })
  .openapi('Rerun');

export const TaskParameters = z.object({
  taskId: z
    .string()
    .min(6)
    .max(36)
    .openapi({ description: 'The id, or its beginning: at least 6 characters that no other task shares.' }),
});

export const Freshness = {
  min_position: z.string().max(64).optional().openapi({ description: 'Wait until the view has seen this place of the log.' }),
};

export const ListQuery = z.strictObject({
  status: TaskStatus.optional(),
  repo: z.string().max(140).optional(),
  requested_by: z.string().max(60).optional(),
  cursor: z.string().max(64).optional(),
  limit: z
    .string()
    .regex(/^\d{1,6}$/, { error: 'must be a whole number' })
    .optional()
    .openapi({ description: '1 to 100; 20 by default.' }),
  ...Freshness,
});

export const TaskDocument = z.object({ task: TaskView }).openapi('Task');
export const TaskCreatedDocument = z
  .object({
    task: TaskView,
    next_status: TaskStatus,
    needs_clarify: z.boolean().nullable(),
    expected_path: z.string().nullable(),
    position: z.string().nullable(),
  })
  .openapi('TaskCreated');
export const ActedDocument = z
  .object({ task: TaskView, run_result: RunResult.nullable(), position: z.string().nullable() })
  .openapi('Acted');
export const TaskListDocument = z.object({ tasks: z.array(TaskSummary), next_cursor: z.string().nullable() }).openapi('TaskList');

/** Longest that a call waits when it says so, in seconds. */
const WAIT_SECONDS_MAX = 300;

/** `Prefer: wait=<seconds>` (RFC 7240) in milliseconds; 0 when the caller does not want to wait. */
export const preferredWaitMs = (prefer: string | undefined): number => {
  if (prefer === undefined) return 0;
  const match = /(?:^|[,;\s])wait(?:=(\d{1,6}))?(?:$|[,;\s])/.exec(prefer);
  if (!match) return 0;
  return Math.min(Number(match[1] ?? 30), WAIT_SECONDS_MAX) * 1_000;
};

/** An `Idempotency-Key` is 1 to 200 visible characters. Throws `BadCall`. */
export const idempotencyKey = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined;
  if (/^[\x21-\x7e]{1,200}$/.test(header)) return header;
  throw new BadCall(400, 'VALIDATION_ERROR', 'An Idempotency-Key is 1 to 200 visible ASCII characters.');
};
