import type { Command, Happened } from '../../../src/domain/event.ts';
import type { HistoryCommandData } from '../../../src/domain/history/commands.ts';
import type { HistoryEvent } from '../../../src/domain/history/events.ts';
import { historyIdOf } from '../../../src/domain/history/index.ts';
import { BERT, NOON, text, uuid } from '../task/samples.ts';

type Imported = HistoryCommandData<'ImportHistory'>;
type ImportedTask = NonNullable<Imported['task']>;
type ImportedLine = Imported['lines'][number];

export const SOURCE_ID = '0d1c2b3a-0000-4000-8000-000000000001';
export const HISTORY_ID = historyIdOf('okaydokki', SOURCE_ID);

const of = { historyId: HISTORY_ID, source: 'okaydokki', sourceId: SOURCE_ID } as const;

export const oldTask = (over: Partial<ImportedTask> = {}): ImportedTask => ({
  channel: 'telegram',
  requestedBy: text('tg:4711'),
  approvedBy: text('tg:4712'),
  repo: 'acme/shop',
  branch: 'agent/1739650000000',
  base: 'main',
  intent: text('Fix login 500.'),
  agent: 'codex',
  status: 'COMPLETED',
  deliveryStrategy: 'rolling',
  createdAt: '2026-02-15T09:00:00.000Z',
  ...over,
});

export const oldLine = (over: Partial<ImportedLine> = {}): ImportedLine => ({
  eventType: 'REQUEST',
  recordedAt: '2026-02-15T09:00:00.000Z',
  repetition: 0,
  requestedBy: text('tg:4711'),
  message: text('Fix login 500.'),
  agentLogs: null,
  pullRequest: null,
  approvalDecision: null,
  errorCode: null,
  testsResult: null,
  diffHash: null,
  ...over,
});

export const importHistory = (task: ImportedTask | null, ...lines: readonly ImportedLine[]): Command => ({
  id: uuid('an import'),
  type: 'ImportHistory',
  data: { ...of, task, lines: [...lines] } satisfies Imported,
  actor: BERT,
  channel: 'http',
  at: NOON,
});

const event = (fact: HistoryEvent): Happened => ({ ...fact, actor: BERT, at: NOON });

export const taskImported = (over: Partial<ImportedTask> = {}): Happened =>
  event({ type: 'TaskImported', data: { ...of, ...oldTask(over) } });

export const auditImported = (over: Partial<ImportedLine> = {}): Happened =>
  event({ type: 'AuditImported', data: { ...of, ...oldLine(over) } });

export const forgetHistory = (...revisions: readonly number[]): Command => ({
  id: uuid('a forgetting'),
  type: 'ForgetHistory',
  data: { historyId: HISTORY_ID, revisions: [...revisions] } satisfies HistoryCommandData<'ForgetHistory'>,
  actor: BERT,
  channel: 'http',
  at: NOON,
});

export const historyForgotten = (...revisions: readonly number[]): Happened =>
  event({ type: 'HistoryForgotten', data: { historyId: HISTORY_ID, revisions: [...revisions] } });
