import { z } from 'zod';
import { type MessageOf, message } from '../message.ts';
import { historyEvents, importedLine, importedTask } from './events.ts';

const { historyId, source, sourceId } = historyEvents.TaskImported.shape;

/** Lines of one task that one command may bring in; the next command brings the next. */
const IMPORTED_LINES_MAX = 500;

export const historyCommands = {
  ImportHistory: message('ImportHistory', 'Bring in what an older service knew of one task.', {
    historyId,
    source,
    sourceId,
    task: z.object(importedTask).nullable(),
    lines: z.array(z.object(importedLine)).max(IMPORTED_LINES_MAX),
  }),
  ForgetHistory: message(
    'ForgetHistory',
    'Record that the texts of these events were erased.',
    historyEvents.HistoryForgotten.shape,
  ),
} as const;

export type HistoryCommand = MessageOf<typeof historyCommands>;
export type HistoryCommandData<Name extends HistoryCommand['type']> = Extract<HistoryCommand, { type: Name }>['data'];
