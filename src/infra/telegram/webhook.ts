import { hash, timingSafeEqual } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Api } from 'grammy';
import { verdictOf } from './api.ts';
import type { Pulse } from './pulse.ts';
import { ALLOWED_UPDATES } from './update.ts';

export interface WebhookOptions {
  readonly api: Pick<Api, 'setWebhook'>;
  /** Public address of this service. */
  readonly baseUrl: string;
  readonly secret: string;
  readonly pulse: Pulse;
  readonly now: () => string;
  readonly pausesMs?: { readonly first: number; readonly longest: number };
}

const PAUSES_MS = { first: 1_000, longest: 60_000 };
/** As many calls at once as Telegram makes to an ordinary bot. */
const CONNECTIONS_MAX = 40;

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/** Tells Telegram where to send updates, again and again until it has understood. */
export const createWebhook = ({ api, baseUrl, secret, pulse, now, pausesMs = PAUSES_MS }: WebhookOptions) => {
  const stopping = new AbortController();
  const { signal } = stopping;
  const expected = digest(secret);
  const url = `${baseUrl.replace(/\/+$/, '')}/webhook/telegram`;

  const set = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await api.setWebhook(url, {
          secret_token: secret,
          allowed_updates: ALLOWED_UPDATES,
          max_connections: CONNECTIONS_MAX,
          drop_pending_updates: false,
        });
        pulse.heard(now());
        return;
      } catch (error) {
        const verdict = verdictOf(error);
        const isRefused = verdict.is === 'refused' || verdict.is === 'malformed';
        pulse.troubled(
          verdict.is === 'token_refused'
            ? 'Telegram refuses TELEGRAM_BOT_TOKEN. Set it to the token that @BotFather shows.'
            : isRefused
              ? 'Telegram does not take BASE_URL for a webhook. It must be an https address that is reached from the internet.'
              : 'Telegram does not answer; the webhook is not set yet.',
        );
        const pause = verdict.is === 'too_fast' ? verdict.waitMs : Math.min(pausesMs.longest, pausesMs.first * 2 ** failures);
        await delay(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  };

  let setting: Promise<void> | undefined;
  return {
    start(): void {
      setting ??= set();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await setting;
    },
    /** Digests have one length, so nothing can be read off how long it takes. */
    isSecret: (given: string): boolean => timingSafeEqual(digest(given), expected),
  };
};
