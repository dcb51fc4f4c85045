import type { Answer } from '../support/client.ts';

/** A person gives a call up after so long, and makes it again with the same key. In milliseconds. */
export const PATIENCE_MS = 4_000;
export const GLANCE_MS = 60;

/** Makes a call again until its answer is final. `wait` rejects when whoever waits has left. */
export const insist = async (call: () => Promise<Answer>, wait: (ms: number) => Promise<void>): Promise<Answer> => {
  for (;;) {
    const called = call();
    called.catch(() => undefined); // It may end after it was given up.
    const answer = await Promise.race([called, wait(PATIENCE_MS).then(() => undefined)]).catch(() => undefined);
    if (answer && answer.status < 500 && answer.status !== 429) return answer;
    await wait(GLANCE_MS);
  }
};
