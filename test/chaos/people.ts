import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { TaskView } from '../../src/projections/task-view.ts';
import type { Answer } from '../support/client.ts';
import type { SeenMessage, Telegram } from '../support/telegram/index.ts';
import type { Chance } from './chance.ts';
import type { Twice } from './points.ts';
import { bearer, type Site } from './site.ts';

/** A person gives a call up after so long, and makes it again with the same key. In milliseconds. */
const PATIENCE_MS = 4_000;
const GLANCE_MS = 60;
/** Attempts of one task that people ask for. */
const RERUNS_MAX = 8;

/** Buttons that bring a task on. */
const ANSWERS = ['Approve', 'Look again', 'Rerun'] as const;

/** Something that a person wants to have done, and goes on about until it is. */
export interface Wish {
  /** Stands in the request, so that the log can be asked which task it became. */
  readonly words: string;
  /** The private chat it was written in; `null` over HTTP. */
  readonly chat: number | null;
  /** Resolves when the person sees that it is done, or gave up. */
  readonly over: Promise<void>;
  isOver(): boolean;
  /** Attempts that the person saw fail. */
  failures(): number;
}

export interface People {
  /** Somebody asks for something: over HTTP, or in Telegram while there are writers left. */
  ask(): void;
  readonly wishes: readonly Wish[];
  /** Wishes that are not fulfilled yet. */
  open(): number;
  /** The next time somebody does this, it happens twice. Resolves when it did. */
  twice(what: Twice): Promise<void>;
  /** Nobody waits for anything any more. */
  leave(): Promise<void>;
}

export const gatherPeople = (
  { services, telegram, writers, token }: Pick<Site, 'services' | 'telegram' | 'writers' | 'token'>,
  chance: Chance,
): People => {
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const wishes: Wish[] = [];
  const doubled = new Map<Twice, () => void>();
  let written = 0;

  const wait = (ms: number): Promise<void> => pause(ms, undefined, { signal: leaving.signal });

  /** What `twice` asked for: once. */
  const isDoubled = (what: Twice): boolean => {
    const happened = doubled.get(what);
    doubled.delete(what);
    happened?.();
    return happened !== undefined;
  };

  /** The answer of whichever service answers: one call is made again with its key until something is final about it. */
  const insist = async (method: string, path: string, body?: object, id: string = randomUUID()): Promise<Answer> => {
    const headers = { ...bearer(token), ...(method === 'POST' && { 'idempotency-key': id }) };
    for (;;) {
      const service = services[chance.below(services.length)] ?? services[0];
      const called = service.client().then((client) => client.call(method, path, body, headers));
      called.catch(() => undefined); // It may end after it was given up.
      const answer = await Promise.race([called, wait(PATIENCE_MS).then(() => undefined)]).catch(() => undefined);
      leaving.signal.throwIfAborted();
      if (answer && answer.status < 500 && answer.status !== 429) return answer;
      await wait(GLANCE_MS);
    }
  };

  const says = (words: string) => `Make the sum a sum, please (${words}).`;

  const byHttp = async (words: string, failed: () => void): Promise<void> => {
    const key = randomUUID();
    const filing = () => insist('POST', '/api/v1/tasks', { intent: says(words) }, key);
    const [filed] = await Promise.all([filing(), ...(isDoubled('request') ? [filing()] : [])]);
    if (filed.status !== 201) throw new Error(`the request was answered with ${filed.status}: ${filed.text}`);
    const { taskId } = filed.task();
    const path = `/api/v1/tasks/${taskId}`;
    let attempt = 0;
    for (;;) {
      const answer = await insist('GET', path);
      if (answer.status === 200) {
        const task: TaskView = answer.task();
        if (task.status === 'COMPLETED') return;
        if (task.approval) {
          const approve = { action: 'approve', approval_digest: task.approval.digest };
          const approving = [insist('POST', `${path}/actions`, approve)];
          if (isDoubled('approval')) approving.push(insist('POST', `${path}/actions`, approve));
          await Promise.all(approving);
        }
        if (task.status === 'WAIT_CLARIFY') await insist('POST', `${path}/actions`, { action: 'retry' });
        if (task.status === 'FAILED' && task.attempt > attempt) {
          ({ attempt } = task);
          failed();
          if (attempt > RERUNS_MAX) return;
          await insist('POST', `${path}/rerun`, {});
        }
      }
      await wait(GLANCE_MS);
    }
  };

  const buttonOf = ({ buttons }: SeenMessage, label: string): boolean => buttons.flat().some(({ text }) => text === label);

  const inTelegram = async (words: string, writer: ReturnType<Telegram['person']>, failed: () => void): Promise<void> => {
    const chat = { id: writer.id };
    const sent = telegram.as(writer).send(chat, `/task ${says(words)}`);
    const again = async (): Promise<void> => {
      await wait(chance.between(0, 1_500));
      if (sent.updateId !== undefined) telegram.redeliver(sent.updateId);
    };
    if (isDoubled('update')) void again().catch(() => undefined);
    /** Messages that said that an attempt failed: a press that nobody answered is pressed again. */
    const ended = new Set<number>();
    for (;;) {
      const heard = telegram.messages(chat).filter(({ from, deleted }) => from.is_bot && !deleted);
      const last = heard.at(-1);
      if (last?.text.startsWith('✅')) return;
      const asking = last && ANSWERS.find((label) => buttonOf(last, label));
      if (last && asking) {
        if (asking === 'Rerun' && !ended.has(last.id)) {
          ended.add(last.id);
          failed();
          if (ended.size > RERUNS_MAX) return;
        }
        // A message that changed under the finger has no such button any more.
        const pressed = telegram
          .as(writer)
          .press(last, asking)
          .catch(() => undefined);
        await Promise.race([pressed, wait(PATIENCE_MS)]);
      }
      await wait(4 * GLANCE_MS);
    }
  };

  const begin = (words: string, chat: number | null, going: (failed: () => void) => Promise<void>): void => {
    let isOver = false;
    let failures = 0;
    const over = going(() => failures++)
      .then(() => {
        isOver = true;
      })
      .catch(() => undefined); // Whoever leaves sees nothing; the checker asks the log.
    wishes.push({ words, chat, over, isOver: () => isOver, failures: () => failures });
  };

  return {
    ask: () => {
      const words = `wish ${wishes.length + 1}-${randomUUID().slice(0, 8)}`;
      const writer = chance.below(2) === 0 ? writers[written] : undefined;
      if (writer) {
        written++;
        begin(words, writer.id, (failed) => inTelegram(words, writer, failed));
      } else begin(words, null, (failed) => byHttp(words, failed));
    },
    wishes,
    open: () => wishes.filter((wish) => !wish.isOver()).length,
    twice: (what) => new Promise((resolve) => doubled.set(what, resolve)),
    leave: async () => {
      leaving.abort();
      await Promise.all(wishes.map(({ over }) => over));
    },
  };
};
