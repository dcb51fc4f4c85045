import type { BotCommand, Update, User } from 'grammy/types';
import type { Fault } from './faults.ts';
import type { Flood } from './flood.ts';
import type { LoggedCall } from './front.ts';
import type { ChatRef, PersonsHand } from './hand.ts';
import type { SeenMessage } from './seen.ts';
import type { ChatState } from './world.ts';

export interface GroupSeed {
  readonly title: string;
  /** The first is its creator. */
  readonly members: readonly User[];
  /** More of them who may administer it. */
  readonly administrators?: readonly User[];
  /** A plain group that can still become a supergroup; a supergroup without it. */
  readonly basic?: boolean;
  readonly forum?: boolean;
  /** False: the bot hears everything there. */
  readonly privacy?: boolean;
}

/** A chat with its messages, to be shown. */
export interface Transcript {
  readonly title: string;
  readonly kind: ChatState['kind'];
  readonly bot: User;
  readonly messages: readonly SeenMessage[];
}

/** Telegram on loopback, with one bot and the people around it. */
export interface Telegram {
  /** `http://127.0.0.1:<port>`: grammY's `client.apiRoot`. */
  readonly apiRoot: string;
  readonly token: string;
  readonly bot: User;
  /** Every call of the bot in order. */
  readonly calls: readonly LoggedCall[];
  readonly flood: Flood;
  person(who: { readonly id: number; readonly firstName: string; readonly username?: string; readonly isBot?: boolean }): User;
  /** The private chat of a person with the bot, which begins with a message of the person. */
  privateChat(person: User): ChatRef;
  /** The bot is not in it before somebody adds it. */
  group(seed: GroupSeed): ChatRef;
  as(person: User): PersonsHand;
  messages(chat: ChatRef): readonly SeenMessage[];
  /** The first message that fits and was not deleted, now or later. Rejects after `timeoutMs` (5 s) and says what there was. */
  waitForMessage(chat: ChatRef, fits: (message: SeenMessage) => boolean, timeoutMs?: number): Promise<SeenMessage>;
  transcript(chat: ChatRef): Transcript;
  /** The commands that a person finds in the menu of a chat. */
  menu(chat: ChatRef, person: User): readonly BotCommand[];
  /** The next calls of a method (`*`: of any) go wrong. */
  fault(method: string, fault: Fault): void;
  clearFaults(): void;
  /** From now on every connection is refused, and no webhook is called. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Gives an update once more, whether it was confirmed or not. */
  redeliver(updateId: number): void;
  /** Queues any update at all; `undefined` when the bot does not ask for this kind. */
  inject(chat: ChatRef, update: Omit<Update, 'update_id'>): number | undefined;
  /** How many updates the bot has not confirmed. */
  pendingUpdates(): number;
  /** Moves the server's clock: its dates, limits and expiries, not its timers. */
  advance(ms: number): void;
  /** Throws when this server itself failed meanwhile. */
  stop(): Promise<void>;
}

export interface TelegramOptions {
  readonly username?: string;
  /** Pause before an update is posted again, 1 s by default; doubled with each failure up to sixteen times. */
  readonly webhookBackoffMs?: number;
  /** How long an answer of the webhook is waited for, 10 s by default. */
  readonly webhookTimeoutMs?: number;
  /** How long a press may be answered, in milliseconds of the server's clock; 15 s by default. */
  readonly pressExpiryMs?: number;
  /** How long `press` waits, in real milliseconds; 10 s by default. */
  readonly pressMs?: number;
}
