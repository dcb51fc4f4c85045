import { clockTime, readersZone, shortMoment, withReadersTimes } from '../../../projections/moments.ts';
import { shortTask } from '../../../projections/words.ts';
import { visibleJson, visibleText } from '../../visible.ts';
import { pathOf, queryOf } from '../api.ts';
import { type Desk, shown } from '../desk.ts';
import { indented, table } from '../layout.ts';
import { answersToCard, approvalCard } from '../task-card.ts';
import { statusStyle, taskPage } from '../task-page.ts';
import { namesOf, PeopleAnswer, StoryAnswer, TaskAnswer, TaskListAnswer } from './task-documents.ts';

export interface ListWish {
  readonly status?: string;
  readonly repo?: string;
  readonly mine?: boolean;
  readonly limit?: string;
  readonly cursor?: string;
}

const HEADER = [
  { title: 'task' },
  { title: 'status' },
  { title: 'repository' },
  { title: 'asked' },
  { title: 'change', flexible: true },
];

export const listTasks = async (desk: Desk, { mine, status, ...wish }: ListWish): Promise<void> => {
  const api = await desk.connect();
  const me = mine ? ((await api.get('/whoami')) as { person_id: string }).person_id : undefined;
  const document = await api.get(`/tasks${queryOf({ ...wish, status: status?.toUpperCase(), requested_by: me })}`);
  const { terminal } = desk;
  desk.answer(document, TaskListAnswer, ({ tasks, next_cursor }) => {
    if (tasks.length === 0) return ['  There are no such tasks. File one with: countersign task add "…"'];
    const rows = tasks.map((task) => [
      shortTask(task.taskId),
      task.stage === null || task.status !== 'RUNNING' ? task.status : `RUNNING ${task.stage}`,
      task.repo,
      shortMoment(task.createdAt),
      task.intent,
    ]);
    const paint = (text: string, row: number, column: number): string => {
      if (row < 0) return terminal.ink('faint', text);
      return column === 1 ? terminal.ink(statusStyle(tasks[row]?.status ?? ''), text) : text;
    };
    return [
      ...indented(table(HEADER, rows, paint, terminal.tableColumns - 2), 2),
      `  ${terminal.ink('faint', `times in ${readersZone()}${next_cursor === null ? '' : ` · older ones: --cursor ${next_cursor}`}`)}`,
    ];
  });
};

export interface ShowWish {
  readonly patch?: boolean;
  readonly log?: string;
  readonly events?: boolean;
}

const showText = async ({ connect, terminal, json }: Desk, path: string, name: string): Promise<void> => {
  const api = await connect();
  const text = Buffer.concat(await Array.fromAsync(await api.open('GET', path))).toString();
  terminal.print(json ? visibleJson({ [name]: text }) : visibleText(text).replace(/\n$/, ''));
};

const showEvents = async (desk: Desk, id: string): Promise<void> => {
  const api = await desk.connect();
  const [document, names] = await Promise.all([
    api.get(pathOf`/tasks/${id}/events`),
    namesOf(api, (people) => shown(people, PeopleAnswer)),
  ]);
  const { terminal } = desk;
  desk.answer(document, StoryAnswer, ({ events }) => {
    const header = [{ title: 'time' }, { title: 'event' }, { title: 'by' }, { title: 'what happened', flexible: true }];
    const rows = events.map(({ at, type, actor, sentence }) => [
      clockTime(at),
      type,
      actor.startsWith('system:') ? 'the service' : (names.get(actor) ?? actor),
      withReadersTimes(sentence),
    ]);
    const paint = (text: string, row: number): string => (row < 0 ? terminal.ink('faint', text) : text);
    return [
      ...indented(table(header, rows, paint, terminal.tableColumns - 2), 2),
      `  ${terminal.ink('faint', `times in ${readersZone()}`)}`,
    ];
  });
};

export const showTask = async (desk: Desk, id: string, { patch, log, events }: ShowWish): Promise<void> => {
  if (patch) return showText(desk, pathOf`/tasks/${id}/patch`, 'patch');
  if (log !== undefined) return showText(desk, `${pathOf`/tasks/${id}/logs`}${queryOf({ name: log })}`, 'log');
  if (events) return showEvents(desk, id);
  const api = await desk.connect();
  const [document, names] = await Promise.all([
    api.get(pathOf`/tasks/${id}`),
    namesOf(api, (people) => shown(people, PeopleAnswer)),
  ]);
  const { terminal } = desk;
  desk.answer(document, TaskAnswer, ({ task }) => [
    ...(approvalCard(task, names, terminal) ?? taskPage(task, names, terminal)),
    '',
    ...answersToCard(task, terminal),
  ]);
};
