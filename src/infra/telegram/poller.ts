import { setTimeout as delay } from 'node:timers/promises';
import type { Api } from 'grammy';
import { type Verdict, verdictOf } from './api.ts';
import type { Pulse } from './pulse.ts';
import { ALLOWED_UPDATES } from './update.ts';

export interface PollerOptions {
  readonly api: Pick<Api, 'getUpdates' | 'deleteWebhook'>;
  /** Resolves when what the update says is stored or refused, or it was passed over. Rejects only when `signal` is aborted before that. */
  readonly take: (update: unknown, signal: AbortSignal) => Promise<void>;
  /** Asked when updates came: no means that another process may have taken them since. They are not acknowledged. */
  readonly mayTake?: (() => boolean) | undefined;
  readonly pulse: Pulse;
  readonly now: () => string;
  /** Between tries while Telegram gives nothing: doubled from the first to the longest, in milliseconds. */
  readonly pausesMs?: { readonly first: number; readonly longest: number };
}

/** How long Telegram holds a call when there is nothing. Within what proxies and home routers keep open. */
const WAIT_SECONDS = 30;
/** A call that takes this much longer is given up, in milliseconds. */
const GRACE_MS = 10_000;
const BATCH_MAX = 100;
const PAUSES_MS = { first: 1_000, longest: 60_000 };
/** The last call of a process that stops, in milliseconds. */
const FAREWELL_MS = 1_000;

type Signal = AbortSignal & NonNullable<Parameters<Api['getUpdates']>[1]>;

/** Why no updates come, and what to do. */
const SENTENCES: Partial<Readonly<Record<Verdict['is'], string>>> = {
  taken:
    'Another process takes the updates of this bot, or set a webhook for it. Stop it, or give this service a bot of its own.',
  token_refused: 'Telegram refuses TELEGRAM_BOT_TOKEN. Set it to the token that @BotFather shows.',
  too_fast: 'Telegram asks to be called less often; it is called again when it said.',
  off_duty: 'This process could not say in time that it lives; another may take updates by now.',
};
const AWAY = 'Telegram does not answer; it is asked again and again.';

/**
 * Asks for updates one batch after another. A batch is acknowledged, by asking for what follows it, only after each of its updates was taken;
 * what Telegram gives again after a crash is known by its number. Nothing that Telegram answers ends it.
 */
export const createPoller = ({ api, take, mayTake = () => true, pulse, now, pausesMs = PAUSES_MS }: PollerOptions) => {
  const stopping = new AbortController();
  const signal = stopping.signal as Signal; // grammY names a polyfill's type; Node's own signal is what it calls for.
  let offset = 0;
  let failures = 0;
  let isHeard = false;

  const pause = async (error: unknown): Promise<void> => {
    if (signal.aborted) return;
    const verdict = verdictOf(error);
    pulse.troubled(SENTENCES[verdict.is] ?? AWAY);
    const growing = Math.min(pausesMs.longest, pausesMs.first * 2 ** failures++);
    await delay(verdict.is === 'too_fast' ? verdict.waitMs : growing, undefined, { signal }).catch(() => undefined);
  };

  const ask = async (
    seconds: number,
    timeoutMs: number,
    until: AbortSignal,
  ): Promise<readonly { readonly update_id: number }[]> => {
    const limited = AbortSignal.any([until, AbortSignal.timeout(timeoutMs)]) as Signal;
    return api.getUpdates({ offset, timeout: seconds, limit: BATCH_MAX, allowed_updates: ALLOWED_UPDATES }, limited);
  };

  /** Taken all at once; those of one chat wait for each other. When it is cut off, only what was taken before the first that was not counts. */
  const takeAll = async (updates: readonly { readonly update_id: number }[]): Promise<void> => {
    if (!mayTake()) return;
    const taken = await Promise.allSettled(updates.map((update) => take(update, signal)));
    const cut = taken.findIndex(({ status }) => status === 'rejected');
    const last = updates[(cut === -1 ? updates.length : cut) - 1];
    if (last) offset = last.update_id + 1;
  };

  const untilDone = async (work: () => Promise<void>): Promise<void> => {
    for (;;) {
      if (signal.aborted) return;
      try {
        await work();
        failures = 0;
        return;
      } catch (error) {
        await pause(error);
      }
    }
  };

  const poll = async (): Promise<void> => {
    // One that was set before would keep every update from us; what waits behind it is kept.
    await untilDone(async () => void (await api.deleteWebhook({ drop_pending_updates: false }, signal)));
    while (!signal.aborted) {
      await untilDone(async () => {
        // The first after an outage comes back at once, so that it is known to be over.
        const seconds = isHeard ? WAIT_SECONDS : 0;
        isHeard = false;
        const updates = await ask(seconds, seconds * 1_000 + GRACE_MS, signal);
        isHeard = true;
        pulse.heard(now());
        await takeAll(updates);
      });
    }
  };

  let polling: Promise<void> | undefined;
  return {
    start(): void {
      polling ??= poll();
    },
    /** Ends the call that waits; what was taken is acknowledged, as far as Telegram answers at once. */
    async stop(): Promise<void> {
      stopping.abort();
      await polling;
      if (offset > 0) await ask(0, FAREWELL_MS, new AbortController().signal).catch(() => undefined);
    },
  };
};
