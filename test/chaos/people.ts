import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { TaskView } from '../../src/projections/task-view.ts';
import type { Answer } from '../support/client.ts';
import type { SeenMessage, Telegram } from '../support/telegram/index.ts';
import type { Chance } from './chance.ts';
import type { Whim } from './points.ts';
import { bearer, type Site } from './site.ts';
import type { Service } from './supervision.ts';

/** A person gives a call up after so long, and makes it again with the same key. In milliseconds. */
const PATIENCE_MS = 4_000;
const GLANCE_MS = 60;
/** Attempts of one task that people ask for. */
const RERUNS_MAX = 12;
/** One of so many wishes comes with a whim that nobody asked for, so that what follows from it happens again and again. */
const WHIMS_IN = 3;
/** Whims that one person follows: the only one over HTTP would else be asked for all of them, and give up before the wish had its chance. */
const WHIMS_MAX = RERUNS_MAX / 2;
const SUDDEN = [
  'rejection',
  'a question instead of an approval',
  'cancel while it runs',
  'the same rerun twice at once',
] as const;

/** What is stored only when somebody does this. */
const PROVOKING: Readonly<Record<string, Whim>> = {
  'append TaskCancelled': 'cancel while it runs',
  'append TaskRejected': 'rejection',
  'append RequestClarified': 'a question instead of an approval',
  'append RerunRequested': 'rejection',
};

/** Buttons that bring a task on. */
const ANSWERS = ['Approve', 'Look again', 'Rerun'] as const;

type Feeling = (whim: Whim) => boolean;

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
  /** Whoever can do this next does it. Resolves when it is done. */
  have(whim: Whim): Promise<void>;
  /** The same, for the sake of what is stored then; nothing happens when somebody is about to. */
  provoke(event: string): void;
  /** Nobody waits for anything any more. */
  leave(): Promise<void>;
}

type Door = Pick<Service, 'client'>;
type PeoplesSite = Pick<Site, 'telegram' | 'writers' | 'group' | 'token'> & { readonly doors: readonly [Door, ...Door[]] };

export const gatherPeople = (
  { doors, telegram, writers, group, token }: PeoplesSite,
  chance: Chance,
  onlyInTelegram: boolean,
): People => {
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const wishes: Wish[] = [];
  const wanted = new Map<Whim, () => void>();
  let written = 0;

  const wait = (ms: number): Promise<void> => pause(ms, undefined, { signal: leaving.signal });

  /** Whether one has a whim now, which `have` asked for or is one's `own`: each once, and few in all. */
  const feelingOf = (own: Set<Whim>): Feeling => {
    let followed = 0;
    return (whim) => {
      const happened = wanted.get(whim);
      if (followed >= WHIMS_MAX || !(happened || own.has(whim))) return false;
      followed++;
      wanted.delete(whim);
      own.delete(whim);
      happened?.();
      return true;
    };
  };

  /** The answer of whichever service answers: one call is made again with its key until something is final about it. */
  const insist = async (method: string, path: string, body?: object, id: string = randomUUID()): Promise<Answer> => {
    const headers = { ...bearer(token), ...(method === 'POST' && { 'idempotency-key': id }) };
    for (;;) {
      const service = doors[chance.below(doors.length)] ?? doors[0];
      const called = service.client().then((client) => client.call(method, path, body, headers));
      called.catch(() => undefined); // It may end after it was given up.
      const answer = await Promise.race([called, wait(PATIENCE_MS).then(() => undefined)]).catch(() => undefined);
      leaving.signal.throwIfAborted();
      if (answer && answer.status < 500 && answer.status !== 429) return answer;
      await wait(GLANCE_MS);
    }
  };

  const says = (words: string) => `Make the sum a sum, please (${words}).`;

  /** What is said to a gate, each at the same time as the others. */
  const answersTo = (digest: string, attempt: number, feels: Feeling): readonly object[] => {
    const approve = { action: 'approve', approval_digest: digest };
    if (feels('the same approval twice at once')) return [approve, approve];
    if (feels('approval and rejection at once')) return [approve, { action: 'reject', attempt }];
    if (feels('approval and cancel at once')) return [approve, { action: 'cancel', attempt }];
    if (feels('rejection')) return [{ action: 'reject', attempt }];
    if (feels('a question instead of an approval')) return [{ action: 'ask', attempt, question: 'Is it a sum?' }];
    return [approve];
  };

  const byHttp = async (words: string, failed: () => void): Promise<void> => {
    const key = randomUUID();
    const feels = feelingOf(new Set(chance.below(WHIMS_IN) === 0 ? [chance.pick(SUDDEN)] : []));
    const filing = () => insist('POST', '/api/v1/tasks', { intent: says(words) }, key);
    const [filed] = await Promise.all([filing(), ...(feels('the same request twice at once') ? [filing()] : [])]);
    if (filed.status !== 201) throw new Error(`the request was answered with ${filed.status}: ${filed.text}`);
    const path = `/api/v1/tasks/${filed.task().taskId}`;
    const act = (...actions: readonly object[]) =>
      Promise.all(actions.map((action) => insist('POST', `${path}/actions`, action)));
    const rerun = (): Promise<Answer> =>
      insist('POST', `${path}/rerun`, chance.below(2) === 0 ? { feedback: 'Once more, please.' } : {});
    /** What came of asking for another attempt than this one. */
    const runAgain = async (attempt: number): Promise<readonly Answer[]> => {
      if (feels('the same rerun twice at once')) return Promise.all([rerun(), rerun()]);
      if (!feels('rerun and cancel at once')) return [await rerun()];
      const [again] = await Promise.all([rerun(), act({ action: 'cancel', attempt: attempt + 1 })]);
      return [again];
    };
    /** Attempts that were seen to fail, and that another one was asked for after. */
    let [seen, takenUp] = [0, 0];
    const look = async (task: TaskView): Promise<boolean> => {
      if (task.status === 'COMPLETED') return true;
      if (task.approval) await act(...answersTo(task.approval.digest, task.attempt, feels));
      else if (task.status === 'RUNNING' && feels('cancel while it runs')) await act({ action: 'cancel', attempt: task.attempt });
      // Who was asked back says it anew; what was missing is there when it is looked for again.
      else if (task.status === 'WAIT_CLARIFY')
        await act({ action: 'retry' }, { action: 'clarify', text: says(`${words} again`) });
      else if (task.status === 'FAILED' && task.attempt > takenUp) {
        if (task.attempt > seen) failed();
        seen = task.attempt;
        if (seen > RERUNS_MAX) return true;
        const answers = await runAgain(task.attempt);
        // A process that has not come so far says to read it again, and so one does. Whatever else it says is the last word.
        if (!answers.every(({ status }) => status === 404 || status === 409)) takenUp = task.attempt;
      }
      return false;
    };
    for (;;) {
      const answer = await insist('GET', path);
      if (answer.status === 200 && (await look(answer.task()))) return;
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
    if (feelingOf(new Set())('the same update again')) void again().catch(() => undefined);
    /** Messages that said that an attempt failed: a press that nobody answered is pressed again. */
    const ended = new Set<number>();
    for (;;) {
      const heard = telegram.messages(chat).filter(({ from, deleted }) => from.is_bot && !deleted);
      if (heard.some(({ text }) => text.startsWith('✅'))) return;
      // Whatever else was said since, such as that the request is known already.
      const last = heard.findLast((message) => ANSWERS.some((label) => buttonOf(message, label)));
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

  /** A member of the group reads along, and approves as others do at the same time. */
  const readAlong = async ({ id, member }: NonNullable<Site['group']>): Promise<void> => {
    for (;;) {
      for (const message of telegram.messages({ id })) {
        if (message.deleted || !buttonOf(message, 'Approve') || chance.below(4) > 0) continue;
        const pressed = telegram.as(member).press(message, 'Approve');
        await Promise.race([pressed.catch(() => undefined), wait(PATIENCE_MS)]);
      }
      await wait(4 * GLANCE_MS);
    }
  };
  const reading = group ? readAlong(group).catch(() => undefined) : undefined;

  return {
    ask: () => {
      const words = `wish ${wishes.length + 1}-${randomUUID().slice(0, 8)}`;
      const writer = onlyInTelegram || chance.below(2) === 0 ? writers[written] : undefined;
      if (writer) {
        written++;
        begin(words, writer.id, (failed) => inTelegram(words, writer, failed));
      } else begin(words, null, (failed) => byHttp(words, failed));
    },
    wishes,
    open: () => wishes.filter((wish) => !wish.isOver()).length,
    have: (whim) => new Promise((resolve) => wanted.set(whim, resolve)),
    provoke: (event) => {
      const whim = PROVOKING[event];
      if (whim && !wanted.has(whim)) wanted.set(whim, () => {});
    },
    leave: async () => {
      leaving.abort();
      await Promise.all([reading, ...wishes.map(({ over }) => over)]);
    },
  };
};
