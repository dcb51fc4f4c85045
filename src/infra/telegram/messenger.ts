import type { Card, PostedCard } from '../../domain/card.ts';
import { taskStream } from '../../domain/ids.ts';
import type { TaskView } from '../../projections/task-view.ts';
import type { Audience } from './audience.ts';
import { cardText } from './card-text.ts';
import type { Cards } from './cards.ts';
import type { ReadChanges } from './changes.ts';
import type { CardText, Names } from './facts.ts';
import { type Notice, noticeOf, planOf } from './notices.ts';
import type { Outbox, SendOutcome } from './outbox.ts';
import type { Priority } from './pace.ts';
import type { ProgressLines } from './progress-lines.ts';
import { supersededText } from './superseded.ts';

/** Cards whose last words are remembered, so that they are not said again. */
const SAID_MAX = 5_000;

export interface MessengerOptions {
  readonly cards: Cards;
  readonly outbox: Outbox;
  readonly taskOf: (taskId: string) => TaskView | undefined;
  readonly audience: Pick<Audience, 'hears'>;
  readonly names: Names;
  readonly changes: ReadChanges;
  readonly progress: ProgressLines;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What is to be done about a card next: nothing, or to look again in so many milliseconds, or at once. */
export type Next = 'rest' | 'again' | { readonly inMs: number };

export interface Look {
  /** The chat may take messages once more. */
  readonly again: boolean;
  /** A message that a person must act on is gone: it is posted once more. */
  readonly repost: boolean;
}

/** What a message was made to say last. */
interface Said {
  readonly words: string;
  /** Status and stage: while they are the same, only progress changes. */
  readonly state: string;
}

const stateOf = ({ status, stage, attempt }: TaskView): string => [status, stage, attempt].join(' ');

/** Brings one card up to date with its task: posts, edits, and records what was posted. */
export const createMessenger = ({ cards, outbox, taskOf, audience, names, changes, progress, now }: MessengerOptions) => {
  /** By card. */
  const said = new Map<string, Said>();
  /** By card: looks whether the message that waits to be sent is still the one to send. */
  const rechecks = new Map<string, () => Promise<void>>();

  const remember = (cardId: string, messageId: number, task: TaskView, { text, keyboard }: CardText): Said | undefined => {
    const before = said.get(cardId);
    said.delete(cardId);
    said.set(cardId, { words: JSON.stringify([messageId, text.html, keyboard]), state: stateOf(task) });
    const [oldest] = said.keys();
    if (said.size > SAID_MAX && oldest !== undefined) said.delete(oldest);
    return before;
  };

  const textOf = async (task: TaskView): Promise<CardText> =>
    cardText(task, { names, changes: await changes(task), progress: progress.of(taskStream(task.taskId)) });

  /** A message that a newer one follows says in one line what became of it. */
  const supersede = ({ chat, thread }: Card, message: PostedCard | undefined, task: TaskView, priority: Priority): void => {
    if (message?.chat !== chat) return;
    const text = supersededText(task, message, names);
    void outbox.edit({ place: { chat, thread }, messageId: message.messageId, text, priority });
  };

  const send = async (
    card: Card,
    notice: Notice,
    { text, keyboard, document }: CardText,
    signal: AbortSignal,
  ): Promise<SendOutcome> => {
    const { chat, thread, posted, replyTo } = card;
    const { priority } = notice;
    const answered = posted.length === 0 && replyTo !== null ? { replyTo } : {};
    const message = { place: { chat, thread }, priority, text, keyboard, silent: !notice.loud, signal };
    if (!document) return outbox.send({ ...message, ...answered });
    const { caption, ...file } = document;
    const before = await outbox.send({ ...message, ...answered, text: caption, keyboard: [], silent: true, document: file });
    // What cannot be read whole is not asked about.
    if (!('sent' in before)) return before;
    return outbox.send({ ...message, place: before.sent.place, replyTo: before.sent.messageId });
  };

  const post = async (card: Card, task: TaskView, notice: Notice): Promise<Next> => {
    const { cardId, chat } = card;
    const words = await textOf(task);
    const withdrawal = new AbortController();
    const check = async (): Promise<void> => {
      const current = taskOf(task.taskId);
      if (current && noticeOf(current).key !== notice.key) withdrawal.abort();
      else if (!(await audience.hears(card, task))) withdrawal.abort();
    };
    // What cannot be known now is looked at again when something changes.
    const recheck = (): Promise<void> => check().catch(() => undefined);
    rechecks.set(cardId, recheck);
    void recheck(); // Its words took a moment.
    const outcome = await send(card, notice, words, withdrawal.signal).finally(() => rechecks.delete(cardId));
    if ('sent' in outcome) {
      const { messageId, place } = outcome.sent;
      await cards.posted(cardId, notice.key, notice.attempt, place, messageId);
      remember(cardId, messageId, task, words);
      if (place.chat === chat) supersede(card, card.posted.at(-1), task, 'end');
      return 'again';
    }
    if (outcome.undeliverable === 'withdrawn') return 'again';
    if (outcome.undeliverable === 'stopped') return 'rest';
    const isKnown = card.undeliverable?.key === notice.key && card.undeliverable.reason === outcome.undeliverable;
    if (!isKnown) await cards.undeliverable(cardId, notice.key, outcome.undeliverable);
    return 'rest';
  };

  /** Is not waited for: a newer edit takes its place, and what must be sent goes first. */
  const edit = async (card: Card, task: TaskView, notice: Notice, message: PostedCard, onGone: () => void): Promise<void> => {
    const words = await textOf(task);
    const { chat, thread, cardId, posted } = card;
    const { messageId } = message;
    const before = remember(cardId, messageId, task, words);
    // The first look of this process: an earlier one may have died before it said what became of the message before.
    if (!before) supersede(card, posted.at(-2), task, 'progress');
    if (before?.words === said.get(cardId)?.words) return;
    const priority = before === undefined || before.state === stateOf(task) ? 'progress' : 'end';
    const { text, keyboard } = words;
    void outbox.edit({ place: { chat, thread }, messageId, text, keyboard, priority }).then((outcome) => {
      if (outcome === 'gone' && notice.priority === 'act') onGone();
    });
  };

  return {
    /** The task changed while a card is brought: what waits to be sent and is overtaken makes room for what is to be said now. */
    recheck: (cardId: string): void => void rechecks.get(cardId)?.(),
    /** The same for every message that waits: who may hear of what has changed. */
    recheckAll: (): void => {
      for (const recheck of rechecks.values()) void recheck();
    },
    /** Safe to repeat. `onGone` is called later when a message that a person must act on turns out to be gone. Throws what the store throws. */
    bring: async (cardId: string, { again, repost }: Look, onGone: () => void): Promise<Next> => {
      const card = await cards.load(cardId);
      const task = card && taskOf(card.taskId);
      if (!card || !task || !(await audience.hears(card, task))) return 'rest';
      const notice = noticeOf(task);
      const plan = planOf(notice, card, now(), again);
      switch (plan.do) {
        case 'post':
          return post(card, task, notice);
        case 'edit':
          if (repost && notice.priority === 'act') return post(card, task, notice);
          await edit(card, task, notice, plan.message, onGone);
          return 'rest';
        case 'wait':
          return { inMs: plan.ms };
        case 'nothing':
          return 'rest';
      }
    },
  };
};

export type Messenger = ReturnType<typeof createMessenger>;
