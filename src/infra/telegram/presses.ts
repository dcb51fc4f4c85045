import type { TaskAction } from '../../commands/door.ts';
import { DomainError } from '../../domain/refusals.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { shortTask } from '../../projections/words.ts';
import { type Acts, demand, doneWords } from './acts.ts';
import { type ButtonPress, dataOf, readData } from './buttons.ts';
import type { Desk, Visit, Words } from './desk.ts';
import { logWords, patchWords } from './evidence.ts';
import { code, html } from './html.ts';
import type { Keyboard } from './keyboard.ts';
import { filterOf, readWantedData, taskListPage } from './task-list.ts';

type GatePress = Extract<ButtonPress, { approvalId: string }>;
type AttemptPress = Extract<ButtonPress, { attempt: number }>;

/** What whoever pressed is told, for a moment; `alert`: until they close it. */
export interface PressReply {
  readonly text?: string;
  readonly alert?: boolean;
}

const alert = (text: string): PressReply => ({ text, alert: true });

/** Also says what a reply to the question is about. */
const noReason = ({ taskId, approvalId }: GatePress): Keyboard => [
  [{ text: 'Reject without a reason', data: dataOf({ verb: 'reject', taskId, approvalId }) }],
];

const UNKNOWN = alert('This button is not known any more. /tasks lists the tasks.');

/** What each button does. Refusals are thrown, and told by the caller. */
export const createPresses = (desk: Desk, acts: Acts) => {
  const { reading, artifacts, outbox, page, details } = desk;

  /** Says first who was faster, or what changed since the button was shown. */
  const decide = async (visit: Visit, { taskId, approvalId }: GatePress, wish: TaskAction): Promise<PressReply> => {
    try {
      if (await acts.act(visit, taskId, wish)) return { text: doneWords(wish.action) };
    } catch (error) {
      // A person who may not do this, or not even see it, learns nothing of what became of it.
      const isLate = error instanceof DomainError && error.refusal.status === 409;
      const since = isLate ? await reading.since(visit.person, taskId, approvalId) : undefined;
      if (since === undefined) throw error;
      return alert(since);
    }
    return alert((await reading.since(visit.person, taskId, approvalId)) ?? 'It was so already.');
  };

  const gate = async (visit: Visit, press: GatePress): Promise<PressReply> => {
    const { verb, taskId, approvalId } = press;
    if (verb === 'approve') return decide(visit, press, { action: 'approve', approvalId });
    if (verb === 'reject') return decide(visit, press, { action: 'reject', approvalId });
    const task = await reading.find(visit.person, taskId);
    if (verb !== 'details') demand(visit, 'approve', task);
    const since = await reading.since(visit.person, taskId, approvalId);
    if (since !== undefined) return alert(since);
    if (verb === 'details') visit.say({ text: details(task) });
    else acts.prompt(visit, { verb, task: taskId, attempt: task.attempt }, true, verb === 'reason' ? noReason(press) : undefined);
    return {};
  };

  const simple = async (visit: Visit, { taskId, attempt }: AttemptPress, action: 'retry' | 'rerun' | 'cancel') => {
    const isNew = await acts.act(visit, taskId, { action, attempt });
    return { text: isNew ? doneWords(action) : 'It was so already.' };
  };

  /** What runs may have cost much, so a slip of the finger does not stop it. */
  const cancel = async (visit: Visit, press: AttemptPress, task: TaskView): Promise<PressReply> => {
    if (task.status !== 'RUNNING' || task.attempt !== press.attempt) return simple(visit, press, 'cancel');
    demand(visit, task.triggerUser === visit.person.personId ? 'request' : 'approve', task);
    visit.say({
      text: html`Stop task ${code(shortTask(task.taskId))}? What the agent did so far is lost.`,
      keyboard: [[{ text: 'Yes, stop it', data: dataOf({ ...press, verb: 'stop' }) }]],
    });
    return {};
  };

  const attempt = async (visit: Visit, press: AttemptPress): Promise<PressReply> => {
    const task = await reading.find(visit.person, press.taskId);
    const say = (words: readonly Words[]): PressReply => {
      for (const each of words) visit.say(each);
      return {};
    };
    switch (press.verb) {
      case 'retry':
      case 'rerun':
        return simple(visit, press, press.verb);
      case 'stop':
        return simple(visit, press, 'cancel');
      case 'cancel':
        return cancel(visit, press, task);
      case 'feedback':
      case 'clarify':
        demand(visit, 'request', task);
        if (task.attempt !== press.attempt) throw new DomainError('another-attempt');
        acts.prompt(visit, { verb: press.verb, task: press.taskId, attempt: press.attempt }, true);
        return {};
      case 'diff':
        return say(await patchWords(artifacts, task));
      case 'logs':
        return say(await logWords(artifacts, task, null));
      case 'show':
        return say(await page(task));
    }
  };

  return async (visit: Visit, data: string): Promise<PressReply> => {
    const wanted = readWantedData(data);
    if (wanted) {
      const listed = await reading.list(visit.person, filterOf(wanted, visit.person.personId));
      const { place } = visit.room;
      void outbox.edit({ place, messageId: visit.messageId, priority: 'answer', ...taskListPage(wanted, listed, reading.named) });
      return {};
    }
    const press = readData(data);
    if (!press) return UNKNOWN;
    return 'approvalId' in press ? gate(visit, press) : attempt(visit, press);
  };
};
