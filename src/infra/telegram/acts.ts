import { NewTask, type Preferences, TaskAction } from '../../commands/door.ts';
import type { Right } from '../../domain/decider.ts';
import { may } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { shortTask } from '../../projections/words.ts';
import type { Desk, Visit } from './desk.ts';
import { code, type Html, html } from './html.ts';
import type { Keyboard } from './keyboard.ts';
import { type Prompt, promptText } from './prompts.ts';
import type { Options } from './task-line.ts';

/** What the person is told when it is done. */
const DONE: Readonly<Record<TaskAction['action'], string>> = {
  approve: 'Approved',
  reject: 'Rejected',
  ask: 'Asked back',
  clarify: 'Clarified; it is prepared again',
  retry: 'It is looked at again',
  cancel: 'Cancelled',
  rerun: 'Another attempt is being prepared; it asks for an approval again',
};

export const doneWords = (action: TaskAction['action']): string => `${DONE[action]}.`;

export const doneReply = (action: TaskAction['action'], taskId: string): Html =>
  html`${DONE[action]}: task ${code(shortTask(taskId))}.`;

/** Throws `DomainError` unless the visitor has the right for the task's repository. */
export const demand = ({ person }: Visit, right: Right, { repo }: Pick<TaskView, 'repo'>): void => {
  if (!may(person, { right, repo })) throw new DomainError('forbidden');
};

/** What people do, as commands through the door; whatever it throws is told by whoever called. */
export const createActs = ({ door, cards, reading }: Pick<Desk, 'door' | 'cards' | 'reading'>) => {
  /** The last choices, as far as they go together with what was said: a base belongs to its repository. */
  const preferences = async ({ person, session }: Visit, said: Options): Promise<Preferences> => {
    const last = await reading.last(person, session.channel);
    if (!last) return {};
    const { repo, baseBranch: base, agent } = last;
    return said.repo === undefined || said.repo === repo ? { repo, base, agent } : { agent };
  };

  return {
    /** Files a request; its card follows when it is prepared. The update may come again: the task is filed once. */
    async file(visit: Visit, options: Options, text: string): Promise<void> {
      const { session, key, room, messageId } = visit;
      const wish = NewTask.parse({ ...options, intent: text });
      const { taskId, position } = await door.createTask(session, wish, key, await preferences(visit, options));
      const owner = room.kind === 'private' ? session.personId : null;
      await cards.want({ taskId, place: room.place, replyTo: messageId, owner });
      reading.noted(position);
    },

    /** Whether it changed anything: `false` when it was so already. */
    async act({ session, key }: Visit, taskId: string, wish: TaskAction): Promise<boolean> {
      const { events, position } = await door.act(session, taskId, TaskAction.parse(wish), key);
      reading.noted(position);
      return events.length > 0;
    },

    /** Asks for words; they come as a reply. With buttons no reply box opens by itself: Telegram takes one or the other. */
    prompt(visit: Visit, prompt: Prompt, isPressed: boolean, keyboard?: Keyboard): void {
      // A reply box opens for whoever is answered; a press is answered nowhere, so in a group its person is named.
      const { text, forceReply } = promptText(prompt, isPressed && visit.room.kind === 'group' ? visit.from : null);
      visit.say({ text, ...(keyboard ? { keyboard } : { forceReply }) });
    },
  };
};

export type Acts = ReturnType<typeof createActs>;
