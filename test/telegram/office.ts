import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { User } from 'grammy/types';
import { z } from 'zod';
import type { Client } from '../support/client.ts';
import type { TreeFiles } from '../support/git-commands.ts';
import { openService, type ServiceHere } from '../support/service-here.ts';
import { type ChatRef, type SeenMessage, startTelegram, type Telegram, type TelegramOptions } from '../support/telegram/index.ts';

/** What the shell agent of these tests is asked for: it mends the sum of the workshop's repository. */
export const MEND = "printf 'echo $(($1 + $2))\\n' > sum.sh";

export const WEBHOOK_SECRET = 'the-secret-of-the-webhook';

/** Somebody who is known here, by their account. */
export interface Colleague {
  readonly user: User;
  readonly chat: ChatRef;
  readonly personId: string;
}

/** A service with a bot, and people around it. */
export interface Office {
  readonly telegram: Telegram;
  readonly service: ServiceHere;
  readonly admin: Client;
  /** Makes a person known; without roles they have none. */
  known(firstName: string, ...roles: readonly string[]): Promise<Colleague>;
  stranger(firstName: string): User;
  /** The first message of the bot in a chat that fits, now or later. */
  heard(chat: ChatRef, words: string | RegExp, timeoutMs?: number): Promise<SeenMessage>;
  close(): Promise<void>;
}

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server that listens has one.
  server.close();
  return port;
};

/** The variables of a service that is the bot of this Telegram. */
export const telegramVariables = async (
  { apiRoot, token }: Pick<Telegram, 'apiRoot' | 'token'>,
  mode: 'polling' | 'webhook',
): Promise<Record<string, string>> => {
  const common = { TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: apiRoot, TELEGRAM_MODE: mode };
  if (mode === 'polling') return common;
  const port = await freePort();
  return { ...common, PORT: String(port), BASE_URL: `http://127.0.0.1:${port}`, TELEGRAM_WEBHOOK_SECRET: WEBHOOK_SECRET };
};

/** Makes somebody known, through the API as its admin. */
export const makeKnown = async (admin: Client, user: User, roles: readonly string[]): Promise<string> => {
  const made = await admin.call('POST', '/api/v1/people', { name: user.first_name });
  const { person_id: personId } = z.object({ person_id: z.string() }).parse(made.json());
  for (const role of roles) {
    const [name, repositories = '*'] = role.split(' ');
    await admin.call('POST', `/api/v1/people/${personId}/roles`, { role: name, repositories });
  }
  await admin.call('POST', `/api/v1/people/${personId}/identities`, { channel: 'telegram', subject: String(user.id) });
  return personId;
};

export const openOffice = async ({
  mode = 'polling',
  variables = {},
  branches = {},
  server = {},
}: {
  readonly mode?: 'polling' | 'webhook';
  readonly variables?: Readonly<Record<string, string>>;
  readonly branches?: Readonly<Record<string, TreeFiles>>;
  readonly server?: TelegramOptions;
} = {}): Promise<Office> => {
  const telegram = await startTelegram({ webhookBackoffMs: 100, ...server });
  const service = await openService({ ...(await telegramVariables(telegram, mode)), ...variables }, branches);
  const admin = service.client;
  let accounts = 1_000;
  const person = (firstName: string): User => telegram.person({ id: ++accounts, firstName });
  return {
    telegram,
    service,
    admin,
    known: async (firstName, ...roles) => {
      const user = person(firstName);
      return { user, chat: telegram.privateChat(user), personId: await makeKnown(admin, user, roles) };
    },
    stranger: person,
    heard: (chat, words, timeoutMs = 20_000) =>
      telegram.waitForMessage(
        chat,
        ({ from, text }) => from.is_bot && (typeof words === 'string' ? text.includes(words) : words.test(text)),
        timeoutMs,
      ),
    close: async () => {
      try {
        await service.close();
      } finally {
        await telegram.stop();
      }
    },
  };
};

/** Resolves when everything that was sent to the bot is confirmed. */
export const allTaken = async (telegram: Pick<Telegram, 'pendingUpdates'>, timeoutMs = 10_000): Promise<void> => {
  const until = Date.now() + timeoutMs;
  while (telegram.pendingUpdates() > 0) {
    if (Date.now() > until) throw new Error(`${telegram.pendingUpdates()} updates are not taken`);
    await delay(10);
  }
};

/** What the bot said in a chat after this message, in order. */
export const saidAfter = (telegram: Telegram, chat: ChatRef, id: number): readonly string[] =>
  telegram.messages(chat).flatMap((message) => (message.id > id && message.from.is_bot ? [message.text] : []));
