import { z } from 'zod';
import { type HistoryEvent, HistorySource } from '../domain/history/events.ts';
import { historyKind } from '../domain/history/index.ts';
import { Uuid } from '../domain/ids.ts';
import { type Text, textOf } from '../domain/text.ts';
import type { Projection, Seen } from './projection.ts';

const at = z.iso.datetime({ precision: 3 });

/** A line of the older audit. */
const HistoryLine = z.object({
  recordedAt: at,
  eventType: z.string(),
  requestedBy: z.string(),
  message: z.string().nullable(),
  approvalDecision: z.string().nullable(),
  errorCode: z.string().nullable(),
  testsResult: z.string().nullable(),
  diffHash: z.string().nullable(),
  pullRequest: z.string().nullable(),
  agentLogs: z.string().nullable(),
});
type HistoryLine = z.infer<typeof HistoryLine>;

/** The older task as it stood there. People are labels. */
const HistoryTask = z.object({
  status: z.string(),
  repo: z.string(),
  intent: z.string(),
  createdAt: at,
  requestedBy: z.string(),
  approvedBy: z.string().nullable(),
  branch: z.string(),
  base: z.string(),
  agent: z.string(),
  channel: z.string(),
  deliveryStrategy: z.string(),
});

/** What an older service says of one of its tasks. */
export const HistoryView = z.object({
  historyId: Uuid,
  source: HistorySource,
  /** The task's id there. */
  sourceId: z.string(),
  /** Nothing of it was allowed, tested or delivered by this service. */
  proven: z.literal(false),
  importedAt: at,
  importedBy: z.string(),
  /** `null`: only lines of the audit were brought in. */
  task: HistoryTask.nullable(),
  /** In the order of their times. */
  lines: z.array(HistoryLine),
});
export type HistoryView = z.infer<typeof HistoryView>;

/** Longest intent in a list, in characters. */
const SUMMARY_CHARACTERS_MAX = 200;

export const HistorySummary = HistoryView.omit({ task: true, lines: true }).extend({
  status: z.string().nullable(),
  repo: z.string().nullable(),
  intent: z.string().nullable(),
  createdAt: at.nullable(),
  lineCount: z.int(),
});
export type HistorySummary = z.infer<typeof HistorySummary>;

const words = (text: Text | null): string | null => text && textOf(text);

const fold = (before: HistoryView | undefined, { actor, at: importedAt, ...seen }: Seen): HistoryView | undefined => {
  const event = seen as unknown as HistoryEvent; // Parsed by the schema of its type.
  // What it erased reads so in the events before it.
  if (event.type === 'HistoryForgotten') return before;
  const { historyId, source, sourceId, ...data } = event.data;
  const history = before ?? { historyId, source, sourceId, proven: false, importedAt, importedBy: actor, task: null, lines: [] };
  if ('eventType' in data) {
    const { repetition: _, requestedBy, message, agentLogs, pullRequest, ...plain } = data;
    const line: HistoryLine = {
      ...plain,
      requestedBy: textOf(requestedBy),
      message: words(message),
      agentLogs: words(agentLogs),
      pullRequest: words(pullRequest),
    };
    // Lines of one moment stay in the order in which they came.
    return { ...history, lines: [...history.lines, line].sort((a, b) => a.recordedAt.localeCompare(b.recordedAt)) };
  }
  const { requestedBy, approvedBy, intent, ...plain } = data;
  return {
    ...history,
    task: { ...plain, requestedBy: textOf(requestedBy), approvedBy: words(approvedBy), intent: textOf(intent) },
  };
};

const summaryOf = ({ task, lines, ...history }: HistoryView): HistorySummary => ({
  ...history,
  status: task?.status ?? null,
  repo: task?.repo ?? null,
  intent: task?.intent.slice(0, SUMMARY_CHARACTERS_MAX).toWellFormed() ?? null,
  createdAt: task?.createdAt ?? null,
  lineCount: lines.length,
});

/** What was brought in from older services, by itself: no list of tasks holds any of it. */
export const historyProjection: Projection<HistoryView> = {
  name: 'history',
  version: 1,
  kind: historyKind,
  tables: {
    history_list: {
      columns: { repo: 'TEXT', summary: 'TEXT NOT NULL' },
      rowsPerStream: 'one',
      indexes: [],
    },
  },
  fold,
  show: (history) => ({
    document: JSON.stringify(history),
    rows: { history_list: [{ repo: history.task?.repo ?? null, summary: JSON.stringify(summaryOf(history)) }] },
  }),
};
