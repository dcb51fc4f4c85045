import { randomBytes } from 'node:crypto';
import type { User } from 'grammy/types';
import { chatMethods } from './chats.ts';
import { editingMethods } from './editing.ts';
import { createFaults } from './faults.ts';
import { createFlood } from './flood.ts';
import { startFront } from './front.ts';
import type { ChatRef } from './hand.ts';
import { createMenus } from './menus.ts';
import { personsHand } from './person.ts';
import { createPoller } from './polling.ts';
import { createOpenPresses, receivingMethods } from './receiving.ts';
import { seenIn } from './seen.ts';
import { sendingMethods } from './sending.ts';
import type { Telegram, TelegramOptions } from './telegram.ts';
import { createUpdateQueue } from './update-queue.ts';
import { createWebhook } from './webhook.ts';
import { type ChatState, createWorld } from './world.ts';

export type { Fault } from './faults.ts';
export type { Flood, FloodViolation } from './flood.ts';
export type { LoggedCall } from './front.ts';
export type { ChatRef, PersonsHand, Sending, Sent, SentFile } from './hand.ts';
export type { PressAnswer } from './receiving.ts';
export type { SeenMessage } from './seen.ts';
export type { GroupSeed, Telegram, TelegramOptions, Transcript } from './telegram.ts';

const BOT_ID = 7_000_000_001;
const MESSAGE_WAIT_MS = 5_000;
const FLOOD_COUNTED = /^(send(?!ChatAction)|editMessage|copyMessage|forwardMessage)/;

/** Starts Telegram on a free port of loopback. */
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
