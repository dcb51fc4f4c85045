import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/domain/event-store.ts';
import { createAllowance } from '../../src/infra/telegram/allowance.ts';
import type { Intake } from '../../src/infra/telegram/intake.ts';
import { createPulse } from '../../src/infra/telegram/pulse.ts';
import { createUptake } from '../../src/infra/telegram/uptake.ts';

const update = (id: number, chat = 1, text = 'the words of a person') => ({
  update_id: id,
  message: { message_id: id, chat: { id: chat, type: 'private' }, from: { id: chat, is_bot: false, first_name: 'Ann' }, text },
});

const uptakeOf = (intake: Intake) => {
  const logged: unknown[] = [];
  const said = (...words: readonly unknown[]): void => void logged.push(words);
  const pulse = createPulse({ info: said, warn: said });
  return {
    pulse,
    logged,
    uptake: createUptake({ intake, pulse, log: { error: said, debug: () => {} }, pausesMs: { first: 1, longest: 2 } }),
  };
};

const never = new AbortController().signal;

describe('An update that meets a fault of ours', () => {
  it('is tried three times, then passed over, and the log and the health say so without its words', async () => {
    const tries: number[] = [];
    const { uptake, pulse, logged } = uptakeOf(async ({ updateId }) => {
      tries.push(updateId);
      if (updateId === 1) throw new TypeError('cannot read the words of a person');
    });
    await Promise.all([uptake.patiently(update(1), never), uptake.patiently(update(2), never), uptake.once(update(3, 2))]);
    expect(tries.toSorted()).toEqual([1, 1, 1, 2, 3]);
    expect(pulse.read().passedOver).toBe(1);
    expect(JSON.stringify(logged)).not.toContain('the words');
    expect(JSON.stringify(logged)).toContain('"update":1');
  });

  it('is none when it is none of Telegram’s', async () => {
    const { uptake, pulse } = uptakeOf(async () => {
      throw new Error('nothing comes here');
    });
    for (const junk of [undefined, null, 'x', 7, [], {}, { update_id: 'x' }, { update_id: 1, message: { text: 'x' } }])
      await uptake.once(junk);
    expect(pulse.read().passedOver).toBe(0);
  });
});

describe('An update that cannot be stored now', () => {
  it('is tried until it can, with those behind it in the same chat waiting, and those of others not', async () => {
    let away = true;
    const taken: number[] = [];
    const { uptake } = uptakeOf(async ({ updateId }) => {
      if (updateId === 1 && away) throw new StoreUnavailable('away');
      taken.push(updateId);
    });
    const all = [update(1), update(2), update(3, 9)].map((one) => uptake.patiently(one, never));
    await all[2];
    await pause(20);
    expect(taken).toEqual([3]);
    away = false;
    await Promise.all(all);
    expect(taken).toEqual([3, 1, 2]);
  });

  it('is left for later when the process stops, and refused at once where Telegram can be told', async () => {
    const { uptake } = uptakeOf(async () => {
      throw new StoreUnavailable('away');
    });
    const stopping = new AbortController();
    const waiting = uptake.patiently(update(1), stopping.signal);
    stopping.abort();
    await expect(waiting).rejects.toThrow();
    await expect(uptake.once(update(2))).rejects.toThrow(StoreUnavailable);
  });
});

describe('An allowance', () => {
  it('is so many times in a while, for each by itself, and comes back', () => {
    let now = 0;
    const may = createAllowance({ times: 2, perMs: 1_000 }, () => now);
    expect([may('a'), may('a'), may('a'), may('b')]).toEqual([true, true, false, true]);
    now = 999;
    expect(may('a')).toBe(false);
    now = 1_000;
    expect([may('a'), may('a'), may('a')]).toEqual([true, true, false]);
  });

  it('counts only so many at once', () => {
    const may = createAllowance({ times: 1, perMs: 1_000 }, () => 0);
    expect(may('first')).toBe(true);
    for (let number = 0; number < 10_000; number++) may(`other ${number}`);
    expect(may('first')).toBe(true);
  });
});
