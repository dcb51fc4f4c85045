import { z } from 'zod';
import { flag, integer, json, type Method, method } from './parameters.ts';
import type { Poller } from './polling.ts';
import { badRequest, conflict, Refusal } from './refusal.ts';
import type { UpdateQueue } from './update-queue.ts';
import { connectionsOf, type Webhook } from './webhook.ts';
import type { World } from './world.ts';

const SECRET_TOKEN_CHARACTERS_MAX = 256;
const ANSWER_CHARACTERS_MAX = 200;

export interface PressAnswer {
  readonly text: string;
  /** A window that has to be closed, instead of a line that goes away. */
  readonly alert: boolean;
}

/** Buttons that were pressed and are not answered yet. */
export interface OpenPresses {
  open(id: string, answered: (answer: PressAnswer) => void): void;
  /** False for a press that was answered already, is too old, or never was. */
  answer(id: string, answer: PressAnswer): boolean;
}

export const createOpenPresses = (world: World, expiryMs: number): OpenPresses => {
  const open = new Map<string, { readonly until: number; answered(answer: PressAnswer): void }>();
  return {
    open: (id, answered) => {
      open.set(id, { until: world.now() + expiryMs, answered });
    },
    answer: (id, answer) => {
      const press = open.get(id);
      open.delete(id);
      if (press === undefined || world.now() > press.until) return false;
      press.answered(answer);
      return true;
    },
  };
};

/** A server of one's own takes plain HTTP, here only to this machine. */
const checkWebhookUrl = (given: string): void => {
  const url = URL.parse(given);
  if (url === null) throw badRequest('invalid webhook URL specified');
  const here = url.protocol === 'http:' && url.hostname === '127.0.0.1';
  if (url.protocol !== 'https:' && !here) throw badRequest('bad webhook: An HTTPS URL must be provided for webhook');
};

const kinds = json(z.array(z.string())).optional();

interface Inbox {
  readonly queue: UpdateQueue;
  readonly poller: Poller;
  readonly webhook: Webhook;
  readonly presses: OpenPresses;
}

/** The methods by which updates come, and the answer to a pressed button. */
export const receivingMethods = (world: World, { queue, poller, webhook, presses }: Inbox): Readonly<Record<string, Method>> => {
  let closed = false;
  const unset = (drop: boolean | undefined): true => {
    webhook.set(undefined);
    if (drop === true) queue.clear();
    return true;
  };

  return {
    getMe: method({}, () => ({
      ...world.bot,
      can_join_groups: true,
      can_read_all_group_messages: false,
      supports_inline_queries: false,
      can_connect_to_business: false,
      has_main_web_app: false,
    })),
    getUpdates: method(
      { offset: integer.optional(), limit: integer.optional(), timeout: integer.optional(), allowed_updates: kinds },
      ({ offset = 0, limit = 100, timeout = 0, allowed_updates: asked }, { signal }) => {
        if (webhook.isSet()) {
          throw conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first");
        }
        queue.allow(asked);
        return poller.poll({ offset, limit, timeoutSeconds: timeout, signal });
      },
    ),
    setWebhook: method(
      {
        url: z.string(),
        ip_address: z.string().optional(),
        max_connections: integer.optional(),
        allowed_updates: kinds,
        drop_pending_updates: flag.optional(),
        secret_token: z.string().optional(),
      },
      ({ url, max_connections: connections, allowed_updates: asked, drop_pending_updates: drop, secret_token: secret }) => {
        if (url === '') return unset(drop);
        checkWebhookUrl(url);
        if ((secret?.length ?? 0) > SECRET_TOKEN_CHARACTERS_MAX) throw badRequest('secret token is too long');
        if (secret !== undefined && !/^[\w-]*$/.test(secret)) throw badRequest('secret token contains unallowed characters');
        queue.allow(asked);
        if (drop === true) queue.clear();
        poller.interrupt();
        webhook.set({ url, secretToken: secret === '' ? undefined : secret, maxConnections: connectionsOf(connections) });
        return true;
      },
    ),
    deleteWebhook: method({ drop_pending_updates: flag.optional() }, ({ drop_pending_updates: drop }) => unset(drop)),
    getWebhookInfo: method({}, () => {
      const allowed = queue.allowed();
      return { ...webhook.info(), ...(allowed === undefined ? {} : { allowed_updates: allowed }) };
    }),
    answerCallbackQuery: method(
      {
        callback_query_id: z.string(),
        text: z.string().optional(),
        show_alert: flag.optional(),
        url: z.string().optional(),
        cache_time: integer.optional(),
      },
      ({ callback_query_id: id, text = '', show_alert: alert = false, url }) => {
        if ([...text].length > ANSWER_CHARACTERS_MAX) throw badRequest('MESSAGE_TOO_LONG');
        if (url !== undefined && url !== '') throw badRequest('URL_INVALID');
        if (!presses.answer(id, { text, alert })) {
          throw badRequest('query is too old and response timeout expired or query ID is invalid');
        }
        return true;
      },
    ),
    logOut: method({}, () => true),
    close: method({}, () => {
      // The real server lets a bot be closed once in ten minutes.
      if (closed) throw new Refusal(429, 'Too Many Requests: retry after 600', { retry_after: 600 });
      closed = true;
      return true;
    }),
  };
};
