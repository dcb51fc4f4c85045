import { join } from 'node:path';
import type { User } from 'grammy/types';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/commands/ports/clock.ts';
import { type Happened, sealed } from '../../src/domain/event.ts';
import type { EventStore } from '../../src/domain/event-store.ts';
import { derivedId, taskStream } from '../../src/domain/ids.ts';
import { createArtifacts } from '../../src/infra/artifacts.ts';
import { createProgressFeed } from '../../src/infra/progress-feed.ts';
import { createTelegramApi } from '../../src/infra/telegram/api.ts';
import { createHerald, type Herald, type HeraldOptions } from '../../src/infra/telegram/herald.ts';
import { createOutbox, type Outbox } from '../../src/infra/telegram/outbox.ts';
import type { Views } from '../../src/infra/views/views.ts';
import { taskCreated } from '../domain/task/events.ts';
import { TASK_ID } from '../domain/task/samples.ts';
import { type ChatRef, type SeenMessage, startTelegram, type Telegram } from '../support/telegram/index.ts';
import { aFolder, aStore, theViews } from '../views/places.ts';
import { taskIdOf, tell } from '../views/stories.ts';
import { type FastTime, fastTime } from './fast-time.ts';

/** A log with its views, Telegram, and a herald between them that can die and be followed by another. */
export interface Studio {
  readonly tg: Telegram;
  readonly store: EventStore;
  readonly views: Views;
  readonly time: FastTime;
  readonly herald: Herald;
  readonly outbox: Outbox;
  readonly ann: User;
  /** Ann's own. */
  readonly chat: ChatRef;
  readonly faults: readonly unknown[];
  progress(number: number, line: string): void;
  /** Lets task `number` come to the end of `history`, of which the first `from` events are told. */
  tell(number: number, history: readonly Happened[], from?: number): Promise<void>;
  /** Files task `number` by Telegram: its first event alone. */
  fileByTelegram(number: number): Promise<void>;
  /** Somebody comes to be known. */
  befriend(): Promise<void>;
  /** The chat of `chat`, or another, follows the task. */
  follow(number: number, place?: { readonly id: number }, replyTo?: number | null): Promise<void>;
  /** What the bot said, oldest first. */
  said(of?: ChatRef): readonly SeenMessage[];
  /** Waits until what the bot said is so; throws what it was instead. */
  until(fits: (said: readonly SeenMessage[]) => boolean, of?: ChatRef): Promise<readonly SeenMessage[]>;
  /** Nothing changes any more for a while. */
  quiet(): Promise<void>;
  /** This herald dies as it stands, and the next begins; `more` is what the next one is given. */
  restart(more?: Partial<HeraldOptions>): Promise<void>;
}

const WAIT_MS = 8_000;

export const openStudio = async (options: Partial<HeraldOptions> = {}): Promise<Studio> => {
  const folder = aFolder();
  const store = aStore(folder);
  const views = await theViews(folder, store);
  await views.ready;
  const tg = await startTelegram();
  const time = fastTime(tg);
  const ann = tg.person({ id: 11, firstName: 'Ann' });
  const chat = tg.privateChat(ann);
  tg.as(ann).send(chat, 'hello');
  const feed = createProgressFeed();
  const faults: unknown[] = [];
  const artifacts = createArtifacts({ folder: join(folder, 'artifacts'), bytesMax: 1024 * 1024 });

  const open = (more: Partial<HeraldOptions>) => {
    const outbox = createOutbox({
      api: createTelegramApi({ token: tg.token, apiRoot: tg.apiRoot, timeoutMs: 2_000 }),
      log: { info: () => undefined, warn: () => undefined },
      onMigrated: (from, to) => herald.moved(from, to),
      timer: time,
    });
    const herald = createHerald({
      store,
      views,
      outbox,
      artifacts,
      progress: feed,
      notify: null,
      mayApprove: async () => true,
      mayBeTold: async () => true,
      clock: systemClock,
      log: { error: (fields: unknown) => faults.push(fields) },
      timer: time,
      ...options,
      ...more,
    });
    herald.start();
    return { outbox, herald };
  };
  let running = open({});
  const stop = async (): Promise<void> => {
    await running.outbox.stop();
    await running.herald.stop();
  };
  onTestFinished(async () => {
    await stop();
    time.stop();
    await tg.stop();
  });

  const said = (of = chat): readonly SeenMessage[] => tg.messages(of).filter(({ from, deleted }) => from.is_bot && !deleted);

  return {
    tg,
    store,
    views,
    time,
    ann,
    chat,
    faults,
    get herald() {
      return running.herald;
    },
    get outbox() {
      return running.outbox;
    },
    progress: (number, line) => feed.tell(`task-${taskIdOf(number)}`, line),
    tell: async (number, history, from = 0) => {
      await views.waitFor(await tell(store, number, history, from), WAIT_MS);
    },
    fileByTelegram: async (number) => {
      const { type, data, actor, at } = taskCreated();
      const own = JSON.parse(JSON.stringify(data).replaceAll(TASK_ID, taskIdOf(number)));
      const stream = taskStream(taskIdOf(number));
      const command = { id: derivedId(taskIdOf(number), 0), type, data, actor, at, channel: 'telegram' };
      const { position } = await store.append(stream, sealed(stream, [{ type, data: own }], command, 0, ''), 'no_stream');
      await views.waitFor(position, WAIT_MS);
    },
    befriend: async () => {
      const personId = `person-${crypto.randomUUID()}`;
      const fact = { type: 'PersonAdded', data: { personId, name: { text: 'Zoe', salt: '' } } };
      const command = { id: crypto.randomUUID(), ...fact, actor: personId, at: systemClock.now(), channel: 'cli' };
      await store.append(personId, sealed(personId, [fact], command, 0, ''), 'no_stream');
    },
    follow: (number, place = chat, replyTo = null) =>
      running.herald.want({ taskId: taskIdOf(number), place: { chat: String(place.id), thread: null }, replyTo }),
    said,
    until: async (fits, of = chat) => {
      const end = performance.now() + WAIT_MS;
      while (!fits(said(of))) {
        if (performance.now() > end)
          throw new Error(
            `there was:\n${said(of)
              .map(({ text }) => text)
              .join('\n---\n')}`,
          );
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return said(of);
    },
    quiet: async () => {
      await time.pass(20_000);
    },
    restart: async (more = {}) => {
      await stop();
      running = open(more);
    },
  };
};
