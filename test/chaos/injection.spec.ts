import { describe, expect, it } from 'vitest';
import { chanceOf } from './chance.ts';
import { inject } from './injection.ts';
import type { People } from './people.ts';
import type { Site } from './site.ts';
import type { Failed } from './staging/shapes.ts';

const ABSENT: Failed = { failed: 'sandboxes.create', sentence: 'The Docker engine does not answer.' };

/** Whoever listens for failures, and a site where the engine goes away. */
const withoutEngine = () => {
  const listeners = new Set<(failed: Failed) => void>();
  const onFailure = (heard: (failed: Failed) => void) => {
    listeners.add(heard);
    return () => listeners.delete(heard);
  };
  const gate = { close: async () => undefined, open: async () => undefined };
  const site = { services: [{ onFailure }, { onFailure }], gate } as unknown as Site; // All that this needs of one.
  const play = (patience: () => Promise<void>) =>
    inject(site, {} as People, { family: 'docker', fault: 'refused' }, chanceOf('engine'), patience); // Nobody is asked.
  return { listeners, play };
};

describe('An engine that is away', () => {
  it('was met once a service failed for it, and no service is listened to after that', async () => {
    const { listeners, play } = withoutEngine();
    const isMet = play(() => new Promise(() => undefined));
    await expect.poll(() => listeners.size, { interval: 1 }).toBe(2);
    for (const tell of listeners) tell(ABSENT);
    expect(await isMet).toBe(true);
    expect(listeners.size).toBe(0);
  });

  it('was not met when nobody failed for it in time, and no service is listened to after that', async () => {
    const { listeners, play } = withoutEngine();
    expect(await play(async () => undefined)).toBe(false);
    expect(listeners.size).toBe(0);
  });
});
