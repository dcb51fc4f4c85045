import { createTelegramApi } from '../../src/infra/telegram/api.ts';
import type { CardText } from '../../src/infra/telegram/facts.ts';
import type { Html } from '../../src/infra/telegram/html.ts';
import { editOver, sendOver } from '../../src/infra/telegram/wire.ts';
import { type SeenMessage, startTelegram } from '../support/telegram/index.ts';

/** Sends messages straight to the strict server, in their full form only: what it does not take as it is throws. */
export interface Desk {
  post(card: Pick<CardText, 'text' | 'keyboard'>): Promise<SeenMessage>;
  edit(messageId: number, text: Html): Promise<SeenMessage>;
  close(): Promise<void>;
}

export const openDesk = async (): Promise<Desk> => {
  const tg = await startTelegram();
  const ann = tg.person({ id: 11, firstName: 'Ann' });
  const chat = tg.privateChat(ann);
  tg.as(ann).send(chat, 'hello');
  const api = createTelegramApi({ token: tg.token, apiRoot: tg.apiRoot, timeoutMs: 5_000 });
  const place = { chat: String(chat.id), thread: null };
  const seen = (id: number): SeenMessage => {
    const found = tg.messages(chat).find((message) => message.id === id);
    if (!found) throw new Error('the message was taken');
    return found;
  };
  return {
    post: async ({ text, keyboard }) =>
      seen(await sendOver(api, { place, priority: 'act', text, keyboard }, place, 'full', undefined)),
    edit: async (messageId, text) =>
      seen(await editOver(api, { place, messageId, text, priority: 'end' }, place, 'full', undefined)),
    close: () => tg.stop(),
  };
};
