import type { Update } from 'grammy/types';
import { badRequest } from './refusal.ts';

export type UpdateKind = Exclude<keyof Update, 'update_id'>;

/** What the Bot API can send; the last three only to a bot that asks for them by name. */
const KINDS = [
  'message',
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'inline_query',
  'chosen_inline_result',
  'callback_query',
  'shipping_query',
  'pre_checkout_query',
  'poll',
  'poll_answer',
  'my_chat_member',
  'chat_join_request',
  'chat_boost',
  'removed_chat_boost',
  'chat_member',
  'message_reaction',
  'message_reaction_count',
] as const;
const DEFAULT_KINDS: ReadonlySet<string> = new Set(KINDS.slice(0, -3));

/** Telegram gives the updates of one chat one after another; `chatId` says which. */
export interface QueuedUpdate {
  readonly update: Update;
  readonly chatId: number;
  /** Given once more although it was confirmed. */
  again: boolean;
}

export interface UpdateQueue {
  /** Queues an update and says its id; `undefined` for a kind that the bot did not ask for. */
  push(chatId: number, update: Omit<Update, 'update_id'>): number | undefined;
  /** Oldest first. */
  pending(): readonly QueuedUpdate[];
  confirm(updateId: number): void;
  /** `undefined` leaves what was asked for before, an empty list asks for the usual. Throws `Refusal` for a kind that there is not. */
  allow(kinds: readonly string[] | undefined): void;
  allowed(): readonly string[] | undefined;
  redeliver(updateId: number): void;
  clear(): void;
  onPush(listener: () => void): void;
}

const FIRST_UPDATE_ID = 700_000_001;

export const createUpdateQueue = (): UpdateQueue => {
  let queue: QueuedUpdate[] = [];
  const all = new Map<number, QueuedUpdate>();
  const listeners: (() => void)[] = [];
  let kinds: readonly string[] | undefined;
  let nextId = FIRST_UPDATE_ID;

  const pushed = (): void => {
    for (const listener of listeners) listener();
  };

  return {
    push: (chatId, content) => {
      const kind = Object.keys(content)[0] ?? '';
      if (!(kinds === undefined ? DEFAULT_KINDS.has(kind) : kinds.includes(kind))) return undefined;
      const queued = { update: structuredClone({ update_id: nextId++, ...content }), chatId, again: false };
      queue.push(queued);
      all.set(queued.update.update_id, queued);
      pushed();
      return queued.update.update_id;
    },
    pending: () => queue,
    confirm: (updateId) => {
      queue = queue.filter(({ update }) => update.update_id !== updateId);
    },
    allow: (asked) => {
      if (asked === undefined) return;
      const unknown = asked.find((kind) => !KINDS.some((known) => known === kind));
      if (unknown !== undefined) throw badRequest(`there is no update "${unknown}"`);
      kinds = asked.length === 0 ? undefined : asked;
    },
    allowed: () => kinds,
    redeliver: (updateId) => {
      const update = all.get(updateId);
      if (update === undefined) throw new Error(`there was no update ${updateId}`);
      queue = [{ ...update, again: true }, ...queue.filter((other) => other.update.update_id !== updateId)];
      pushed();
    },
    clear: () => {
      queue = [];
    },
    onPush: (listener) => {
      listeners.push(listener);
    },
  };
};
