import { createMeter, type Meter, PRIORITIES, type Priority, TELEGRAM_RATES } from './pace.ts';
import { isPrivateChat, type Place } from './place.ts';
import type { Form } from './wire.ts';

/** How a message or an edit ended: taken, or never. */
export type End =
  | { readonly messageId: number; readonly place: Place }
  | { readonly undeliverable: 'blocked' | 'chat_gone' | 'refused' | 'withdrawn' | 'stopped' };

/** A message or an edit on its way. */
export interface Entry {
  readonly place: Place;
  readonly priority: Priority;
  /** Rises with each that arrives. */
  readonly order: number;
  readonly form: Form;
  /** Id of the message an edit is about. */
  readonly replaces?: number;
  /** Aborted: whoever sent it does not want it any more. */
  readonly signal?: AbortSignal | undefined;
  /** The id of the message; throws what `verdictOf` judges. */
  readonly call: (place: Place, form: Form) => Promise<number>;
  readonly settle: (end: End) => void;
}

/** Whether the one goes out before the other: by priority, then by arrival. */
export const isBefore = (one: Entry, other: Entry): boolean => {
  const urgency = PRIORITIES.indexOf(one.priority) - PRIORITIES.indexOf(other.priority);
  return urgency < 0 || (urgency === 0 && one.order < other.order);
};

/** The newer edit in the older one's turn; both end together. */
const merged = (older: Entry, newer: Entry): Entry => ({
  ...newer,
  order: older.order,
  priority: PRIORITIES.find((priority) => priority === older.priority || priority === newer.priority) ?? newer.priority,
  settle: (end) => {
    older.settle(end);
    newer.settle(end);
  },
});

/** What waits for one chat, the most urgent first, and how fast it may go out. */
export interface ChatQueue {
  readonly chat: string;
  add(entry: Entry): void;
  first(): Entry | undefined;
  take(): Entry | undefined;
  drain(): readonly Entry[];
  /** Takes those out that are not wanted any more. */
  withdrawn(): readonly Entry[];
  length(): number;
  /** Nothing more for this many milliseconds from `now`. */
  pause(ms: number, now: number): void;
  /** Milliseconds until its first may go out; infinite while a call is under way. */
  waitMs(now: number): number;
  begin(): void;
  end(now: number): void;
  isIdle(now: number): boolean;
}

export const createChatQueue = (chat: string): ChatQueue => {
  const meters: readonly Meter[] = [
    createMeter(TELEGRAM_RATES.chat),
    ...(isPrivateChat({ chat }) ? [] : [createMeter(TELEGRAM_RATES.group)]),
  ];
  const entries: Entry[] = [];
  let isBusy = false;
  let notBefore = 0;

  const insert = (entry: Entry): void => {
    const at = entries.findIndex((other) => isBefore(entry, other));
    entries.splice(at < 0 ? entries.length : at, 0, entry);
  };

  return {
    chat,
    add: (entry) => {
      const same = entries.findIndex(({ replaces }) => replaces !== undefined && replaces === entry.replaces);
      const [other] = same < 0 ? [] : entries.splice(same, 1);
      if (!other) insert(entry);
      // One that was tried and comes back may find a newer one here.
      else insert(other.order < entry.order ? merged(other, entry) : merged(entry, other));
    },
    first: () => entries[0],
    take: () => entries.shift(),
    drain: () => entries.splice(0),
    withdrawn: () => {
      const out = entries.filter(({ signal }) => signal?.aborted);
      for (const entry of out) entries.splice(entries.indexOf(entry), 1);
      return out;
    },
    length: () => entries.length,
    pause: (ms, now) => {
      notBefore = Math.max(notBefore, now + ms);
    },
    waitMs: (now) => {
      const [first] = entries;
      if (!first || isBusy) return Number.POSITIVE_INFINITY;
      return Math.max(0, notBefore - now, ...meters.map((meter) => meter.waitMs(first.priority, now)));
    },
    begin: () => {
      isBusy = true;
      for (const meter of meters) meter.begin();
    },
    end: (now) => {
      isBusy = false;
      for (const meter of meters) meter.end(now);
    },
    isIdle: (now) => !isBusy && entries.length === 0 && notBefore <= now && meters.every((meter) => meter.isIdle(now)),
  };
};
