import { randomBytes } from 'node:crypto';
import type { BotCommand, Update, User } from 'grammy/types';
import { chatMethods } from './chats.ts';
import { editingMethods } from './editing.ts';
import { createFaults, type Fault } from './faults.ts';
import { createFlood, type Flood } from './flood.ts';
import { type LoggedCall, startFront } from './front.ts';
import { createMenus } from './menus.ts';
import { type ChatRef, type PersonsHand, personsHand } from './person.ts';
import { createPoller } from './polling.ts';
import { createOpenPresses, receivingMethods } from './receiving.ts';
import { type SeenMessage, seenIn } from './seen.ts';
import { sendingMethods } from './sending.ts';
import { createUpdateQueue } from './update-queue.ts';
import { createWebhook } from './webhook.ts';
import { type ChatState, createWorld } from './world.ts';

export type { Fault } from './faults.ts';
export type { Flood, FloodViolation } from './flood.ts';
export type { LoggedCall } from './front.ts';
export type { ChatRef, PersonsHand, Sending, Sent, SentFile } from './person.ts';
export type { PressAnswer } from './receiving.ts';
export type { SeenMessage } from './seen.ts';

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

const BOT_ID = 7_000_000_001;
const MESSAGE_WAIT_MS = 5_000;
const FLOOD_COUNTED = /^(send(?!ChatAction)|editMessage|copyMessage|forwardMessage)/;

export const startTelegram = async ({
  username = 'countersign_bot',
  webhookBackoffMs = 1000,
  webhookTimeoutMs = 10_000,
  pressExpiryMs = 15_000,
  pressMs = 10_000,
}: TelegramOptions = {}): Promise<Telegram> => {
  const world = createWorld({ id: BOT_ID, is_bot: true, first_name: 'Countersign', username });
  const token = `${BOT_ID}:${randomBytes(27).toString('base64url').slice(0, 35)}`;
  const queue = createUpdateQueue();
  const faults = createFaults();
  const flood = createFlood(world.now);
  const presses = createOpenPresses(world, pressExpiryMs);
  const menus = createMenus(world);
  const poller = createPoller(queue);
  const webhook = createWebhook(queue, {
    backoffMs: webhookBackoffMs,
    timeoutMs: webhookTimeoutMs,
    now: () => Math.floor(world.now() / 1000),
    call: (method, parameters) => front.call(method, parameters),
  });

  const front = await startFront({
    world,
    token,
    faults,
    methods: {
      ...sendingMethods(world),
      ...editingMethods(world),
      ...receivingMethods(world, { queue, poller, webhook, presses }),
      ...chatMethods(world),
      ...menus.methods,
    },
    tooFast: (method, { chat_id: id }) => (FLOOD_COUNTED.test(method) ? flood.count(Number(id), Number(id) < 0) : undefined),
  });

  const chatOf = ({ id }: ChatRef): ChatState => {
    const chat = world.chats.get(id);
    if (chat === undefined) throw new Error(`there is no chat ${id}`);
    return chat;
  };

  const addChat = (chat: Pick<ChatState, 'id' | 'kind' | 'title' | 'forum' | 'privacy' | 'members'>): ChatRef => {
    world.chats.set(chat.id, { ...chat, messages: new Map(), topics: new Map(), standing: 'unmet', migratedTo: undefined });
    return { id: chat.id };
  };

  const waitForMessage: Telegram['waitForMessage'] = (chat, fits, timeoutMs = MESSAGE_WAIT_MS) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          const found = seenIn(chatOf(chat)).find((message) => !message.deleted && fits(message));
          if (found !== undefined) settle(() => resolve(found));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        forget();
        end();
      };
      const timer = setTimeout(() => {
        const texts = seenIn(chatOf(chat)).map(({ text, deleted }) => `- ${deleted ? '(deleted) ' : ''}${text}`);
        settle(() => reject(new Error(`no such message came within ${timeoutMs} ms. There were:\n${texts.join('\n')}`)));
      }, timeoutMs);
      const forget = world.onChange(look);
      look();
    });

  return {
    apiRoot: front.apiRoot,
    token,
    bot: world.bot,
    calls: front.calls,
    flood,
    person: ({ id, firstName, username: name, isBot = false }) => {
      const person: User = {
        id,
        is_bot: isBot,
        first_name: firstName,
        language_code: 'en',
        ...(name === undefined ? {} : { username: name }),
      };
      world.people.set(id, person);
      addChat({ id, kind: 'private', title: firstName, forum: false, privacy: false, members: new Map([[id, 'member']]) });
      return person;
    },
    privateChat: ({ id }) => ({ id }),
    group: ({ title, members, administrators = [], basic = false, forum = false, privacy = true }) => {
      const roles = [...members, ...administrators].map(
        (person, index) =>
          [person.id, index === 0 ? 'creator' : administrators.includes(person) ? 'administrator' : 'member'] as const,
      );
      const number = world.nextId('chat');
      const id = basic ? -4_000_000 - number : -1_000_000_000_000 - 5_000_000 - number;
      return addChat({ id, kind: basic ? 'group' : 'supergroup', title, forum, privacy, members: new Map(roles) });
    },
    as: (person) => personsHand({ world, queue, presses, pressMs }, person),
    messages: (chat) => seenIn(chatOf(chat)),
    waitForMessage,
    transcript: (chat) => {
      const { title, kind } = chatOf(chat);
      return { title, kind, bot: world.bot, messages: seenIn(chatOf(chat)) };
    },
    menu: (chat, person) => menus.seenBy(chatOf(chat), person.id),
    fault: (method, fault) => faults.plan(method, fault),
    clearFaults: () => faults.clear(),
    down: async () => {
      webhook.pause(true);
      await front.down();
    },
    up: async () => {
      await front.up();
      webhook.pause(false);
    },
    redeliver: (updateId) => queue.redeliver(updateId),
    inject: ({ id }, update) => queue.push(id, update),
    pendingUpdates: () => queue.pending().length,
    advance: (ms) => world.advance(ms),
    stop: async () => {
      webhook.stop();
      await front.down();
      if (front.errors.length > 0) throw new AggregateError(front.errors, 'the Bot API server of the tests failed');
    },
  };
};
