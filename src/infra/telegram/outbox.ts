import type { Html } from './html.ts';
import type { Keyboard } from './keyboard.ts';
import type { Place } from './place.ts';

/** What goes first: an answer to what was just typed, then what a person must act on, then endings, then progress. */
export type Priority = 'answer' | 'act' | 'end' | 'progress';

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
}

export type SendOutcome =
  | { readonly sent: { readonly messageId: number; readonly place: Place } }
  /** `stopped`: this process ends, and nothing is known. */
  | { readonly undeliverable: 'blocked' | 'chat_gone' | 'refused' | 'stopped'; readonly sentence: string };

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
  /** Ends what is under way and resolves the rest as `stopped`. */
  stop(): Promise<void>;
}
