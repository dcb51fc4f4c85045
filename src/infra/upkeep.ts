import type { RunnerLog } from '../commands/ports/log.ts';
import type { TaskView } from '../projections/task-view.ts';
import type { ViewQueries } from './views/queries.ts';

/** Between two looks, in milliseconds. */
const LOOK_EVERY_MS = 10 * 60_000;
/** How long the tree of a task that failed stays at hand for a rerun, as long as git keeps what nothing refers to. In milliseconds. */
const KEPT_AFTER_END_MS = 14 * 86_400_000;

/** Whether a task, as its view shows it, ended so long before `now` (ISO 8601) that nobody takes it up again from where it was. */
export const isOverForGood = (found: ReturnType<ViewQueries['getTask']>, now: string): boolean => {
  if (found?.status !== 'FAILED' && found?.status !== 'COMPLETED') return false;
  const { lastChangeAt }: TaskView = JSON.parse(found.json); // Written by the projection.
  return Date.parse(lastChangeAt) < Date.parse(now) - KEPT_AFTER_END_MS;
};

/**
 * Looks for what should not be there any more, one piece of work after the other, until it is stopped; `stop` waits for a look that is under way.
 * What fails is logged and looked at the next time.
 */
export const startUpkeep = (works: readonly (() => Promise<void>)[], log: RunnerLog, everyMs = LOOK_EVERY_MS) => {
  let stopped = false;
  let last: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    for (const work of works) {
      if (stopped) return;
      await work().catch((err: unknown) => log.info({ err }, 'something that is left behind could not be cleared away yet'));
    }
  };
  const timer = setInterval(() => {
    last = last.then(look);
  }, everyMs).unref();
  return {
    stop: (): Promise<void> => {
      stopped = true;
      clearInterval(timer);
      return last;
    },
  };
};
