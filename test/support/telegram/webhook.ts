import { request } from 'node:http';
import type { Update, WebhookInfo } from 'grammy/types';
import type { UpdateQueue } from './update-queue.ts';

export interface WebhookSettings {
  readonly url: string;
  readonly secretToken: string | undefined;
  readonly maxConnections: number;
}

export interface Webhook {
  set(settings: WebhookSettings | undefined): void;
  isSet(): boolean;
  info(): WebhookInfo;
  /** While the server is down nothing is delivered. */
  pause(paused: boolean): void;
  stop(): void;
}

interface WebhookOptions {
  /** Pause before the second try of an update; doubled with each failure, up to sixteen times as long. */
  readonly backoffMs: number;
  readonly timeoutMs: number;
  /** Unix seconds. */
  readonly now: () => number;
  /** A method that was asked for in the answer to an update. */
  readonly call: (method: string, parameters: Readonly<Record<string, unknown>>) => void;
}

const DEFAULT_CONNECTIONS = 40;
const DOUBLINGS_MAX = 4;

/** Posts one update and says with what status and body it was answered; rejects when it was not. */
const post = (
  { url, secretToken }: WebhookSettings,
  update: Update,
  timeoutMs: number,
): Promise<{ status: number; words: string; body: string }> =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify(update);
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(secretToken === undefined ? {} : { 'x-telegram-bot-api-secret-token': secretToken }),
    };
    const sent = request(url, { method: 'POST', headers, timeout: timeoutMs }, (response) => {
      response.toArray().then(
        (chunks: Buffer[]) =>
          resolve({
            status: response.statusCode ?? 0,
            words: response.statusMessage ?? '',
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        reject,
      );
    });
    sent.on('timeout', () => sent.destroy(new Error('Read timeout expired')));
    sent.on('error', reject);
    sent.end(body);
  });

/** Gives each update by POST until it is answered with 2xx: in order within a chat, several chats at once. */
export const createWebhook = (queue: UpdateQueue, { backoffMs, timeoutMs, now, call }: WebhookOptions): Webhook => {
  /** Chats whose first update is on its way, or waits to be sent again. */
  const busy = new Set<number>();
  let connections = 0;
  const failures = new Map<number, number>();
  const timers = new Set<NodeJS.Timeout>();
  let settings: WebhookSettings | undefined;
  let paused = false;
  let lastError: { readonly date: number; readonly message: string } | undefined;

  const answered = (body: string): void => {
    if (!body.startsWith('{')) return;
    const { method, ...parameters } = JSON.parse(body) as Record<string, unknown>; // The front refuses what is not a call.
    if (typeof method === 'string') call(method, parameters);
  };

  /** False when the update has to be sent again. */
  const delivered = async (current: WebhookSettings, update: Update): Promise<boolean> => {
    try {
      const { status, words, body } = await post(current, update, timeoutMs);
      if (status < 200 || status > 299) throw new Error(`Wrong response from the webhook: ${status} ${words}`);
      answered(body);
      return true;
    } catch (error) {
      const message = error instanceof Error ? error.message : '';
      lastError = { date: now(), message: message.includes('ECONNREFUSED') ? 'Connection refused' : message };
      return false;
    }
  };

  const free = (chatId: number): void => {
    busy.delete(chatId);
    pump();
  };

  const deliver = async (current: WebhookSettings, update: Update, chatId: number): Promise<void> => {
    connections++;
    const done = await delivered(current, update);
    connections--;
    if (done) {
      failures.delete(update.update_id);
      queue.confirm(update.update_id);
      free(chatId);
      return;
    }
    const failed = failures.get(update.update_id) ?? 0;
    failures.set(update.update_id, failed + 1);
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        free(chatId);
      },
      backoffMs * 2 ** Math.min(failed, DOUBLINGS_MAX),
    );
    timers.add(timer);
    pump();
  };

  const pump = (): void => {
    if (settings === undefined || paused) return;
    for (const { update, chatId } of queue.pending()) {
      if (connections >= settings.maxConnections) return;
      if (busy.has(chatId)) continue;
      busy.add(chatId);
      deliver(settings, update, chatId);
    }
  };

  queue.onPush(pump);

  return {
    set: (next) => {
      settings = next;
      lastError = undefined;
      pump();
    },
    isSet: () => settings !== undefined,
    info: () => ({
      url: settings?.url ?? '',
      has_custom_certificate: false,
      pending_update_count: queue.pending().length,
      ...(settings === undefined ? {} : { max_connections: settings.maxConnections, ip_address: '127.0.0.1' }),
      ...(lastError === undefined ? {} : { last_error_date: lastError.date, last_error_message: lastError.message }),
    }),
    pause: (to) => {
      paused = to;
      pump();
    },
    stop: () => {
      settings = undefined;
      for (const timer of timers) clearTimeout(timer);
    },
  };
};

export const connectionsOf = (asked: number | undefined): number =>
  asked === undefined || asked < 1 || asked > 100 ? DEFAULT_CONNECTIONS : asked;
