import type { Timer } from '../../src/infra/telegram/pace.ts';
import type { Telegram } from '../support/telegram/index.ts';

/** How often time jumps, in milliseconds. */
const TICK_MS = 1;

export interface FastTime extends Timer {
  /** Resolves when so much of this time has passed. */
  pass(ms: number): Promise<void>;
  stop(): void;
}

interface Waiting {
  readonly at: number;
  readonly work: () => void;
}

/** Time that jumps by so many milliseconds every millisecond or so, for us and for the server alike. */
export const fastTime = (tg: Pick<Telegram, 'advance'>, jumpMs = 100): FastTime => {
  const waiting = new Set<Waiting>();
  let skipped = 0;
  const now = (): number => performance.now() + skipped;
  const ticking = setInterval(() => {
    skipped += jumpMs;
    tg.advance(jumpMs);
    const due = [...waiting].filter(({ at }) => at <= now()).sort((a, b) => a.at - b.at);
    for (const one of due) if (waiting.delete(one)) one.work();
  }, TICK_MS);
  const after: Timer['after'] = (ms, work) => {
    const one = { at: now() + ms, work };
    waiting.add(one);
    return () => waiting.delete(one);
  };
  return {
    now,
    after,
    pass: (ms) => new Promise((resolve) => after(ms, resolve)),
    stop: () => clearInterval(ticking),
  };
};
