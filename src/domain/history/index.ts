import type { Kind } from '../decider.ts';
import type { Command, Happened } from '../event.ts';
import { derivedId } from '../ids.ts';
import { DomainError } from '../refusals.ts';
import { type HistoryCommand, type HistoryCommandData, historyCommands } from './commands.ts';
import { type HistoryEvent, type HistorySource, historyEvents } from './events.ts';

/** What is known already of one task of an older service. */
export interface History {
  readonly hasTask: boolean;
  /** Identities of the lines. */
  readonly lines: ReadonlySet<string>;
  /** Its texts were erased, and no others may take their place. */
  readonly isForgotten: boolean;
}

/** The same for the same task of the same service, so that whatever is brought in twice is found again. */
export const historyIdOf = (source: HistorySource, sourceId: string): string => derivedId('history', source, sourceId);

/** The stream of what is known of one task of an older service. */
export const historyStream = (historyId: string): string => `history-${historyId}`;

interface Line {
  readonly eventType: string;
  readonly recordedAt: string;
  readonly repetition: number;
}

/** Made of no text: erasing one leaves it alone, and bringing the line in again does not bring the text back. */
const identity = ({ eventType, recordedAt, repetition }: Line): string => `${recordedAt} ${eventType} ${repetition}`;

/** What is not known yet. Once it is here it stays as it came, whatever the older service says later. */
const bringIn = ({ task, lines, ...of }: HistoryCommandData<'ImportHistory'>, history: History): HistoryEvent[] => {
  if (history.isForgotten) return [];
  const unknown = new Map(lines.map((line) => [identity(line), line]));
  for (const known of history.lines) unknown.delete(known);
  return [
    ...(task === null || history.hasTask ? [] : [{ type: 'TaskImported', data: { ...of, ...task } } as const]),
    ...Array.from(unknown.values(), (line) => ({ type: 'AuditImported', data: { ...of, ...line } }) as const),
  ];
};

const forget = (data: HistoryCommandData<'ForgetHistory'>, { hasTask, lines, isForgotten }: History): HistoryEvent[] => {
  if (!hasTask && lines.size === 0) throw new DomainError('nothing-to-redact');
  return isForgotten && data.revisions.length === 0 ? [] : [{ type: 'HistoryForgotten', data }];
};

const decide = (command: HistoryCommand, history: History): HistoryEvent[] => {
  switch (command.type) {
    case 'ImportHistory':
      return bringIn(command.data, history);
    case 'ForgetHistory':
      return forget(command.data, history);
  }
};

const evolve = (history: History, event: HistoryEvent): History => {
  switch (event.type) {
    case 'TaskImported':
      return { ...history, hasTask: true };
    case 'AuditImported':
      return { ...history, lines: new Set(history.lines).add(identity(event.data)) };
    case 'HistoryForgotten':
      return { ...history, isForgotten: true };
  }
};

const beginnings: Readonly<Record<string, readonly HistoryEvent['type'][]>> = {
  ImportHistory: ['TaskImported', 'AuditImported'],
  ForgetHistory: ['HistoryForgotten'],
};

/** What an older service knew: kept beside the tasks, never one of them. It has no steps and gives no rights. */
export const historyKind: Kind<History> = {
  name: 'history',
  commands: historyCommands,
  events: historyEvents,
  beginnings,
  initialState: { hasTask: false, lines: new Set(), isForgotten: false },
  // The casts hold because dispatch parses each command and event by the schema that its type names.
  streamOf: (command) => historyStream((command as HistoryCommand & Command).data.historyId),
  decide: (command, history) => decide(command as HistoryCommand & Command, history),
  evolve: (history, event) => evolve(history, event as HistoryEvent & Happened),
  nextStep: () => undefined,
  needs: () => [{ right: 'administer', repo: '*' }],
};
