import { setTimeout as pause } from 'node:timers/promises';
import type { z } from 'zod';
import { clockTime, withReadersTimes } from '../../../projections/moments.ts';
import { visibleJson } from '../../visible.ts';
import { type Api, pathOf } from '../api.ts';
import { type Desk, shown } from '../desk.ts';
import { Failure } from '../failure.ts';
import { indented, wrapped } from '../layout.ts';
import { serverSentEvents } from '../lines.ts';
import { taskPage } from '../task-page.ts';
import type { Terminal } from '../terminal.ts';
import { namesOf, PeopleAnswer, ProgressLine, StoryAnswer, StoryLine, TaskAnswer } from './task-documents.ts';

/** Before a stream that broke is opened again. */
const REOPEN_MS = 1_000;

/** Columns in front of a sentence: its time, and space around it. */
const STORY_INDENT = 12;

type Task = z.infer<typeof TaskAnswer>['task'];

const isOver = ({ status }: Task): boolean => status === 'COMPLETED' || status === 'FAILED';

const storyLines = ({ at, sentence }: StoryLine, { columns }: Terminal): string[] => {
  const [first = '', ...more] = wrapped(withReadersTimes(sentence), columns - STORY_INDENT);
  return [`  ${clockTime(at)}  ${first}`, ...indented(more, STORY_INDENT)];
};

const progressLines = (line: string, { columns, ink }: Terminal): string[] =>
  indented(wrapped(line, columns - STORY_INDENT), STORY_INDENT).map((text) => ink('faint', text));

/** Prints what is new, once, whichever way it came: with the history or with the stream. */
const createTeller = ({ terminal, json }: Desk, taskId: string) => {
  let position = '';
  return {
    tell: (document: unknown): void => {
      const line = shown(document, StoryLine);
      // Positions are made to be compared as text: the history and the stream overlap.
      if (line.position <= position || (line.taskId ?? taskId) !== taskId) return;
      position = line.position;
      terminal.print(...(json ? [visibleJson(document)] : storyLines(line, terminal)));
    },
    mention: (document: unknown): void => {
      const progress = shown(document, ProgressLine);
      if (progress.taskId !== taskId) return;
      terminal.print(...(json ? [visibleJson(document)] : progressLines(progress.line, terminal)));
    },
    last: () => position,
  };
};

const read = async (api: Api, taskId: string): Promise<{ readonly document: unknown; readonly task: Task }> => {
  const document = await api.get(pathOf`/tasks/${taskId}`);
  return { document, task: shown(document, TaskAnswer).task };
};

/** Follows a task, as its events happen, until it is over or nobody can watch any more. Resolves to the task as it is then. */
export const follow = async (desk: Desk, api: Api, id: string): Promise<{ readonly document: unknown; readonly task: Task }> => {
  const { taskId } = (await read(api, id)).task;
  const teller = createTeller(desk, taskId);
  const tellHistory = async (): Promise<void> => {
    const history = (await api.get(pathOf`/tasks/${taskId}/events`)) as { events: unknown[] }; // Each is parsed when it is told.
    shown(history, StoryAnswer);
    for (const line of history.events) teller.tell(line);
  };
  /** The task when it is over, once all of its story was told: its last events may be newer than what was told so far. */
  const ending = async () => {
    const now = await read(api, taskId);
    if (!isOver(now.task)) return undefined;
    await tellHistory();
    return now;
  };
  for (;;) {
    const ended = new AbortController();
    try {
      const resume = teller.last();
      const chunks = await api.open('GET', '/events/stream', {
        signal: ended.signal,
        headers: { accept: 'text/event-stream', ...(resume !== '' && { 'last-event-id': resume }) },
      });
      // The stream is open before the history is read, so nothing falls between them.
      await tellHistory();
      const now = await ending();
      if (now) return now;
      for await (const { event, data } of serverSentEvents(chunks)) {
        if (event === 'progress') teller.mention(JSON.parse(data));
        if (event !== 'task') continue;
        const line: unknown = JSON.parse(data);
        teller.tell(line);
        if (shown(line, StoryLine).taskId !== taskId) continue;
        const after = await ending();
        if (after) return after;
      }
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (error instanceof SyntaxError) throw new Failure('The service sent an event that is not JSON.');
      // The connection broke: go on after the last event that arrived.
    } finally {
      ended.abort();
    }
    await pause(REOPEN_MS);
  }
};

/** `task watch`: ends with 0 for a task that was completed and 1 for one that failed. */
export const watchTask = async (desk: Desk, id: string): Promise<number> => {
  const api = await desk.connect();
  const { document, task } = await follow(desk, api, id);
  const names = await namesOf(api, (people) => shown(people, PeopleAnswer));
  desk.answer(document, TaskAnswer, (answer) => ['', ...taskPage(answer.task, names, desk.terminal)]);
  return task.status === 'FAILED' ? 1 : 0;
};
