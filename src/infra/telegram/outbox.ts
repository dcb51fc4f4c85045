import type { Api } from 'grammy';
import type { Log } from '../log.ts';
import type { End } from './chat-queue.ts';
import { type Html, html, join } from './html.ts';
import type { Keyboard } from './keyboard.ts';
import { type Priority, systemTimer, type Timer } from './pace.ts';
import type { Place } from './place.ts';
import { createTraffic } from './traffic.ts';
import { editOver, type Signal, sendOver } from './wire.ts';

export type { Priority } from './pace.ts';

export interface Outgoing {
  readonly place: Place;
  readonly priority: Priority;
  readonly text: Html;
  readonly keyboard?: Keyboard;
  /** Without a sound. */
  readonly silent?: boolean;
  /** Id of the message it answers; sent all the same when that one is gone. */
  readonly replyTo?: number;
  /** Opens the reader's reply box with this placeholder in it. */
  readonly forceReply?: string;
  /** A file; `text` becomes its caption, of at most 1,024 characters. */
  readonly document?: { readonly name: string; readonly bytes: Buffer };
  /** Withdraws it while it waits. */
  readonly signal?: AbortSignal;
}

export type SendOutcome =
  | { readonly sent: { readonly messageId: number; readonly place: Place } }
  /** `withdrawn`: it was not sent. `stopped`: this process ends, and nothing is known. */
  | { readonly undeliverable: 'blocked' | 'chat_gone' | 'refused' | 'withdrawn' | 'stopped'; readonly sentence: string };

export interface Edit {
  readonly place: Place;
  readonly messageId: number;
  readonly text: Html;
  /** None: the buttons are taken away. */
  readonly keyboard?: Keyboard;
  readonly priority: Priority;
}

/** `gone`: there is nothing left to edit, or the chat does not let us. */
export type EditOutcome = 'done' | 'gone' | 'stopped';

/** The only thing that sends: within Telegram's limits, at least once. */
export interface Outbox {
  /** Resolves when Telegram took it or never will; `place` is where it stands now. Waits out 429, 5xx and outages for as long as the process lives. */
  send(message: Outgoing): Promise<SendOutcome>;
  /** Replaces what a message says. A later edit of the same message takes the place of one that still waits, and both resolve together. */
  edit(edit: Edit): Promise<EditOutcome>;
  /** At once, never behind messages. One that is too old for Telegram is passed over. */
  answerPress(callbackQueryId: string, text?: string, alert?: boolean): Promise<void>;
  /** A group became a supergroup: what waits for the old one, and what comes, goes to the new one. */
  migrate(from: string, to: string): void;
  /** Messages and edits that Telegram did not take yet. */
  waiting(): number;
  /** Telegram did not take the last call, for a reason that is not ours. */
  isAway(): boolean;
  /** Ends what is under way and resolves the rest as `stopped`. */
  stop(): Promise<void>;
}

export interface OutboxOptions {
  readonly api: Api;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Once for each group that became a supergroup, whoever found out. */
  readonly onMigrated?: (from: string, to: string) => void;
  readonly timer?: Timer;
}

/** How long calls that are under way may take when the process stops, in milliseconds. */
const STOP_MS = 2_000;
const PRESS_CHARACTERS_MAX = 200;
/** Bytes of files that wait; beyond it a person is told to ask again. What must be read before a decision is sent all the same. */
const FILES_BYTES_MAX = 64 * 1024 * 1024;

const SENTENCES = {
  blocked: 'The bot was blocked or removed there, or may not write.',
  chat_gone: 'Telegram knows no such chat, or the bot was never in it.',
  refused: 'Telegram refused the message in every form.',
  withdrawn: 'It was not wanted any more.',
  stopped: 'The service is stopping.',
} as const;

const sendOutcome = (end: End): SendOutcome =>
  'messageId' in end ? { sent: end } : { undeliverable: end.undeliverable, sentence: SENTENCES[end.undeliverable] };

const editOutcome = (end: End): EditOutcome => {
  if ('messageId' in end) return 'done';
  return end.undeliverable === 'stopped' ? 'stopped' : 'gone';
};

export const createOutbox = ({ api, log, onMigrated = () => {}, timer = systemTimer }: OutboxOptions): Outbox => {
  const traffic = createTraffic({ timer, log, onMigrated });
  const ending = new AbortController();
  const signal = ending.signal as Signal; // grammY names a polyfill's type; Node's own signal is what it calls for.
  let filesBytes = 0;

  const withinMemory = (message: Outgoing): Outgoing => {
    const { document, ...rest } = message;
    if (!document || message.priority !== 'answer' || filesBytes + document.bytes.length <= FILES_BYTES_MAX) return message;
    return { ...rest, text: join([rest.text, html`Too many files wait to be sent. Ask for it again in a minute.`]) };
  };

  return {
    send: (wanted) => {
      const message = withinMemory(wanted);
      const { place, priority, document } = message;
      const bytes = document?.bytes.length ?? 0;
      const { promise, resolve } = Promise.withResolvers<SendOutcome>();
      filesBytes += bytes;
      traffic.submit({
        place,
        priority,
        signal: message.signal,
        call: (to, form) => sendOver(api, message, to, form, signal),
        settle: (end) => {
          filesBytes -= bytes;
          resolve(sendOutcome(end));
        },
      });
      return promise;
    },
    edit: (edit) => {
      const { place, priority, messageId } = edit;
      const { promise, resolve } = Promise.withResolvers<EditOutcome>();
      traffic.submit({
        place,
        priority,
        replaces: messageId,
        call: (to, form) => editOver(api, edit, to, form, signal),
        settle: (end) => resolve(editOutcome(end)),
      });
      return promise;
    },
    answerPress: async (id, text, alert = false) => {
      const words = text === undefined ? {} : { text: text.slice(0, PRESS_CHARACTERS_MAX).toWellFormed(), show_alert: alert };
      // It only ends the spinner on a button: what it says stands in the chat as well.
      await api.answerCallbackQuery(id, words, signal).catch(() => undefined);
    },
    migrate: traffic.migrate,
    waiting: traffic.waiting,
    isAway: traffic.isAway,
    stop: async () => {
      const cancel = setTimeout(() => ending.abort(), STOP_MS);
      await traffic.stop();
      clearTimeout(cancel);
    },
  };
};
