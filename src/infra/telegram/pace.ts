/** What goes first: an answer to what was just typed, then what a person must act on, then endings, then progress. */
export type Priority = 'answer' | 'act' | 'end' | 'progress';

export const PRIORITIES: readonly Priority[] = ['answer', 'act', 'end', 'progress'];

/** Time, so that a test can make it run faster. */
export interface Timer {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Calls back once. Returns how to forget it. */
  after(ms: number, work: () => void): () => void;
}

export const systemTimer: Timer = {
  now: () => performance.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

/** Messages within any `ms`: of each priority, how many there may be in all when one more of it goes out. */
export interface Rate {
  readonly ms: number;
  readonly shares: Readonly<Record<Priority, number>>;
}

/**
 * Telegram allows 30 messages a second in all, one a second in a chat (a few more at once are taken), and 20 a minute in a group; edits count.
 * Progress uses part of each only, so that what a person waits for finds room. Source: core.telegram.org/bots/faq, "My bot is hitting limits".
 */
export const TELEGRAM_RATES = {
  overall: { ms: 1_000, shares: { answer: 28, act: 26, end: 22, progress: 18 } },
  chat: { ms: 3_000, shares: { answer: 3, act: 3, end: 2, progress: 1 } },
  group: { ms: 60_000, shares: { answer: 20, act: 19, end: 15, progress: 11 } },
} as const satisfies Readonly<Record<string, Rate>>;

/** How often something went out lately. */
export interface Meter {
  /** Milliseconds until one more of this priority may go out; infinite while it depends on calls that are under way. */
  waitMs(priority: Priority, now: number): number;
  begin(): void;
  end(now: number): void;
  isIdle(now: number): boolean;
}

/**
 * Counts a call from its begin until `ms` after its end. Telegram saw it somewhere between, so no window on its side ever holds more than ours,
 * however long calls take.
 */
export const createMeter = ({ ms, shares }: Rate): Meter => {
  let underWay = 0;
  let ended: number[] = [];
  const forget = (now: number): void => {
    ended = ended.filter((at) => at + ms > now);
  };
  return {
    waitMs: (priority, now) => {
      forget(now);
      const room = shares[priority] - underWay;
      if (ended.length < room) return 0;
      const oldest = ended[ended.length - room];
      return oldest === undefined ? Number.POSITIVE_INFINITY : oldest + ms - now;
    },
    begin: () => {
      underWay++;
    },
    end: (now) => {
      underWay--;
      ended.push(now);
    },
    isIdle: (now) => {
      forget(now);
      return underWay === 0 && ended.length === 0;
    },
  };
};
