import type { Position } from '../../domain/event-store.ts';
import { may } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';
import type { FoundTask } from '../views/queries.ts';
import type { Caller } from './authentication.ts';
import type { ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';

/** How long a query waits for the view to reach `min_position`, and a command for its own. */
const VIEW_WAIT_MS = 5_000;

/** Reads tasks for callers: only what they may read, as fresh as they ask for. */
export const createTaskReader = ({ views }: Pick<ApiOptions, 'views'>) => {
  const fresh = async (position: string | null | undefined): Promise<void> => {
    // An opaque text of the caller's: at worst it waits for its own time limit.
    if (position && !(await views.waitFor(position as Position, VIEW_WAIT_MS))) {
      throw new BadCall(503, 'UNAVAILABLE', 'The view has not come to this position yet. Ask again in a moment.');
    }
  };

  const find = ({ person }: Caller, idOrPrefix: string): FoundTask => {
    const found = views.queries.findTaskByPrefix(idOrPrefix);
    if (found === 'ambiguous') throw new DomainError('ambiguous-task');
    // A task that may not be read is not there at all.
    if (found === 'none' || !may(person, { right: 'read', repo: found.repo })) throw new DomainError('task-not-found');
    return found;
  };

  /** Waits until `holds` is true of the task, `ms` at most; resolves to the task as it is then. */
  const until = (
    caller: Caller,
    taskId: string,
    holds: (task: FoundTask) => boolean,
    ms: number,
    signal: AbortSignal,
  ): Promise<FoundTask> =>
    new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        stop();
        signal.removeEventListener('abort', settle);
        try {
          resolve(find(caller, taskId));
        } catch (error) {
          reject(error);
        }
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

  return { fresh, find, until };
};

export type TaskReader = ReturnType<typeof createTaskReader>;
