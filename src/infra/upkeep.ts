import type { RunnerLog } from '../commands/ports/log.ts';

/** Between two looks, in milliseconds. */
const LOOK_EVERY_MS = 10 * 60_000;

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
