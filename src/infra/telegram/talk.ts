import type { TaskAction } from '../../commands/door.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { shortTask } from '../../projections/words.ts';
import { type Acts, demand, doneReply } from './acts.ts';
import { firstWord } from './command-line.ts';
import type { CommandName } from './command-table.ts';
import type { Desk, Visit } from './desk.ts';
import { logWords, patchWords } from './evidence.ts';
import { code, html, join } from './html.ts';
import type { Prompt } from './prompts.ts';
import { healthLine, helpReply, unknownCommandReply, usageReply, whoamiReply } from './replies.ts';
import { readTaskLine } from './task-line.ts';
import { filterOf, overviewPage, readWanted, statusesOf, taskListPage } from './task-list.ts';
import type { Answered } from './update.ts';

/** How long an overview waits for the health of the service, and how long that is said again: asking costs every component. In milliseconds. */
const HEALTH_MS = 5_000;
const HEALTH_KEPT_MS = 15_000;
const OVERVIEW_TASKS_MAX = 100;

/** `/task status 1a2b3c4d`, as people wrote it elsewhere. */
const STATUS_OF = /^status\s+([0-9a-f-]{6,36})$/i;

type Spoken = (visit: Visit, rest: string, repliesTo: Answered | null) => Promise<void>;

/** What each command does. Refusals are thrown, and told by the caller. */
export const createTalk = (desk: Desk, acts: Acts) => {
  const { bot, reading, artifacts, page } = desk;

  let health: { readonly words: Promise<string>; readonly until: number } | undefined;
  const healthWords = (): Promise<string> => {
    if (!health || performance.now() > health.until) {
      const words = desk.health().then(healthLine, () => 'The components could not be asked.');
      health = { words, until: performance.now() + HEALTH_KEPT_MS };
    }
    return health.words;
  };

  const overview = async (visit: Visit): Promise<void> => {
    const of = (statuses: ReturnType<typeof statusesOf>) =>
      reading.list(visit.person, { statuses, limit: OVERVIEW_TASKS_MAX }).then(({ tasks }) => tasks.toReversed());
    const [running, waiting] = await Promise.all([of(statusesOf('running')), of(statusesOf('waiting'))]);
    // Nobody else waits while every component is asked.
    const late = Promise.withResolvers<string>();
    const timer = setTimeout(() => late.resolve('Some component has not answered yet.'), HEALTH_MS).unref();
    // Nothing is looked up any more when that is over: the service may have stopped by then.
    const tasks = overviewPage({ running, waiting }, reading.named);
    void Promise.race([healthWords(), late.promise]).then((words) => {
      clearTimeout(timer);
      visit.say({ text: join([tasks, html`${words}`], '\n\n') });
    });
  };

  const show = async (visit: Visit, task: TaskView): Promise<void> => {
    for (const words of await page(task)) visit.say(words);
  };

  /** The task that is named first, and what was said of it; `undefined` after telling how to write it. */
  const named = async (visit: Visit, command: CommandName, rest: string) => {
    const [id, words] = firstWord(rest);
    if (id === '') {
      visit.say({ text: usageReply(command) });
      return undefined;
    }
    return { task: await reading.find(visit.person, id), words };
  };

  const acting =
    (command: CommandName & TaskAction['action'], wishOf: (words: string) => TaskAction): Spoken =>
    async (visit, rest) => {
      const about = await named(visit, command, rest);
      if (!about) return;
      const { taskId } = about.task;
      const wish = wishOf(about.words);
      const isNew = await acts.act(visit, taskId, wish);
      visit.say({ text: isNew ? doneReply(wish.action, taskId) : html`It was so already: task ${code(shortTask(taskId))}.` });
    };

  const reason = (words: string) => (words === '' ? {} : { reason: words });

  const task: Spoken = async (visit, rest, repliesTo) => {
    const [, id] = STATUS_OF.exec(rest) ?? [];
    if (id !== undefined) return show(visit, await reading.find(visit.person, id));
    const line = readTaskLine(rest);
    if ('complaint' in line) return visit.say({ text: html`${line.complaint}` });
    // What we said ourselves is no request.
    const taken = repliesTo && repliesTo.from !== bot.id ? repliesTo.chosen : '';
    const text = [line.text, taken].filter((part) => part.trim() !== '').join('\n\n');
    if (text === '') return acts.prompt(visit, { verb: 'task', options: line.options }, false);
    return acts.file(visit, line.options, text);
  };

  const clarify = async (visit: Visit, found: TaskView, words: string): Promise<void> => {
    const line = readTaskLine(words);
    if ('complaint' in line) return visit.say({ text: html`${line.complaint}` });
    const said = line.text === '' ? {} : { text: line.text };
    await acts.act(visit, found.taskId, { action: 'clarify', attempt: found.attempt, ...line.options, ...said });
    visit.say({ text: doneReply('clarify', found.taskId) });
  };

  const asks = (verb: Exclude<Prompt['verb'], 'task'>, right: 'approve' | 'request', visit: Visit, found: TaskView): void => {
    demand(visit, right, found);
    acts.prompt(visit, { verb, task: found.taskId, attempt: found.attempt }, false);
  };

  const spoken: Readonly<Record<CommandName, Spoken>> = {
    task,
    status: async (visit, rest) => {
      const [id] = firstWord(rest);
      return id === '' ? overview(visit) : show(visit, await reading.find(visit.person, id));
    },
    tasks: async (visit, rest) => {
      const wanted = readWanted(rest);
      if ('complaint' in wanted) return visit.say({ text: html`${wanted.complaint}` });
      const listed = await reading.list(visit.person, filterOf(wanted, visit.person.personId));
      visit.say(taskListPage(wanted, listed, reading.named));
    },
    approve: async (visit, rest) => {
      const about = await named(visit, 'approve', rest);
      if (!about) return;
      // Who has typed no digits has read nothing yet.
      if (about.words === '') return show(visit, about.task);
      await acting('approve', (digits) => ({ action: 'approve', approvalDigest: digits.toLowerCase() }))(visit, rest, null);
    },
    reject: acting('reject', (words) => ({ action: 'reject', ...reason(words) })),
    cancel: acting('cancel', (words) => ({ action: 'cancel', ...reason(words) })),
    retry: acting('retry', () => ({ action: 'retry' })),
    rerun: acting('rerun', (words) => ({ action: 'rerun', ...(words !== '' && { feedback: words }) })),
    ask: async (visit, rest) => {
      const about = await named(visit, 'ask', rest);
      if (!about) return;
      if (about.words === '') return asks('ask', 'approve', visit, about.task);
      await acting('ask', (words) => ({ action: 'ask', question: words }))(visit, rest, null);
    },
    clarify: async (visit, rest) => {
      const about = await named(visit, 'clarify', rest);
      if (!about) return;
      if (about.words === '') return asks('clarify', 'request', visit, about.task);
      await clarify(visit, about.task, about.words);
    },
    diff: async (visit, rest) => {
      const about = await named(visit, 'diff', rest);
      for (const words of about ? await patchWords(artifacts, about.task) : []) visit.say(words);
    },
    logs: async (visit, rest) => {
      const about = await named(visit, 'logs', rest);
      const only = about?.words === 'agent' || about?.words === 'tests' ? about.words : null;
      for (const words of about ? await logWords(artifacts, about.task, only) : []) visit.say(words);
    },
    whoami: async (visit) => {
      const { room, person, from } = visit;
      visit.say({ text: whoamiReply(person, from, room.kind === 'group' ? room.place.chat : null) });
    },
    help: async (visit) => visit.say({ text: helpReply(visit.person) }),
    start: async (visit) => visit.say({ text: helpReply(visit.person) }),
  };

  return {
    spoken,
    unknown: (visit: Visit): void => visit.say({ text: unknownCommandReply }),

    /** The words that one of our questions asked for. `approvalId`: what a question about a decision was about. */
    async answer(visit: Visit, prompt: Prompt, words: string, approvalId?: string): Promise<void> {
      if (prompt.verb === 'task') return acts.file(visit, prompt.options, words);
      const found = await reading.find(visit.person, prompt.task);
      const { taskId } = found;
      const { attempt } = prompt;
      switch (prompt.verb) {
        case 'clarify':
          return clarify(visit, { ...found, attempt }, words);
        case 'reason':
          await acts.act(visit, taskId, { action: 'reject', attempt, reason: words, approvalId });
          return visit.say({ text: doneReply('reject', taskId) });
        case 'ask':
          await acts.act(visit, taskId, { action: 'ask', attempt, question: words });
          return visit.say({ text: doneReply('ask', taskId) });
        case 'feedback':
          await acts.act(visit, taskId, { action: 'rerun', attempt, feedback: words });
          return visit.say({ text: doneReply('rerun', taskId) });
      }
    },

    /** Words that answer a message of ours about a task which waits for an answer. */
    async answerToCard(visit: Visit, about: { readonly taskId: string; readonly attempt: number }, words: string): Promise<void> {
      const found = await reading.find(visit.person, about.taskId);
      await clarify(visit, { ...found, attempt: about.attempt }, words);
    },
  };
};
