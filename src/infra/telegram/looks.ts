import { StoreUnavailable } from '../../domain/event-store.ts';
import type { Log } from '../log.ts';
import type { Look, Messenger } from './messenger.ts';
import type { Timer } from './pace.ts';

/** Before a card is looked at again when the log was away, in milliseconds. */
const AWAY_MS = 1_000;

interface Going {
  look: Look;
  /** Something changed since the look under way began. */
  isDue: boolean;
  isBusy: boolean;
  /** Forgets the look that is planned; `undefined`: none is. */
  forget: (() => void) | undefined;
}

const NOTHING: Look = { again: false, repost: false };

export interface LooksOptions {
  readonly messenger: Messenger;
  readonly timer: Timer;
  readonly log: Pick<Log, 'error'>;
}

/** Looks at cards, one look at a time for each: whatever changes while it lasts is seen by the next. */
export const createLooks = ({ messenger, timer, log }: LooksOptions) => {
  const going = new Map<string, Going>();
  const work = new Set<Promise<void>>();
  let stopped = false;

  const look = (cardId: string, more: Partial<Look> = {}): void => {
    if (stopped) return;
    const known = going.get(cardId) ?? { look: NOTHING, isDue: false, isBusy: false, forget: undefined };
    going.set(cardId, known);
    known.look = { again: known.look.again || more.again === true, repost: known.look.repost || more.repost === true };
    known.isDue = true;
    known.forget?.();
    known.forget = undefined;
    if (known.isBusy) {
      messenger.recheck(cardId);
      return;
    }
    const tracked = lookOn(cardId, known).finally(() => work.delete(tracked));
    work.add(tracked);
  };

  const once = async (cardId: string, one: Going): Promise<void> => {
    const now = one.look;
    one.isDue = false;
    one.look = NOTHING;
    try {
      const next = await messenger.bring(cardId, now, () => look(cardId, { repost: true }));
      if (next === 'again') one.isDue = true;
      else if (next !== 'rest') one.forget = timer.after(next.inMs, () => look(cardId));
    } catch (error) {
      if (error instanceof StoreUnavailable) one.forget = timer.after(AWAY_MS, () => look(cardId, now));
      else if (!stopped) log.error({ err: error }, 'a card could not be brought up to date');
    }
  };

  const lookOn = async (cardId: string, one: Going): Promise<void> => {
    one.isBusy = true;
    while (one.isDue && !stopped) await once(cardId, one);
    one.isBusy = false;
    if (!one.forget) going.delete(cardId);
  };

  return {
    look,
    isStopped: (): boolean => stopped,
    /** Resolves when the looks under way have ended. */
    stop: async (): Promise<void> => {
      stopped = true;
      for (const { forget } of going.values()) forget?.();
      await Promise.allSettled(work);
    },
  };
};
