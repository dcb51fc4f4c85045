import { RepositoryName } from '../../domain/ids.ts';
import { withReadersTimes } from '../../projections/moments.ts';
import type { TaskSummary } from '../../projections/task-view.ts';
import { count, shortTask } from '../../projections/words.ts';
import type { TaskFilter } from '../views/task-queries.ts';
import { beginning, bold, code, type Html, html, join, nothing, prose } from './html.ts';
import type { Keyboard } from './keyboard.ts';

/** What `/tasks` can be narrowed down to, each with the letter that a button carries for it. */
const KINDS = {
  all: { letter: 'a', title: 'Tasks', statuses: [] },
  mine: { letter: 'm', title: 'Your tasks', statuses: [] },
  waiting: { letter: 'w', title: 'Waiting for a person', statuses: ['WAIT_CLARIFY', 'WAIT_APPROVE_WRITE', 'WAIT_APPROVE_PATCH'] },
  running: { letter: 'r', title: 'Under way', statuses: ['CREATED', 'RUNNING', 'PR_CREATED'] },
  failed: { letter: 'f', title: 'Failed', statuses: ['FAILED'] },
  done: { letter: 'd', title: 'Done', statuses: ['COMPLETED'] },
} as const satisfies Record<string, { letter: string; title: string; statuses: readonly TaskSummary['status'][] }>;
type Kind = keyof typeof KINDS;
const kinds = Object.keys(KINDS) as Kind[]; // `Object.keys` forgets the names it was given.

export interface Wanted {
  readonly kind: Kind;
  readonly repo: string | null;
  readonly cursor: string | null;
}

export const statusesOf = (kind: Kind): readonly TaskSummary['status'][] => KINDS[kind].statuses;

const PAGE_TASKS = 10;
const INTENT_CHARACTERS = 70;
const BUTTON_BYTES_MAX = 64;

/** What is typed after `/tasks`; a text that is none of it is a complaint. */
export const readWanted = (typed: string): Wanted | { readonly complaint: string } => {
  let kind: Kind = 'all';
  let repo: string | null = null;
  for (const word of typed.split(/\s+/).filter((each) => each !== '')) {
    const [, name] = /^repo=(.+)$/i.exec(word) ?? [];
    const known = kinds.find((each) => each === word.toLowerCase());
    if (name !== undefined && RepositoryName.safeParse(name).success) repo = name;
    else if (known !== undefined) kind = known;
    else return { complaint: 'Write /tasks, and then mine, waiting, running, failed or done, and repo=org/name, as you like.' };
  }
  return { kind, repo, cursor: null };
};

const dataOf = ({ kind, repo, cursor }: Wanted): string => `tasks.${KINDS[kind].letter}.${cursor ?? ''}.${repo ?? ''}`;

/** What the button under a list says; `undefined` for any other. */
export const readWantedData = (data: string): Wanted | undefined => {
  const [, letter, cursor = '', repo = ''] = /^tasks\.([a-z])\.([\w-]{0,24})\.(.{0,64})$/.exec(data) ?? [];
  const kind = kinds.find((each) => KINDS[each].letter === letter);
  if (kind === undefined || (repo !== '' && !RepositoryName.safeParse(repo).success)) return undefined;
  return { kind, repo: repo === '' ? null : repo, cursor: cursor === '' ? null : cursor };
};

export const filterOf = ({ kind, repo, cursor }: Wanted, personId: string): Omit<TaskFilter, 'repositories'> => ({
  statuses: KINDS[kind].statuses,
  ...(kind === 'mine' && { requestedBy: personId }),
  ...(repo !== null && { repo }),
  ...(cursor !== null && { cursor }),
  limit: PAGE_TASKS,
});

const STATUS_WORDS: Readonly<Record<TaskSummary['status'], string>> = {
  CREATED: 'being prepared',
  WAIT_CLARIFY: 'needs an answer',
  WAIT_APPROVE_WRITE: 'needs an approval to run',
  RUNNING: 'runs',
  WAIT_APPROVE_PATCH: 'needs an approval of its patch',
  PR_CREATED: 'delivered',
  COMPLETED: 'done',
  FAILED: 'failed',
};

const STAGE_WORDS = {
  queued: 'waits for a free place',
  agent: 'the agent works',
  sandbox: 'the tests run',
  delivery: 'is delivered',
};

const statusWords = ({ status, stage }: TaskSummary): string =>
  status === 'RUNNING' && stage !== null ? STAGE_WORDS[stage] : STATUS_WORDS[status];

/** A task in two lines: what it is and where it stands, then what was asked for. */
const taskLine = (task: TaskSummary, named: (personId: string) => string): Html =>
  html`${code(shortTask(task.taskId))} ${bold(statusWords(task))} · ${code(task.repo)} · ${named(task.triggerUser)}\n${prose(beginning(task.intent.replaceAll(/\s+/g, ' ').trim(), INTENT_CHARACTERS))}`;

/** A page of the list, with a button to the next one. */
export const taskListPage = (
  wanted: Wanted,
  { tasks, next }: { readonly tasks: readonly TaskSummary[]; readonly next: string | null },
  named: (personId: string) => string,
): { readonly text: Html; readonly keyboard: Keyboard } => {
  const { kind, repo, cursor } = wanted;
  const title = html`<b>${KINDS[kind].title}</b>${repo === null ? nothing : html` of ${code(repo)}`}`;
  const lines = tasks.map((task) => taskLine(task, named));
  if (lines.length === 0) {
    return { text: join([title, html`${cursor === null ? 'There are none.' : 'There are no more.'}`], '\n\n'), keyboard: [] };
  }
  const older = dataOf({ ...wanted, cursor: next });
  const hasButton = next !== null && Buffer.byteLength(older) <= BUTTON_BYTES_MAX;
  const more = next === null ? null : html`${hasButton ? '' : 'There are more. Narrow the list down to see them.'}`;
  return {
    text: join([title, ...lines, more], '\n\n'),
    keyboard: hasButton ? [[{ text: 'Older', data: older }]] : [],
  };
};

/** Most tasks of a kind that an overview names. */
const OVERVIEW_TASKS = 8;

const some = (title: string, tasks: readonly TaskSummary[], named: (personId: string) => string, waits: boolean): Html => {
  if (tasks.length === 0) return html`<b>${title}</b>: nothing.`;
  const lines = tasks
    .slice(0, OVERVIEW_TASKS)
    .map((task) =>
      join([
        taskLine(task, named),
        waits && task.waitsFor !== null ? html`<i>${withReadersTimes(task.waitsFor, 'UTC')}</i>` : null,
      ]),
    );
  const left = tasks.length - OVERVIEW_TASKS;
  return join([html`<b>${title}</b>`, ...lines, left > 0 ? html`and ${count(left, 'more task')}` : null], '\n\n');
};

/** What runs, and what waits for whom, the oldest first. */
export const overviewPage = (
  tasks: { readonly running: readonly TaskSummary[]; readonly waiting: readonly TaskSummary[] },
  named: (personId: string) => string,
): Html => join([some('Waiting', tasks.waiting, named, true), some('Under way', tasks.running, named, false)], '\n\n');
