import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { TaskView } from '../../src/projections/task-view.ts';
import { bearer } from '../chaos/site.ts';
import type { Service } from '../chaos/supervision.ts';
import type { Answer } from '../support/client.ts';
import type { SeenMessage, Telegram } from '../support/telegram/index.ts';
import { type Deed, SIGHTS, type Sight, sightOf } from './stories.ts';

/** A person gives a call up after so long, and makes it again with the same key. In milliseconds. */
const PATIENCE_MS = 4_000;
const AGAIN_MS = 250;

/** What a person can see of one request, and do about it, wherever they are. */
export interface Channel {
  see(): Promise<Sight>;
  act(deed: Deed): Promise<void>;
}

type Call = (method: string, path: string, body?: object) => Promise<Answer>;

/** An answer that is final: the same call is made again with its key until there is one, or until `signal`. */
const insistent =
  (service: Service, token: string, signal: AbortSignal): Call =>
  async (method, path, body) => {
    const headers = { ...bearer(token), ...(method === 'POST' && { 'idempotency-key': randomUUID() }) };
    for (;;) {
      const called = service.client().then((client) => client.call(method, path, body, headers));
      called.catch(() => undefined); // It may end after it was given up.
      const answer = await Promise.race([called, pause(PATIENCE_MS, undefined, { signal })]).catch(() => undefined);
      signal.throwIfAborted();
      if (answer && answer.status < 500 && answer.status !== 429) return answer;
      await pause(AGAIN_MS, undefined, { signal });
    }
  };

/** Files the request over HTTP. */
export const overHttp = async (service: Service, token: string, intent: string, signal: AbortSignal): Promise<Channel> => {
  const call = insistent(service, token, signal);
  const filed = await call('POST', '/api/v1/tasks', { intent });
  if (filed.status !== 201) throw new Error(`a request was answered with ${filed.status}: ${filed.text}`);
  const path = `/api/v1/tasks/${filed.task().taskId}`;
  let seen: TaskView | undefined;
  const bodyOf = (deed: Exclude<Deed, 'rerun'>): object => {
    switch (deed) {
      case 'approve':
        return { action: deed, approval_digest: seen?.approval?.digest };
      case 'ask':
        return { action: deed, question: 'Which sum is meant?' };
      case 'clarify':
        return seen?.clarifyReason === 'QUESTION' ? { action: deed, text: 'The only one.' } : { action: 'retry' };
      case 'reject':
      case 'cancel':
        return { action: deed };
    }
  };
  return {
    see: async () => {
      const answer = await call('GET', path);
      if (answer.status === 200) seen = answer.task();
      return seen ? SIGHTS[seen.status] : 'nothing yet';
    },
    act: async (deed) => {
      if (deed === 'rerun') await call('POST', `${path}/rerun`, { feedback: 'Mend the sum.' });
      else await call('POST', `${path}/actions`, bodyOf(deed));
    },
  };
};

/** What is typed, before and after the id of the task. Approvals are pressed. */
const TYPED: Readonly<Record<Exclude<Deed, 'approve'>, readonly [command: string, rest: string]>> = {
  reject: ['/reject', ''],
  ask: ['/ask', 'Which sum is meant?'],
  clarify: ['/clarify', 'The only one.'],
  cancel: ['/cancel', ''],
  rerun: ['/rerun', 'Mend the sum.'],
};

/** Files the request in the private chat with the bot; cards are told from other requests' by `words`. */
export const inTelegram = (
  telegram: Telegram,
  writer: ReturnType<Telegram['person']>,
  intent: string,
  words: string,
): Channel => {
  const chat = { id: writer.id };
  const hand = telegram.as(writer);
  hand.send(chat, `/task ${intent}`);
  /** Begins with a sign; answers to what was typed do not. */
  const card = (): SeenMessage | undefined =>
    telegram
      .messages(chat)
      .findLast(({ from, deleted, text }) => from.is_bot && !deleted && text.includes(words) && /^\P{L}+ /u.test(text));
  return {
    see: async () => {
      const seen = card();
      return seen ? sightOf(seen) : 'nothing yet';
    },
    act: async (deed) => {
      const seen = card();
      if (!seen) return;
      if (deed === 'approve') {
        // A message that changed under the finger has no such button any more.
        await hand.press(seen, 'Approve').catch(() => undefined);
        return;
      }
      const [id = ''] = /\b[0-9a-f]{8}\b/.exec(seen.text) ?? [];
      const [command, rest] = seen.text.includes('Something is missing') ? ['/retry', ''] : TYPED[deed];
      hand.send(chat, `${command} ${id} ${rest}`.trim());
    },
  };
};
