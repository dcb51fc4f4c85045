import { describe, expect, it } from 'vitest';
import { runChaos } from './run.ts';

/** How long a batch with a bug may take to come to rest: it never does. In milliseconds. */
const CALM_MS = 12_000;

describe.concurrent('A bug that is planted in the service', () => {
  it.for([
    {
      mutant: 'no-reconcile',
      store: 'sqlite',
      only: 'forge.openDraft: SIGKILL',
      says: /holds \d+ commits for \d+ attempts|nobody asked for/,
    },
    {
      mutant: 'ignored-fence',
      store: 'double',
      only: ': SIGSTOP before',
      says: /of execution \d while|a second time|execution \d follows/,
    },
    { mutant: 'early-acknowledgement', store: 'sqlite', only: 'append TaskCreated: SIGKILL', says: /became no task|stuck/ },
  ] as const)('is found by the laboratory: $mutant', { timeout: 300_000 }, async ({ says, ...planted }) => {
    const played = await runChaos({
      ...planted,
      ...{ failures: 60, seed: 'mutants', parallel: 1, msMax: 200_000, calmMs: CALM_MS, untilViolation: true },
    });
    expect(played.flatMap(({ violations }) => violations).join('\n')).toMatch(says);
  });
});
