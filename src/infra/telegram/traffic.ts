import type { Log } from '../log.ts';
import { type Verdict, verdictOf } from './api.ts';
import { type ChatQueue, createChatQueue, type End, type Entry, isBefore } from './chat-queue.ts';
import { createMeter, TELEGRAM_RATES, type Timer } from './pace.ts';
import { FORMS } from './wire.ts';

/** Between tries while Telegram is away: doubled from the first to the longest, in milliseconds. */
const AWAY_MS = { first: 1_000, longest: 30_000 } as const;
/** Most messages that wait for one chat; beyond it answers are refused, for whoever asks so much reads none of them. */
const WAITING_PER_CHAT_MAX = 1_000;
/** Chats whose pace is remembered although nothing waits for them. */
const CHATS_KEPT_MAX = 1_000;

/** The reason is not in the message: the same is tried again. */
const isAwayBy = ({ is }: Verdict): boolean => is === 'away' || is === 'off_duty' || is === 'token_refused' || is === 'taken';

/** What becomes of an entry that was not taken: its end, or what is tried next. */
const afterFailure = (entry: Entry, { is }: Verdict): End | Entry => {
  switch (is) {
    case 'blocked':
    case 'chat_gone':
      return { undeliverable: is };
    case 'unchanged':
      return { messageId: entry.replaces ?? 0, place: entry.place };
    case 'thread_gone':
      return entry.place.thread === null ? { undeliverable: 'chat_gone' } : { ...entry, place: { ...entry.place, thread: null } };
    case 'malformed':
    case 'refused': {
      const form = FORMS[FORMS.indexOf(entry.form) + 1];
      return form === undefined ? { undeliverable: 'refused' } : { ...entry, form };
    }
    case 'message_gone':
      return { undeliverable: 'refused' };
    default:
      return entry;
  }
};

export interface TrafficOptions {
  readonly timer: Timer;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Once for each group that became a supergroup, whoever found out. */
  readonly onMigrated: (from: string, to: string) => void;
}

/** Queues by chat, one call at a time in each; the most urgent of all goes out as soon as the limits let it. */
export const createTraffic = ({ timer, log, onMigrated }: TrafficOptions) => {
  const chats = new Map<string, ChatQueue>();
  /** Calls in a row that Telegram did not answer, by chat. */
  const failures = new Map<string, number>();
  const moved = new Map<string, string>();
  const overall = createMeter(TELEGRAM_RATES.overall);
  const underWay = new Set<Promise<void>>();
  let forget = (): void => {};
  let arrivals = 0;
  let stopped = false;
  let isAway = false;

  const current = (chat: string): string => moved.get(chat) ?? chat;
  const waiting = (): number => chats.values().reduce((sum, queue) => sum + queue.length(), underWay.size);

  const queueOf = (chat: string): ChatQueue => {
    const known = chats.get(chat);
    if (known) return known;
    if (chats.size > CHATS_KEPT_MAX) {
      for (const [id, queue] of chats) if (queue.isIdle(timer.now())) chats.delete(id);
    }
    const queue = createChatQueue(chat);
    chats.set(chat, queue);
    return queue;
  };

  const enqueue = (entry: Entry): void => {
    const chat = current(entry.place.chat);
    // Numbers of messages begin anew in a supergroup: there it would be another message.
    if (entry.replaces !== undefined && chat !== entry.place.chat) entry.settle({ undeliverable: 'refused' });
    else queueOf(chat).add({ ...entry, place: { ...entry.place, chat } });
  };

  const migrate = (from: string, to: string): void => {
    if (from === to || current(from) === to) return;
    for (const [earlier, chat] of moved) if (chat === from) moved.set(earlier, to);
    moved.set(from, to);
    moved.delete(to);
    const left = chats.get(from)?.drain() ?? [];
    chats.delete(from);
    for (const entry of left) enqueue(entry);
    log.info({ from, to }, 'a group became a supergroup: its messages go there');
    onMigrated(from, to);
    pump();
  };

  /** Said once when Telegram goes away, and once when it is back. */
  const heard = (verdict: Verdict | undefined): void => {
    const isNow = verdict !== undefined && isAwayBy(verdict);
    if (isNow === isAway) return;
    isAway = isNow;
    if (!isNow) log.info({ waiting: waiting() }, 'Telegram answers again');
    else if (verdict.is === 'token_refused') log.warn({}, 'Telegram refuses the token of the bot: messages wait');
    else if (verdict.is === 'off_duty') log.info({}, 'this process may not speak to Telegram any more: messages wait');
    else log.warn({}, 'Telegram does not answer: messages wait');
  };

  const slowDown = (queue: ChatQueue, verdict: Verdict): void => {
    if (verdict.is === 'too_fast') queue.pause(verdict.waitMs, timer.now());
    if (!isAwayBy(verdict)) {
      failures.delete(queue.chat);
      return;
    }
    const before = failures.get(queue.chat) ?? 0;
    failures.set(queue.chat, before + 1);
    queue.pause(Math.min(AWAY_MS.longest, AWAY_MS.first * 2 ** before), timer.now());
  };

  const failed = (entry: Entry, queue: ChatQueue, verdict: Verdict): void => {
    slowDown(queue, verdict);
    const next = givenUp(entry) ?? afterFailure(entry, verdict);
    if ('call' in next) enqueue(next);
    else entry.settle(next);
    if (verdict.is === 'migrated') migrate(queue.chat, verdict.to);
  };

  /** Why an entry is not tried any more, whatever Telegram says. */
  const givenUp = ({ signal }: Pick<Entry, 'signal'>): End | undefined => {
    if (stopped) return { undeliverable: 'stopped' };
    return signal?.aborted ? { undeliverable: 'withdrawn' } : undefined;
  };

  const withdraw = (): void => {
    for (const queue of chats.values()) {
      for (const entry of queue.withdrawn()) entry.settle({ undeliverable: 'withdrawn' });
    }
    pump();
  };

  const carryOut = async (entry: Entry, queue: ChatQueue): Promise<void> => {
    let verdict: Verdict | undefined;
    let messageId = 0;
    queue.begin();
    overall.begin();
    try {
      messageId = await entry.call(entry.place, entry.form);
    } catch (error) {
      verdict = verdictOf(error);
    }
    overall.end(timer.now());
    queue.end(timer.now());
    heard(verdict);
    if (verdict) {
      failed(entry, queue, verdict);
      return;
    }
    failures.delete(queue.chat);
    entry.settle({ messageId, place: entry.place });
  };

  /** The chat whose first is the most urgent of those that may go out now, and when the next of the others may. */
  const choose = (now: number): { readonly ready: ChatQueue | undefined; readonly nextMs: number } => {
    let best: { readonly queue: ChatQueue; readonly first: Entry } | undefined;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const queue of chats.values()) {
      const first = queue.first();
      if (!first) continue;
      const waitMs = Math.max(queue.waitMs(now), overall.waitMs(first.priority, now));
      if (waitMs > 0) nextMs = Math.min(nextMs, waitMs);
      else if (!best || isBefore(first, best.first)) best = { queue, first };
    }
    return { ready: best?.queue, nextMs };
  };

  const start = (queue: ChatQueue): void => {
    const entry = queue.take();
    if (!entry) return;
    const work = carryOut(entry, queue).finally(() => {
      underWay.delete(work);
      pump();
    });
    underWay.add(work);
  };

  const pump = (): void => {
    if (stopped) return;
    forget();
    for (;;) {
      const { ready, nextMs } = choose(timer.now());
      if (ready) start(ready);
      else {
        if (Number.isFinite(nextMs)) forget = timer.after(nextMs, pump);
        return;
      }
    }
  };

  return {
    submit: (wanted: Omit<Entry, 'order' | 'form'>): void => {
      const isFull = wanted.priority === 'answer' && queueOf(current(wanted.place.chat)).length() >= WAITING_PER_CHAT_MAX;
      const end = givenUp(wanted) ?? (isFull ? ({ undeliverable: 'refused' } as const) : undefined);
      if (end) {
        wanted.settle(end);
        return;
      }
      wanted.signal?.addEventListener('abort', withdraw, { once: true });
      enqueue({ ...wanted, order: arrivals++, form: 'full' });
      pump();
    },
    migrate,
    waiting,
    isAway: (): boolean => isAway,
    /** Resolves when what is under way has ended; the rest is settled as `stopped`. */
    stop: async (): Promise<void> => {
      stopped = true;
      forget();
      for (const queue of chats.values()) {
        for (const entry of queue.drain()) entry.settle({ undeliverable: 'stopped' });
      }
      await Promise.all(underWay);
    },
  };
};
