import { z } from 'zod';
import { Uuid } from '../ids.ts';
import { type MessageOf, message } from '../message.ts';
import { Text } from '../text.ts';

/** Where history can come from. */
export const HistorySource = z.enum(['okaydokki']);
export type HistorySource = z.infer<typeof HistorySource>;

/** A name of the older service's: seen characters only, so that none changes how a line around it is read. */
export const ImportedName = z
  .string()
  .max(200, { error: 'must have at most 200 characters' })
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, { error: 'must be a name without control characters' });

const at = z.iso.datetime({ precision: 3 });

/** What the older service knew of a task when it was brought in. Its statuses are not ours, so they are names. */
export const importedTask = {
  channel: ImportedName,
  /** People of the older service are labels here: nobody of ours, and no rights. */
  requestedBy: Text,
  approvedBy: Text.nullable(),
  repo: ImportedName,
  branch: ImportedName,
  base: ImportedName,
  intent: Text,
  agent: ImportedName,
  status: ImportedName,
  deliveryStrategy: ImportedName,
  createdAt: at,
} as const;

/** One line of the older service's audit. Of lines of one kind and one moment, `repetition` counts from 0: the three are its identity. */
export const importedLine = {
  eventType: ImportedName,
  recordedAt: at,
  repetition: z.int().min(0),
  requestedBy: Text,
  message: Text.nullable(),
  agentLogs: Text.nullable(),
  pullRequest: Text.nullable(),
  approvalDecision: ImportedName.nullable(),
  errorCode: ImportedName.nullable(),
  testsResult: ImportedName.nullable(),
  diffHash: ImportedName.nullable(),
} as const;

const of = { historyId: Uuid, source: HistorySource, sourceId: ImportedName } as const;

/** Events of history: what another service says happened. Nothing of it was proven here, so none of it is an event of a task. */
export const historyEvents = {
  TaskImported: message('TaskImported', 'A task of an older service was brought in, as it stood there.', {
    ...of,
    ...importedTask,
  }),
  AuditImported: message('AuditImported', 'A line of the older service’s audit was brought in.', { ...of, ...importedLine }),
  HistoryForgotten: message(
    'HistoryForgotten',
    'Every text of these events was erased from the log, and nothing more comes in.',
    {
      historyId: Uuid,
      revisions: z.array(z.int().min(0)),
    },
  ),
} as const;

export type HistoryEvent = MessageOf<typeof historyEvents>;
