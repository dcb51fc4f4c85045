import { z } from 'zod';
import { ImportedName } from '../../domain/history/events.ts';

/** Statuses of a task of OkayDokki. */
const STATUSES = ['CREATED', 'WAIT_CLARIFY', 'WAIT_APPROVE_WRITE', 'RUNNING', 'PR_CREATED', 'COMPLETED', 'FAILED'] as const;

/** What its audit says of tasks. */
export const TASK_LINES = ['REQUEST', 'RETRY', 'APPROVE', 'REJECT', 'RUN', 'PR_CREATED', 'FAILED'] as const;

/** What its audit says of conversations: there is no place here for those, and no task they belong to. */
export const CHAT_LINES: readonly string[] = ['CHAT_REQUEST', 'CHAT_RESPONSE', 'CHAT_FAILED'];

/** Longest text that is kept whole, in characters. Of a longer one the beginning and the end are kept. */
export const TEXT_CHARACTERS_MAX = 16_000;

/** `text` held to `TEXT_CHARACTERS_MAX`, with a line that says how much is missing where it is missing. */
export const shortened = (text: string): string => {
  if (text.length <= TEXT_CHARACTERS_MAX) return text;
  const half = TEXT_CHARACTERS_MAX / 2 - 50;
  const missing = `\n[${text.length - 2 * half} characters were left out when this was imported]\n`;
  return (text.slice(0, half) + missing + text.slice(-half)).toWellFormed();
};

/** Any time that their own rule lets through, as ISO 8601 in UTC with milliseconds. */
const time = z
  .string()
  .max(100)
  .refine((text) => !Number.isNaN(Date.parse(text)), { error: 'must be a time' })
  .transform((text) => new Date(text).toISOString())
  .pipe(z.iso.datetime({ precision: 3, error: 'must be a time of a year with four digits' }));

const words = z.string().min(1, { error: 'must not be empty' });
const label = words.max(1_000, { error: 'must have at most 1000 characters' });

/** A row of the table `tasks`, by the names of its columns. */
export const OkayDokkiTask = z.strictObject({
  task_id: ImportedName,
  source_im: ImportedName,
  trigger_user: label,
  repo: ImportedName,
  branch: ImportedName,
  intent: words,
  agent: ImportedName,
  status: z.enum(STATUSES, { error: 'is none of its statuses' }),
  created_at: time,
  approved_by: label.nullable(),
  delivery_strategy: ImportedName,
  base_branch: ImportedName,
});
export type OkayDokkiTask = z.infer<typeof OkayDokkiTask>;

/** A line of the audit, version 1.0, by its four rules; what it does not name is passed over, as there. */
export const OkayDokkiAuditLine = z.object({
  taskId: ImportedName,
  timestamp: time,
  triggerUser: label,
  eventType: z.enum(TASK_LINES, { error: 'is none of its event types' }),
  diffHash: ImportedName.optional(),
  errorCode: ImportedName.optional(),
  agentLogs: z.array(z.string()).optional(),
  approvalDecision: z.enum(['APPROVE', 'REJECT'], { error: 'must be APPROVE or REJECT' }).optional(),
  testsResult: ImportedName.optional(),
  prLink: z.string().max(2_000, { error: 'must have at most 2000 characters' }).optional(),
  message: z.string().optional(),
});
export type OkayDokkiAuditLine = z.infer<typeof OkayDokkiAuditLine>;
