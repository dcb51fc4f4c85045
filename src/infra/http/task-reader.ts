import type { Answered } from '../../commands/door.ts';
import { may } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';
import { foldTask, taskView } from '../../projections/tasks.ts';
import type { FoundTask } from '../views/task-queries.ts';
import type { Caller } from './authentication.ts';
import type { ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';

/** How long a query waits for the view to reach `min_position`, and a command for its own. */
const VIEW_WAIT_MS = 5_000;

/** Reads tasks for callers: only what they may read, as fresh as they ask for. */
export const createTaskReader = ({ views, people, clock }: Pick<ApiOptions, 'views' | 'people' | 'clock'>) => {
  /** The latest place this process has answered with. */
  let answered = '';

  /** Waits until the views have seen this place of the log. Throws `BadCall` when they do not come to it in time. */
  const fresh = async (position: string | null | undefined): Promise<void> => {
    if (position && !(await views.waitFor(position, VIEW_WAIT_MS))) {
      throw new BadCall(503, 'UNAVAILABLE', 'The view has not come to this position yet. Ask again in a moment.');
    }
  };

  const look = ({ person }: Caller, idOrPrefix: string): FoundTask | undefined => {
    const found = views.queries.findTaskByPrefix(idOrPrefix);
    if (found === 'ambiguous') throw new DomainError('ambiguous-task');
    // A task that may not be read is not there at all.
    return found !== 'none' && may(person, { right: 'read', repo: found.repo }) ? found : undefined;
  };

  /** By the id or the beginning of it. Throws `DomainError`. */
  const find = async (caller: Caller, idOrPrefix: string): Promise<FoundTask> => {
    const known = look(caller, idOrPrefix);
    if (known) return known;
    // Whoever was just told of a task finds it, however far behind the view is.
    await fresh(answered);
    const found = look(caller, idOrPrefix);
    if (!found) throw new DomainError('task-not-found');
    return found;
  };

  /** A task that was filed this moment, made of its own event: the answer need not wait for the view. */
  const filed = async (caller: Caller, { taskId, stream, events, position }: Answered): Promise<FoundTask> => {
    if (position !== null && position > answered) answered = position;
    const folded = position === null ? undefined : foldTask(stream, events, position);
    // It was filed before, so the view knows it, and may know more.
    if (!folded) {
      await fresh(position);
      return find(caller, taskId);
    }
    const { repo, requestedBy, status } = folded.task;
    return { taskId, repo, requestedBy, status, json: JSON.stringify(taskView(folded)) };
  };

  /** Waits until `holds` is true of the task, `ms` at most; resolves to the task as it is then. */
  const until = (
    caller: Caller,
    taskId: string,
    holds: (task: FoundTask) => boolean,
    ms: number,
    signal: AbortSignal,
  ): Promise<FoundTask> =>
    new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        stop();
        signal.removeEventListener('abort', settle);
        // The token may have been revoked meanwhile.
        const still = people.byToken(caller.person.personId, caller.tokenHash, clock.now());
        resolve(still.then((person) => find({ ...caller, person }, taskId)));
      };
      const check = (): void => {
        const task = views.queries.getTask(taskId);
        if (task && holds(task)) settle();
      };
      const stop = views.onChange((streams) => {
        if (streams.size === 0 || streams.has(`task-${taskId}`)) check();
      });
      const timer = setTimeout(settle, ms);
      signal.addEventListener('abort', settle);
      check();
    });

  return { fresh, find, filed, until };
};

export type TaskReader = ReturnType<typeof createTaskReader>;
