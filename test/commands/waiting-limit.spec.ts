import { describe, expect, it } from 'vitest';
import { createWaitingLimit } from '../../src/commands/waiting-limit.ts';

const never = (): boolean => false;

/** A limit over a store that counts how often it is counted. */
const limited = (max: number, stored = 0) => {
  const store = { filed: stored, counted: 0 };
  const file = createWaitingLimit({
    max,
    count: async () => {
      store.counted++;
      return store.filed;
    },
  });
  return { store, file: (isKnown = never) => file('anna', isKnown, async () => ++store.filed) };
};

describe('The limit of requests that wait', () => {
  it('lets so many be filed and no more', async () => {
    const { store, file } = limited(3);
    await Promise.allSettled(Array.from({ length: 10 }, () => file()));
    expect(store.filed).toBe(3);
    await expect(file()).rejects.toMatchObject({ code: 'too-many-waiting' });
  });

  it('counts once for all that fit', async () => {
    const { store, file } = limited(1_000);
    for (let filed = 0; filed < 900; filed++) await file();
    expect(store.counted).toBe(1);
  });

  it('counts again at the limit, and lets in for what no longer waits', async () => {
    const { store, file } = limited(3, 3);
    await expect(file()).rejects.toMatchObject({ code: 'too-many-waiting' });
    store.filed = 2;
    await file();
    await expect(file()).rejects.toMatchObject({ code: 'too-many-waiting' });
  });

  it('lets what was filed already be sent again', async () => {
    const { file } = limited(3, 3);
    await expect(file(() => true)).resolves.toBe(4);
  });

  it('does not count what could not be filed for ever', async () => {
    const file = createWaitingLimit({ max: 2, count: async () => 0 });
    const refused = () => file('anna', never, () => Promise.reject(new Error('no')));
    for (let sent = 0; sent < 10; sent++) await expect(refused()).rejects.toThrow('no');
    await expect(file('anna', never, async () => 'filed')).resolves.toBe('filed');
  });

  it('is of one person', async () => {
    const file = createWaitingLimit({ max: 1, count: async (person) => (person === 'anna' ? 1 : 0) });
    await expect(file('anna', never, async () => 'filed')).rejects.toMatchObject({ code: 'too-many-waiting' });
    await expect(file('bert', never, async () => 'filed')).resolves.toBe('filed');
  });
});
