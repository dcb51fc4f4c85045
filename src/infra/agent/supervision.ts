import type { Enclosed, Ending } from './enclosure.ts';

/** From the wish to end until everything is killed, in milliseconds: with the rest of a stop it stays under the service's 5 s. */
export const GRACE_MS = 2_000;
/** Longest a timer of Node counts, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Waits for a program, and ends it at its time limit or when `signal` is aborted: first the wish (the end of its standard input, which the
 * launcher turns into SIGTERM), then, after a grace, everything is killed. Rejects with the signal's reason; either way nothing is left.
 */
export const supervise = async (
  program: Enclosed,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ readonly ending: Ending; readonly timedOut: boolean }> => {
  let timedOut = false;
  let grace: NodeJS.Timeout | undefined;
  const end = (): void => {
    program.stdin.end();
    grace ??= setTimeout(program.kill, GRACE_MS);
  };
  const timer = setTimeout(
    () => {
      timedOut = true;
      end();
    },
    Math.min(timeoutMs, TIMER_MS_MAX),
  );
  program.stdin.on('error', () => {}); // It may end before it is asked to.
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  try {
    const ending = await program.ended;
    signal.throwIfAborted();
    return { ending, timedOut };
  } finally {
    clearTimeout(timer);
    clearTimeout(grace);
    signal.removeEventListener('abort', end);
  }
};
