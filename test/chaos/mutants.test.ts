import { describe, it } from 'vitest';
import { playBatch } from './batch.ts';
import { POINTS } from './points.ts';
import { SETUPS } from './setups.ts';

/** How long a batch with a bug may take to come to rest: it never does. In milliseconds. */
const CALM_MS = 10_000;

/** Each bug with the failures that must bring it to light, wherever the machine is slow. */
const BUGS = [
  {
    mutant: 'no-reconcile',
    setup: 'one process on SQLite, Docker',
    // What was pushed is pushed again, in another second and so as another commit.
    at: ['forge.openDraft: SIGKILL before', 'append PullRequestOpened: SIGKILL before'],
    says: /holds \d+ commits for \d+ attempts|nobody asked for/,
  },
  {
    mutant: 'ignored-fence',
    setup: 'two processes on EventStoreDB, a group',
    // Another took the stage over while this one slept before recording what it came to.
    at: ['append ChangeCollected: SIGSTOP before', 'append TestsFinished: SIGSTOP before'],
    says: /of execution \d while|a second time|execution \d follows/,
  },
  {
    mutant: 'early-acknowledgement',
    setup: 'one process on SQLite, Docker',
    // Telegram does not send again what was acknowledged.
    at: ['append TaskCreated: SIGKILL before'],
    says: /became no task/,
  },
] as const;

describe.concurrent('A bug that is planted in the service', () => {
  it.for(BUGS)(
    'is found by the laboratory: $mutant',
    { timeout: 240_000 },
    async ({ mutant, setup: name, at, says }, { expect }) => {
      const setup = SETUPS.find((one) => one.name === name);
      const points = POINTS.filter((point) => at.some((one) => one === point.name));
      if (!setup || points.length !== at.length) throw new Error('there is no such setup, or no such point');

      const played = await playBatch({ seed: mutant, setup, points, mutant, calmMs: CALM_MS, isAimed: true });

      expect(played?.violations.join('\n')).toMatch(says);
    },
  );
});
