import { withReadersTimes } from '../../../projections/moments.ts';
import { shortTask } from '../../../projections/words.ts';
import { visibleText } from '../../visible.ts';
import { type Api, pathOf } from '../api.ts';
import { type Desk, shown } from '../desk.ts';
import { Failure } from '../failure.ts';
import { answersToCard, approvalCard, paragraph } from '../task-card.ts';
import { statusStyle } from '../task-page.ts';
import { namesOf, PeopleAnswer, TaskAnswer } from './task-documents.ts';
import { watchTask } from './task-watch.ts';

/** How long a new request is waited for until it is prepared, in seconds. */
const PREPARED_WAIT_SECONDS = 20;

/** Prints where the task stands now: a card when it waits for an approval, else what happened and what to do. */
const report = async (desk: Desk, api: Api, document: unknown): Promise<void> => {
  const names = desk.json ? new Map<string, string>() : await namesOf(api, (people) => shown(people, PeopleAnswer));
  const { terminal } = desk;
  desk.answer(document, TaskAnswer, ({ task }) => {
    const card = approvalCard(task, names, terminal);
    if (card !== null) return [...card, '', ...answersToCard(task, terminal)];
    const watch =
      task.status === 'RUNNING' || task.status === 'CREATED'
        ? ['', `  To follow it  countersign task watch ${shortTask(task.taskId)}`]
        : [];
    return [
      `  ${terminal.ink('strong', `Task ${shortTask(task.taskId)}`)}  ${terminal.ink(statusStyle(task.status), task.status)}`,
      ...paragraph(withReadersTimes(task.sentence), terminal),
      ...(task.waitsFor === null ? [] : paragraph(withReadersTimes(task.waitsFor), terminal)),
      ...watch,
    ];
  });
};

const fromStandardInput = async (): Promise<string> => {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  return text;
};

export interface RequestWish {
  readonly repo?: string;
  readonly base?: string;
  readonly agent?: string;
  readonly test?: string;
  readonly for?: string;
}

/** Leaves out what was not said. */
const said = (values: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined));

export const addTask = async (desk: Desk, words: readonly string[], wish: RequestWish): Promise<void> => {
  const api = await desk.connect();
  const typed = words.join(' ');
  const body = {
    intent: typed === '-' ? await fromStandardInput() : typed,
    ...said({ repo: wish.repo, base_branch: wish.base, agent: wish.agent, test_command: wish.test, trigger_user: wish.for }),
  };
  await report(desk, api, await api.send('POST', '/tasks', { body, waitSeconds: PREPARED_WAIT_SECONDS }));
};

/** What is prepared again is waited for; what runs is not. */
const WAITED_FOR: ReadonlySet<string> = new Set(['clarify', 'retry']);

export const act = async (
  desk: Desk,
  id: string,
  action: string,
  wish: Readonly<Record<string, string | undefined>>,
): Promise<void> => {
  const api = await desk.connect();
  const waitSeconds = WAITED_FOR.has(action) ? PREPARED_WAIT_SECONDS : undefined;
  await report(desk, api, await api.send('POST', pathOf`/tasks/${id}/actions`, { body: { action, ...said(wish) }, waitSeconds }));
};

export const rerun = async (desk: Desk, id: string, feedback: string | undefined): Promise<void> => {
  const api = await desk.connect();
  const body = said({ feedback });
  await report(desk, api, await api.send('POST', pathOf`/tasks/${id}/rerun`, { body, waitSeconds: PREPARED_WAIT_SECONDS }));
};

/** A digest that was typed is sent; without one the card is shown, and on a terminal a person may answer at once. Throws `Failure` unless it was allowed. */
export const approve = async (
  desk: Desk,
  id: string,
  digest: string | undefined,
  { watch }: { readonly watch?: boolean },
): Promise<number> => {
  const api = await desk.connect();
  const approving = digest === undefined ? await askForApproval(desk, api, id) : { approval_digest: digest.toLowerCase() };
  const answer = await api.send('POST', pathOf`/tasks/${id}/actions`, { body: { action: 'approve', ...approving } });
  if (watch) return watchTask(desk, id);
  await report(desk, api, answer);
  return 0;
};

/** What the person at the terminal allowed, attempt and whole digest. Throws `Failure`: a script must not take what it was shown for a yes. */
const askForApproval = async (desk: Desk, api: Api, id: string): Promise<{ attempt: number; approval_digest: string }> => {
  const { terminal } = desk;
  const document = await api.get(pathOf`/tasks/${id}`);
  const { task } = shown(document, TaskAnswer);
  await report(desk, api, document);
  if (task.approval === null) throw new Failure('Nothing was allowed: the task waits for no approval.');
  if (desk.json || !terminal.isInteractive) throw new Failure('Nothing was allowed: that takes the digest of what you read.');
  if (task.approval.gate === 'patch') await printPatch(desk, api, task.taskId);
  terminal.print('');
  if (!(await terminal.confirm('  Allow exactly this?'))) throw new Failure('Nothing was allowed.');
  return { attempt: task.attempt, approval_digest: task.approval.digest };
};

/** All of it: whoever allows a patch has had the whole of it before their eyes. */
const printPatch = async ({ terminal }: Desk, api: Api, taskId: string): Promise<void> => {
  const patch = await Array.fromAsync(await api.open('GET', pathOf`/tasks/${taskId}/patch`));
  terminal.print('', visibleText(Buffer.concat(patch).toString()));
};
