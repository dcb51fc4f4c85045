import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Artifacts } from '../../commands/ports/artifacts.ts';
import type { Clock } from '../../commands/ports/clock.ts';
import { cardStream } from '../../domain/card.ts';
import { chatStream } from '../../domain/chat/index.ts';
import { type EventStore, StoreUnavailable } from '../../domain/event-store.ts';
import { taskStream } from '../../domain/ids.ts';
import { textOf } from '../../domain/text.ts';
import type { TaskView } from '../../projections/task-view.ts';
import type { ProgressFeed } from '../http/context.ts';
import type { Log } from '../log.ts';
import type { Views } from '../views/views.ts';
import { type AudienceOptions, createAudience } from './audience.ts';
import { createCards, type WantedCard, wantedCardId } from './cards.ts';
import { createChanges } from './changes.ts';
import type { Names } from './facts.ts';
import { createLooks } from './looks.ts';
import { createMessenger } from './messenger.ts';
import type { Outbox } from './outbox.ts';
import { systemTimer, type Timer } from './pace.ts';
import { isPrivateChat } from './place.ts';
import { createProgressLines } from './progress-lines.ts';

/** Between two edits of one card that only bring progress, in milliseconds. */
const PROGRESS_MS = 3_000;
/** Cards that are tried again when a chat can be reached again, the newest: nobody reads more of them. */
const TRIED_AGAIN_MAX = 20;
const MOVED_MAX = 1_000;
/** Tasks of which it is known whether the notify chat follows them. */
const CONSIDERED_MAX = 10_000;
/** Cards looked at in one turn of the event loop at the start. */
const TURN_CARDS = 50;
const AWAY_MS = 1_000;

const TASKS = taskStream('');
const CARDS = cardStream('');
const RIGHTS = ['person-', chatStream('')];
const GOING_ON = ['CREATED', 'WAIT_CLARIFY', 'WAIT_APPROVE_WRITE', 'RUNNING', 'WAIT_APPROVE_PATCH', 'PR_CREATED'] as const;

export interface HeraldOptions extends AudienceOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  readonly views: Pick<Views, 'queries' | 'onChange'>;
  readonly outbox: Outbox;
  readonly artifacts: Artifacts;
  readonly progress: Pick<ProgressFeed, 'listen'>;
  /** The notify chat gets the card of every task that was filed elsewhere, or by somebody who may not approve it in private. */
  readonly mayApprove: (personId: string, repo: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Pick<Log, 'error'>;
  readonly timer?: Timer;
}

/** Tells chats about tasks: whatever happens to a task, each of its cards comes to say so, in its time. */
export interface Herald {
  /** From now on, and what was left undone before. */
  start(): void;
  /** A chat follows a task. Resolves when that is stored; a second time changes nothing. Throws `StoreUnavailable`. */
  want(card: WantedCard): Promise<void>;
  /** Somebody is heard in this chat (again): what it could not be told is told now. */
  reachable(chat: string): void;
  /** A group became a supergroup. */
  moved(from: string, to: string): void;
  /** After the outbox: nothing is posted or recorded any more when it resolves. */
  stop(): Promise<void>;
}

/** How people are called in chats, by the views. */
export const namesIn =
  (views: Pick<Views, 'queries'>): Names =>
  (personId) => {
    if (!personId.startsWith('person-')) return 'the service';
    const person = views.queries.getPerson(personId);
    return person ? textOf(person.name) : 'somebody';
  };

export const createHerald = (options: HeraldOptions): Herald => {
  const { store, views, outbox, artifacts, progress, notify, mayApprove, clock, log, timer = systemTimer } = options;
  const stopping = Promise.withResolvers<never>();
  stopping.promise.catch(() => undefined); // Only those who wait are told.
  const pause = (ms: number): Promise<void> =>
    Promise.race([new Promise<void>((resolve) => timer.after(ms, resolve)), stopping.promise]);
  const cards = createCards({ store, clock, pause });
  const said = createProgressLines();
  const considered = new Set<string>();
  const audience = createAudience(options);
  const throttled = new Map<string, () => void>();
  const leave: (() => void)[] = [];
  const work = new Set<Promise<void>>();

  const taskOf = (taskId: string): TaskView | undefined => {
    const found = views.queries.getTask(taskId);
    return found && JSON.parse(found.json); // Written by the projection.
  };

  const messenger = createMessenger({
    cards,
    outbox,
    taskOf,
    audience,
    names: namesIn(views),
    changes: createChanges(artifacts),
    progress: said,
    now: () => Date.parse(clock.now()),
  });
  const looks = createLooks({ messenger, timer, log });

  /** Keeps what goes on by itself; an outage of the log is waited out. */
  const background = (doing: () => Promise<void>): void => {
    const again = async (): Promise<void> => {
      try {
        await doing();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await pause(AWAY_MS);
        await again();
      }
    };
    const tracked = again()
      .catch((error: unknown) => {
        if (!looks.isStopped()) log.error({ err: error }, 'cards could not be brought up to date');
      })
      .finally(() => work.delete(tracked));
    work.add(tracked);
  };

  const isForNotify = async (task: TaskView): Promise<boolean | undefined> => {
    if (task.source.im !== 'telegram') return true;
    const known = views.queries.cards.ofTask(task.taskId);
    // Its own card comes a moment after the task.
    if (known.length === 0) return undefined;
    return known.some(isPrivateChat) && !(await mayApprove(task.triggerUser, task.repo));
  };

  const consider = async (taskId: string): Promise<void> => {
    if (!notify || considered.has(taskId)) return;
    const task = taskOf(taskId);
    if (!task || task.status === 'COMPLETED' || task.status === 'FAILED') return;
    const isWanted = await isForNotify(task);
    if (isWanted === undefined) return;
    if (isWanted) await cards.want({ taskId, place: notify, replyTo: null });
    considered.add(taskId);
    const [oldest] = considered;
    if (considered.size > CONSIDERED_MAX && oldest !== undefined) considered.delete(oldest);
  };

  const lookAtTask = (taskId: string): void => {
    for (const { cardId } of views.queries.cards.ofTask(taskId)) looks.look(cardId);
  };

  const everything = async (): Promise<void> => {
    let seen = 0;
    for (const { cardId } of views.queries.cards.unfinished()) {
      looks.look(cardId);
      if (++seen % TURN_CARDS === 0) await nextTurn();
    }
    if (!notify) return;
    for (const status of GOING_ON) {
      let cursor: string | null | undefined;
      while (cursor !== null) {
        const page = views.queries.listTasks({ status, limit: 100, ...(cursor !== undefined && { cursor }) });
        for (const summary of page.tasks) await consider((JSON.parse(summary) as TaskView).taskId); // Written by the projection.
        cursor = page.next;
      }
    }
  };

  /** Whichever of a task and its card comes into the views last is the one that knows both. */
  const considerLater = (taskId: string | undefined): void => {
    if (notify && taskId !== undefined && !considered.has(taskId)) background(() => consider(taskId));
  };

  const changed = (streams: ReadonlySet<string>): void => {
    // Another build of a view answers: what it says may differ.
    if (streams.size === 0) background(everything);
    for (const stream of streams) {
      if (stream.startsWith(CARDS)) {
        const cardId = stream.slice(CARDS.length);
        looks.look(cardId);
        if (notify) considerLater(views.queries.cards.get(cardId)?.taskId);
      } else if (stream.startsWith(TASKS)) {
        const taskId = stream.slice(TASKS.length);
        lookAtTask(taskId);
        considerLater(taskId);
      } else if (RIGHTS.some((kind) => stream.startsWith(kind))) {
        for (const cardId of audience.withheld()) looks.look(cardId);
        messenger.recheckAll();
      }
    }
  };

  const heard = (stream: string, line: string): void => {
    said.hear(stream, line);
    if (throttled.has(stream)) return;
    const forget = timer.after(PROGRESS_MS, () => {
      throttled.delete(stream);
      lookAtTask(stream.slice(TASKS.length));
    });
    throttled.set(stream, forget);
  };

  return {
    start: () => {
      leave.push(views.onChange(changed), progress.listen(heard));
      background(everything);
    },
    want: async (card) => {
      await cards.want(card);
      looks.look(wantedCardId(card));
    },
    reachable: (chat) => {
      for (const { cardId } of views.queries.cards.undelivered(chat, TRIED_AGAIN_MAX)) looks.look(cardId, { again: true });
    },
    moved: (from, to) => {
      background(async () => {
        for (const { cardId, undeliverable } of views.queries.cards.ofChat(from, MOVED_MAX)) {
          await cards.moved(cardId, to);
          if (undeliverable) looks.look(cardId, { again: true });
        }
      });
    },
    stop: async () => {
      for (const end of leave.splice(0)) end();
      for (const forget of throttled.values()) forget();
      const ended = looks.stop();
      stopping.reject(new Error('the service is stopping'));
      await Promise.allSettled([ended, ...work]);
    },
  };
};
