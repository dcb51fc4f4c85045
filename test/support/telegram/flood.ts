/** A call that came faster than Telegram allows. */
export interface FloodViolation {
  readonly limit: 'overall' | 'chat' | 'group';
  readonly chatId: number;
  /** Milliseconds of the server's clock. */
  readonly at: number;
}

export interface Flood {
  /** From now on what comes too fast is refused with 429; it is recorded in any case. */
  enforce(enforced: boolean): void;
  readonly violations: readonly FloodViolation[];
}

const OVERALL_PER_SECOND_MAX = 30;
const GROUP_PER_MINUTE_MAX = 20;
const CHAT_BURST_MAX = 5;
const CHAT_REFILL_MS = 1000;
/** Calls that were spaced rightly may come a little closer to each other. */
const JITTER_MS = 50;

interface Bucket {
  level: number;
  at: number;
}

/** Counts what is sent and edited against 30/s in all, 1/s in a chat after a burst of five, and 20/min in a group. */
export const createFlood = (now: () => number): Flood & { count(chatId: number, isGroup: boolean): number | undefined } => {
  const violations: FloodViolation[] = [];
  const buckets = new Map<number, Bucket>();
  const groups = new Map<number, number[]>();
  let all: number[] = [];
  let enforced = false;

  const within = (times: readonly number[], at: number, windowMs: number): number[] =>
    times.filter((time) => time > at - windowMs + JITTER_MS);

  /** Seconds until the call may come again, and the limit that it broke. */
  const broken = (
    chatId: number,
    isGroup: boolean,
    at: number,
  ): { readonly limit: FloodViolation['limit']; readonly seconds: number } | undefined => {
    all = within(all, at, 1000);
    if (all.length >= OVERALL_PER_SECOND_MAX) return { limit: 'overall', seconds: 1 };
    const minute = within(groups.get(chatId) ?? [], at, 60_000);
    groups.set(chatId, minute);
    if (isGroup && minute.length >= GROUP_PER_MINUTE_MAX) {
      return { limit: 'group', seconds: Math.max(1, Math.ceil(((minute[0] ?? at) + 60_000 - at) / 1000)) };
    }
    const bucket = buckets.get(chatId) ?? { level: 0, at };
    bucket.level = Math.max(0, bucket.level - (at - bucket.at) / CHAT_REFILL_MS);
    bucket.at = at;
    buckets.set(chatId, bucket);
    return bucket.level > CHAT_BURST_MAX - 1 + JITTER_MS / CHAT_REFILL_MS ? { limit: 'chat', seconds: 1 } : undefined;
  };

  return {
    enforce: (to) => {
      enforced = to;
    },
    violations,
    count: (chatId, isGroup) => {
      const at = now();
      const violation = broken(chatId, isGroup, at);
      if (violation !== undefined) {
        violations.push({ limit: violation.limit, chatId, at });
        if (enforced) return violation.seconds;
      }
      all.push(at);
      groups.get(chatId)?.push(at);
      const bucket = buckets.get(chatId);
      if (bucket !== undefined) bucket.level++;
      return undefined;
    },
  };
};
