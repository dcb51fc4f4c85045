import { Api, GrammyError } from 'grammy';
import type { User } from 'grammy/types';
import { type ChatRef, startTelegram, type Telegram, type TelegramOptions } from './index.ts';

/** A server, grammY's typed calls to it, and Ann, who has said hello already. */
export interface Stage {
  readonly tg: Telegram;
  readonly api: Api;
  readonly ann: User;
  readonly chat: ChatRef;
  /** A call as it is, without a library: the status and what was said. */
  raw(method: string, parameters?: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
}

export const setStage = async (options?: TelegramOptions): Promise<Stage> => {
  const tg = await startTelegram(options);
  const ann = tg.person({ id: 11, firstName: 'Ann', username: 'ann_b' });
  const chat = tg.privateChat(ann);
  tg.as(ann).send(chat, 'hello');
  return {
    tg,
    api: new Api(tg.token, { apiRoot: tg.apiRoot }),
    ann,
    chat,
    raw: async (method, parameters = {}) => {
      const answer = await fetch(`${tg.apiRoot}/bot${tg.token}/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(parameters),
      });
      return { status: answer.status, body: await answer.json() };
    },
  };
};

/** What a call was refused with; throws when it was not. */
export const refusalOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
  } catch (error) {
    if (error instanceof GrammyError) return `${error.error_code} ${error.description}`;
    throw error;
  }
  throw new Error('the call was not refused');
};
