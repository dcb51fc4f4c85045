import type { Happened } from '../../domain/event.ts';
import type { EventStore } from '../../domain/event-store.ts';
import { taskStream } from '../../domain/ids.ts';
import { may, nameOf, type Person } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';
import type { TaskEvent } from '../../domain/task/events.ts';
import { taskKind } from '../../domain/task/index.ts';
import { happened, UnreadableEvent } from '../../domain/upcasters.ts';
import type { TaskSummary, TaskView } from '../../projections/task-view.ts';
import type { TaskFilter } from '../views/task-queries.ts';
import type { Views } from '../views/views.ts';
import { sinceAsked, type TaskHappened } from './old-button.ts';

export interface ReadingOptions {
  readonly views: Pick<Views, 'queries' | 'waitFor'>;
  readonly store: Pick<EventStore, 'readStream'>;
}

export interface ListedTasks {
  readonly tasks: readonly TaskSummary[];
  readonly next: string | null;
}

/** How long an answer waits for the view to come to what was stored before it, in milliseconds. */
const VIEW_WAIT_MS = 5_000;

/** Tasks as people in a chat may see them: only what they may read, and as fresh as what they were told last. */
export const createReading = ({ views, store }: ReadingOptions) => {
  /** The latest place of the log that anybody here was answered with. */
  let answered = '';

  const look = (person: Person, typed: string): TaskView | undefined => {
    const found = views.queries.findTaskByPrefix(typed);
    if (found === 'ambiguous') throw new DomainError('ambiguous-task');
    // A task that may not be read is not there at all.
    if (found === 'none' || !may(person, { right: 'read', repo: found.repo })) return undefined;
    return JSON.parse(found.json); // Written by the projection.
  };

  const fresh = (): Promise<boolean> => views.waitFor(answered, VIEW_WAIT_MS);

  const named = (personId: string): string => {
    if (personId.startsWith('system:')) return 'The service';
    const person = views.queries.getPerson(personId);
    return person ? nameOf(person) : 'Somebody';
  };

  return {
    named,
    /** What is read from now on is at least as new as this. */
    noted(position: string | null): void {
      if (position !== null && position > answered) answered = position;
    },

    /** By the id or the beginning of it. Throws `DomainError`. */
    async find(person: Person, typed: string): Promise<TaskView> {
      await fresh();
      const found = look(person, typed);
      if (!found) throw new DomainError('task-not-found');
      return found;
    },

    /** Newest first. Throws `InvalidCursor`. */
    async list(person: Person, filter: Omit<TaskFilter, 'repositories'>): Promise<ListedTasks> {
      await fresh();
      const repositories = person.grants.map((grant) => grant.repositories);
      const { tasks, next } = views.queries.listTasks({ ...filter, repositories });
      return { tasks: tasks.map((json) => JSON.parse(json)), next }; // Written by the projection.
    },

    /** What the person asked for last on this channel. */
    async last(person: Person, channel: string): Promise<TaskSummary | undefined> {
      await fresh();
      const json = views.queries.lastFiled(person.personId, channel);
      return json === undefined ? undefined : JSON.parse(json); // Written by the projection.
    },

    /** What a message of ours was about; `undefined` for one that is about no task. */
    cardOf: (chat: string, messageId: number) => views.queries.cards.byMessage(chat, messageId),

    /** What became of the question a button was about; `undefined` when it is still asked. Read from the stream itself. */
    async since(person: Person, taskId: string, approvalId: string): Promise<string | undefined> {
      const events: TaskHappened[] = [];
      for await (const event of store.readStream(taskStream(taskId))) {
        try {
          events.push(happened(taskKind, event) as TaskEvent & Happened); // Parsed by the schema of its type.
        } catch (error) {
          // Its task is parked, and says so.
          if (!(error instanceof UnreadableEvent)) throw error;
        }
      }
      return sinceAsked(events, approvalId, (actor) => (actor === person.personId ? 'You' : named(actor)));
    },
  };
};

export type Reading = ReturnType<typeof createReading>;
