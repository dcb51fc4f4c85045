import type { ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';

const TOO_MANY_COMMANDS = 'Too many commands wait to be stored. Send the same again in a while.';
/** Commands of callers that may wait for the log at once. A log that keeps up has a handful; one that does not answer holds each for seconds. */
const COMMANDS_WAITING_MAX = 256;

type Work = (...args: never[]) => Promise<unknown>;

/**
 * Lets work through while little enough of it waits, and refuses the rest before anything is read for it, so that what waits stays bounded however
 * much is asked. One bound for all that is given to the same `underPressure`. Throws `BadCall` 429.
 */
export const underPressure = (max: number, sentence: string) => {
  let waiting = 0;
  return <W extends Work>(work: W): W => {
    const bounded = async (...args: Parameters<W>): Promise<unknown> => {
      if (waiting >= max) throw new BadCall(429, 'RATE_LIMITED', sentence);
      waiting++;
      try {
        return await work(...args);
      } finally {
        waiting--;
      }
    };
    return bounded as W; // It takes and gives what the work does.
  };
};

/** What callers ask of the log, held to one bound. The runner and chats have bounds of their own. */
export const bounded = (options: ApiOptions): ApiOptions => {
  const { door, dispatch, people } = options;
  const under = underPressure(COMMANDS_WAITING_MAX, TOO_MANY_COMMANDS);
  return {
    ...options,
    dispatch: under(dispatch),
    door: { ...door, createTask: under(door.createTask), act: under(door.act) },
    people: { ...people, byToken: under(people.byToken) },
  };
};
