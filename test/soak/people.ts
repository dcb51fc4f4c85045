import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { TaskView } from '../../src/projections/task-view.ts';
import type { Chance } from '../chaos/chance.ts';
import { bearer } from '../chaos/site.ts';
import type { Answer } from '../support/client.ts';
import type { SeenMessage } from '../support/telegram/index.ts';
import type { Filing, Story } from './plan.ts';
import type { Premises } from './premises.ts';

/** A person gives a call up after so long, and makes it again with the same key. In milliseconds. */
const PATIENCE_MS = 4_000;
const GLANCE_MS = 250;
/** What had no effect that a person can see is said again after so long, in milliseconds. */
const AGAIN_MS = 3_000;
/** Minutes of the day that somebody takes to decide. */
const DECIDES_MINUTES = [1, 20] as const;
const RERUNS_MAX = 6;

/** How a task looks to a person. */
type Sight = 'nothing yet' | 'may it run?' | 'may it be delivered?' | 'a question' | 'it moves' | 'it is done' | 'it failed';
type Deed = 'approve' | 'reject' | 'ask' | 'clarify' | 'cancel' | 'rerun';
/** What a person can do about one request, wherever they are. */
interface Channel {
  see(): Promise<Sight>;
  act(deed: Deed): Promise<void>;
}

/** What a story may end with: types of events. */
export const ENDINGS: Readonly<Record<Story, readonly string[]>> = {
  Mend: ['TaskCompleted'],
  Depend: ['TaskCompleted'],
  Doubt: ['TaskCompleted'],
  Refuse: ['TaskRejected'],
  Stop: ['TaskCancelled', 'TaskCompleted'],
  Break: ['TaskCompleted'],
  Nothing: ['TaskCompleted'],
  Forbid: ['TaskFailed'],
  Forget: ['ApprovalExpired', 'RequestPrepared'],
};

/** Somebody asked for something. */
export interface Wish {
  readonly words: string;
  readonly story: Story;
  readonly channel: Filing['channel'];
  isOver(): boolean;
  /** Attempts that the person asked for after the first. */
  reruns(): number;
}

export interface People {
  file(filing: Filing): void;
  readonly wishes: readonly Wish[];
  leave(): Promise<void>;
}

/** What a person of this story does when they see this; `undefined`: nothing, `over`: they care no more. */
const deedOf = (story: Story, sight: Sight, done: readonly Deed[]): Deed | 'over' | undefined => {
  const times = (deed: Deed): number => done.filter((one) => one === deed).length;
  if (sight === 'it is done') return 'over';
  if (sight === 'a question') return 'clarify';
  if (sight === 'may it run?') {
    if (story === 'Forget') return 'over';
    if (story === 'Refuse') return 'reject';
    return story === 'Doubt' && times('ask') === 0 ? 'ask' : 'approve';
  }
  if (sight === 'may it be delivered?') return 'approve';
  if (sight === 'it moves') return story === 'Stop' && times('approve') > 0 && times('cancel') === 0 ? 'cancel' : undefined;
  if (sight === 'it failed') return ends(story, done) || times('rerun') >= RERUNS_MAX ? 'over' : 'rerun';
  return undefined;
};

/** Whether a failure is what such a story comes to; any other is started again. */
const ends = (story: Story, done: readonly Deed[]): boolean =>
  story === 'Forbid' || (story === 'Refuse' && done.includes('reject')) || (story === 'Stop' && done.includes('cancel'));

const SIGHTS: Readonly<Record<TaskView['status'], Sight>> = {
  CREATED: 'it moves',
  WAIT_CLARIFY: 'a question',
  WAIT_APPROVE_WRITE: 'may it run?',
  RUNNING: 'it moves',
  WAIT_APPROVE_PATCH: 'may it be delivered?',
  PR_CREATED: 'it moves',
  COMPLETED: 'it is done',
  FAILED: 'it failed',
};

const sightOf = ({ text }: SeenMessage): Sight => {
  const [headline = ''] = text.split('\n');
  if (headline.includes('May this run?')) return 'may it run?';
  if (headline.includes('May this patch be delivered?')) return 'may it be delivered?';
  if (headline.startsWith('❓')) return 'a question';
  if (headline.startsWith('✅') || headline.includes('nothing to change')) return 'it is done';
  return /^[❌⏹]/u.test(headline) ? 'it failed' : 'it moves';
};

/** People of all kinds, who go on about what they asked for until it is what they wanted. */
export const gatherPeople = (premises: Premises, chance: Chance, msOf: (minutes: number) => number): People => {
  const { services, telegram, writers, tokens } = premises;
  const [service] = services;
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const wishes: Wish[] = [];
  const going: Promise<void>[] = [];
  const wait = (ms: number): Promise<void> => pause(ms, undefined, { signal: leaving.signal });

  /** An answer that is final: the same call is made again with its key until there is one. */
  const insist = async (token: string, method: string, path: string, body?: object): Promise<Answer> => {
    const headers = { ...bearer(token), ...(method === 'POST' && { 'idempotency-key': randomUUID() }) };
    for (;;) {
      const called = service.client().then((client) => client.call(method, path, body, headers));
      called.catch(() => undefined); // It may end after it was given up.
      const answer = await Promise.race([called, wait(PATIENCE_MS).then(() => undefined)]).catch(() => undefined);
      leaving.signal.throwIfAborted();
      if (answer && answer.status < 500 && answer.status !== 429) return answer;
      await wait(GLANCE_MS);
    }
  };

  const overHttp = async (token: string, intent: string): Promise<Channel> => {
    const filed = await insist(token, 'POST', '/api/v1/tasks', { intent });
    if (filed.status !== 201) throw new Error(`a request was answered with ${filed.status}: ${filed.text}`);
    const path = `/api/v1/tasks/${filed.task().taskId}`;
    let seen: TaskView | undefined;
    const bodies: Readonly<Record<Exclude<Deed, 'rerun'>, () => object>> = {
      approve: () => ({ action: 'approve', approval_digest: seen?.approval?.digest }),
      reject: () => ({ action: 'reject' }),
      ask: () => ({ action: 'ask', question: 'Which sum is meant?' }),
      clarify: () => (seen?.clarifyReason === 'QUESTION' ? { action: 'clarify', text: 'The only one.' } : { action: 'retry' }),
      cancel: () => ({ action: 'cancel' }),
    };
    return {
      see: async () => {
        const answer = await insist(token, 'GET', path);
        if (answer.status === 200) seen = answer.task();
        return seen ? SIGHTS[seen.status] : 'nothing yet';
      },
      act: async (deed) => {
        if (deed === 'rerun') await insist(token, 'POST', `${path}/rerun`, { feedback: 'Mend the sum.' });
        else await insist(token, 'POST', `${path}/actions`, bodies[deed]());
      },
    };
  };

  const inTelegram = (writer: (typeof writers)[number], intent: string, words: string): Channel => {
    const chat = { id: writer.id };
    const hand = telegram.as(writer);
    hand.send(chat, `/task ${intent}`);
    /** The card of the task; answers to commands and the confirmations of presses say nothing of how it stands. */
    const card = (): SeenMessage | undefined =>
      telegram
        .messages(chat)
        .findLast(({ from, deleted, text }) => from.is_bot && !deleted && text.includes(words) && /^\P{L}+ /u.test(text));
    const typed: Readonly<Record<Exclude<Deed, 'approve'>, string>> = {
      reject: '/reject ID',
      ask: '/ask ID Which sum is meant?',
      clarify: '/clarify ID The only one.',
      cancel: '/cancel ID',
      rerun: '/rerun ID Mend the sum.',
    };
    return {
      see: async () => {
        const seen = card();
        return seen ? sightOf(seen) : 'nothing yet';
      },
      act: async (deed) => {
        const seen = card();
        if (!seen) return;
        const [id = ''] = /\b[0-9a-f]{8}\b/.exec(seen.text) ?? [];
        if (deed !== 'approve')
          return void hand.send(chat, (seen.text.includes('Something is missing') ? '/retry ID' : typed[deed]).replace('ID', id));
        // A message that changed under the finger has no such button any more.
        const pressed = hand.press(seen, 'Approve').catch(() => undefined);
        await Promise.race([pressed, wait(PATIENCE_MS)]);
      },
    };
  };

  const follow = async (channel: Channel, story: Story, own: Chance, told: (deed: Deed) => void): Promise<void> => {
    const done: Deed[] = [];
    let last: { readonly sight: Sight; readonly at: number } | undefined;
    for (;;) {
      await wait(GLANCE_MS);
      const sight = await channel.see();
      const deed = deedOf(story, sight, done);
      if (deed === 'over') return;
      if (deed === undefined) continue;
      const isNews = last?.sight !== sight;
      if (!isNews && performance.now() - (last?.at ?? 0) < AGAIN_MS) continue;
      if (isNews && deed !== 'cancel') await wait(msOf(own.between(...DECIDES_MINUTES)));
      // It may look otherwise by now.
      if ((await channel.see()) !== sight) continue;
      await channel.act(deed);
      last = { sight, at: performance.now() };
      if (isNews) done.push(deed);
      if (isNews) told(deed);
    }
  };

  return {
    file: ({ story, channel }) => {
      const number = wishes.length;
      const own = chance.of(number);
      const words = `wish-${number + 1}-${randomUUID().slice(0, 8)}`;
      const intent = `${story} (${words}): make the sum a sum, please.`;
      let [isOver, reruns] = [false, 0];
      const begin = async (): Promise<void> => {
        const writer = writers[own.below(writers.length)];
        const opened =
          channel === 'telegram' && writer ? inTelegram(writer, intent, words) : await overHttp(own.pick(tokens), intent);
        await follow(opened, story, own, (deed) => {
          reruns += deed === 'rerun' ? 1 : 0;
        });
        isOver = true;
      };
      wishes.push({ words, story, channel, isOver: () => isOver, reruns: () => reruns });
      going.push(
        begin().catch((error: unknown) => {
          if (!leaving.signal.aborted) throw error; // Whoever leaves sees nothing more.
        }),
      );
    },
    wishes,
    leave: async () => {
      leaving.abort();
      await Promise.all(going);
    },
  };
};
