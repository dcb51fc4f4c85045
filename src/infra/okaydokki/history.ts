import { z } from 'zod';
import type { HistoryCommandData } from '../../domain/history/commands.ts';
import { historyIdOf } from '../../domain/history/index.ts';
import type { Text } from '../../domain/text.ts';
import { OkayDokkiAuditLine, OkayDokkiTask, shortened } from './records.ts';

/** Most records that are brought in at once. */
export const BATCH_RECORDS_MAX = 500;

/** Some of what was read: rows of `tasks`, and lines of the audit, of which each says how many alike came before it. */
export const OkayDokkiBatch = z.strictObject({
  source: z.literal('okaydokki'),
  tasks: z.array(OkayDokkiTask).max(BATCH_RECORDS_MAX),
  audit: z.array(OkayDokkiAuditLine.extend({ repetition: z.int().min(0) })).max(BATCH_RECORDS_MAX),
});
export type OkayDokkiBatch = z.infer<typeof OkayDokkiBatch>;

type Imported = HistoryCommandData<'ImportHistory'>;
type ToText = (words: string) => Text;

const maybe = (words: string | null | undefined, text: ToText): Text | null =>
  words === undefined || words === null || words === '' ? null : text(words);

const taskOf = (row: OkayDokkiTask, text: ToText): NonNullable<Imported['task']> => ({
  channel: row.source_im,
  requestedBy: text(row.trigger_user),
  approvedBy: maybe(row.approved_by, text),
  repo: row.repo,
  branch: row.branch,
  base: row.base_branch,
  intent: text(row.intent),
  agent: row.agent,
  status: row.status,
  deliveryStrategy: row.delivery_strategy,
  createdAt: row.created_at,
});

const lineOf = (line: OkayDokkiBatch['audit'][number], text: ToText): Imported['lines'][number] => ({
  eventType: line.eventType,
  recordedAt: line.timestamp,
  repetition: line.repetition,
  requestedBy: text(line.triggerUser),
  message: maybe(line.message, text),
  agentLogs: maybe(line.agentLogs?.join('\n'), text),
  pullRequest: maybe(line.prLink, text),
  approvalDecision: line.approvalDecision ?? null,
  errorCode: line.errorCode ?? null,
  testsResult: line.testsResult ?? null,
  diffHash: line.diffHash ?? null,
});

/** What is to be brought in of each task, lines in their order. `toText` salts and takes secrets out. */
export const historyOf = ({ source, tasks, audit }: OkayDokkiBatch, toText: ToText): readonly Imported[] => {
  const text: ToText = (words) => toText(shortened(words));
  const rows = new Map(tasks.map((row) => [row.task_id, row]));
  const lines = Map.groupBy(audit, ({ taskId }) => taskId);
  return [...new Set([...rows.keys(), ...lines.keys()])].map((sourceId) => {
    const row = rows.get(sourceId);
    return {
      historyId: historyIdOf(source, sourceId),
      source,
      sourceId,
      task: row === undefined ? null : taskOf(row, text),
      lines: (lines.get(sourceId) ?? []).map((line) => lineOf(line, text)),
    };
  });
};
