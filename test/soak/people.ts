import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Chance } from '../chaos/chance.ts';
import { type Channel, inTelegram, overHttp } from './channels.ts';
import type { Filing, Story } from './plan.ts';
import type { Premises } from './premises.ts';
import { type Deed, deedOf, type Sight } from './stories.ts';

const GLANCE_MS = 1_000;
/** What had no effect that a person can see is done again after so long, in milliseconds. */
const AGAIN_MS = 3_000;
/** Minutes of the day that somebody takes to decide. */
const DECIDES_MINUTES = [1, 20] as const;

/** Somebody asked for something. */
export interface Wish {
  readonly words: string;
  readonly story: Story;
  readonly channel: Filing['channel'];
  isOver(): boolean;
  /** Attempts that the person asked for after the first. */
  reruns(): number;
}

export interface People {
  file(filing: Filing): void;
  readonly wishes: readonly Wish[];
  /** Nobody waits for anything any more. */
  leave(): Promise<void>;
}

/** People of all kinds, who go on about what they asked for until it is what they wanted. */
export const gatherPeople = (premises: Premises, chance: Chance, msOf: (minutes: number) => number): People => {
  const { services, telegram, writers, tokens } = premises;
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const wishes: Wish[] = [];
  const going: Promise<void>[] = [];
  const wait = (ms: number): Promise<void> => pause(ms, undefined, { signal: leaving.signal });

  /** Sees and acts until the person cares no more. */
  const follow = async (channel: Channel, story: Story, own: Chance, told: (deed: Deed) => void): Promise<void> => {
    const done: Deed[] = [];
    let last: { readonly sight: Sight; readonly at: number } | undefined;
    for (;;) {
      await wait(GLANCE_MS);
      const sight = await channel.see();
      const deed = deedOf(story, sight, done);
      if (deed === 'over') return;
      const isNews = last?.sight !== sight;
      if (deed === undefined || (!isNews && performance.now() - (last?.at ?? 0) < AGAIN_MS)) continue;
      if (isNews && deed !== 'cancel') await wait(msOf(own.between(...DECIDES_MINUTES)));
      // It may look otherwise by now.
      if ((await channel.see()) !== sight) continue;
      await channel.act(deed);
      last = { sight, at: performance.now() };
      if (!isNews) continue;
      done.push(deed);
      told(deed);
    }
  };

  return {
    file: ({ story, channel }) => {
      const own = chance.of(wishes.length);
      const words = `wish-${wishes.length + 1}-${randomUUID().slice(0, 8)}`;
      const intent = `${story} (${words}): make the sum a sum, please.`;
      const writer = writers[own.below(writers.length)];
      let [isOver, reruns] = [false, 0];
      const go = async (): Promise<void> => {
        const filed =
          channel === 'telegram' && writer
            ? inTelegram(telegram, writer, intent, words)
            : await overHttp(services[0], own.pick(tokens), intent, leaving.signal);
        await follow(filed, story, own, (deed) => {
          reruns += deed === 'rerun' ? 1 : 0;
        });
        isOver = true;
      };
      wishes.push({ words, story, channel, isOver: () => isOver, reruns: () => reruns });
      going.push(
        go().catch((error: unknown) => {
          if (!leaving.signal.aborted) throw error; // Whoever leaves sees nothing more.
        }),
      );
    },
    wishes,
    leave: async () => {
      leaving.abort();
      await Promise.all(going);
    },
  };
};
