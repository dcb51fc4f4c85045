import { setTimeout as delay } from 'node:timers/promises';
import type { Chats } from '../../commands/chats.ts';
import type { Door } from '../../commands/door.ts';
import type { Identities } from '../../commands/identities.ts';
import type { People } from '../../commands/people.ts';
import type { Artifacts } from '../../commands/ports/artifacts.ts';
import type { Clock } from '../../commands/ports/clock.ts';
import { type EventStore, StoreUnavailable } from '../../domain/event-store.ts';
import { may } from '../../domain/person/index.ts';
import type { TaskView } from '../../projections/task-view.ts';
import type { Check } from '../checks.ts';
import type { Configuration } from '../config/configuration.ts';
import type { HealthReport, ProgressFeed } from '../http/context.ts';
import type { TelegramWebhook } from '../http/telegram-route.ts';
import type { Log } from '../log.ts';
import type { Views } from '../views/views.ts';
import { createTelegramApi, TELEGRAM_API_ROOT } from './api.ts';
import { cardText } from './card-text.ts';
import { createChanges } from './changes.ts';
import { checkTelegram } from './checks.ts';
import type { Words } from './desk.ts';
import { detailsText } from './details.ts';
import { createHerald } from './herald.ts';
import { createIntake } from './intake.ts';
import { introduce } from './introduction.ts';
import { createMenus } from './menu.ts';
import { createOutbox } from './outbox.ts';
import { isPrivateChat } from './place.ts';
import { createPoller } from './poller.ts';
import { createPulse } from './pulse.ts';
import { createReading } from './reading.ts';
import { createUptake, type Uptake } from './uptake.ts';
import { createWebhook } from './webhook.ts';

export interface TelegramOptions {
  readonly configuration: Configuration['telegram'] & { readonly botToken: string };
  readonly door: Door;
  readonly people: People;
  readonly identities: Identities;
  readonly chats: Chats;
  readonly store: EventStore;
  readonly views: Views;
  readonly artifacts: Artifacts;
  readonly progress: ProgressFeed;
  readonly health: () => Promise<HealthReport>;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this process is the one that speaks to Telegram now; always, when left out. */
  readonly mayCall?: (() => boolean) | undefined;
}

export interface Telegram {
  /** Without waiting: Telegram may be away. */
  start(): void;
  /** Takes no more updates, then sends no more messages. What was taken is stored; what was not is given again by Telegram. */
  stop(): Promise<void>;
  /** `null`: updates are asked for. */
  readonly webhook: TelegramWebhook | null;
  /** Without the `@`; `null` while Telegram has not said it. */
  botName(): string | null;
  check(): Promise<readonly Check[]>;
}

/**
 * Longest a call may take, in milliseconds: it begins within half of the silence after which another process takes over, so it has ended before that.
 * The one that waits for updates takes longer; it acknowledges nothing but what was taken before it began.
 */
const CALL_MS = 14_000;
const POLL_MS = 45_000;

/** The whole of Telegram: what people write and press goes in, cards and answers come out. */
export const createTelegram = (options: TelegramOptions): Telegram => {
  const { configuration, store, views, people, identities, chats, artifacts, clock, log, mayCall } = options;
  const { botToken: token, mode, webhookSecret, baseUrl, notifyPlace } = configuration;
  const apiRoot = configuration.apiRoot ?? TELEGRAM_API_ROOT;
  const stopping = new AbortController();
  const api = createTelegramApi({ token, apiRoot, timeoutMs: CALL_MS, signal: stopping.signal, mayCall });
  const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal: stopping.signal });
  const pulse = createPulse(log);
  const reading = createReading({ views, store });
  const changes = createChanges(artifacts);
  const outbox = createOutbox({
    api,
    log,
    onMigrated: (from, to) => {
      // Should the store be away: Telegram says it again with the next message there.
      chats
        .moved('telegram', from, to)
        .catch((error: unknown) => log.warn({ err: error }, 'a group’s new id is not recorded yet'));
      herald.moved(from, to);
    },
  });
  const herald = createHerald({
    ...options,
    outbox,
    notify: notifyPlace,
    mayApprove: async (personId, repo) => {
      const person = await people.get(personId);
      return person !== null && may(person, { right: 'approve', repo });
    },
    mayBeTold: async ({ chat }, repo) => {
      if (!isPrivateChat({ chat })) return (await chats.bySubject('telegram', chat))?.isAllowed === true;
      const person = await identities.byIdentity('telegram', chat);
      return person !== undefined && may(person, { right: 'read', repo });
    },
  });

  const menus = createMenus({
    api,
    pause,
    sources: {
      people: () =>
        views.queries.listPeople().flatMap(({ personId, identities }) => {
          const person = views.queries.getPerson(personId);
          const accounts = identities.filter(({ channel }) => channel === 'telegram').map(({ subject }) => subject);
          return person && accounts.length > 0 ? [{ person, accounts }] : [];
        }),
      groups: () =>
        views.queries
          .listChats()
          .flatMap(({ channel, subject, allowed }) => (channel === 'telegram' && allowed ? [subject] : [])),
    },
  });

  const page = async (task: TaskView): Promise<readonly Words[]> => {
    const { text, keyboard, document } = cardText(task, { names: reading.named, changes: await changes(task), progress: [] });
    const file = document && { text: document.caption, document: { name: document.name, bytes: document.bytes } };
    return [...(file ? [file] : []), { text, keyboard }];
  };

  let botName: string | null = null;
  const introduced = Promise.withResolvers<Uptake>();
  introduced.promise.catch(() => undefined); // Whoever waits for it is told.
  const poller = createPoller({
    api: createTelegramApi({ token, apiRoot, timeoutMs: POLL_MS, mayCall }),
    take: async (update, signal) => (await introduced.promise).patiently(update, signal),
    mayTake: mayCall,
    pulse,
    now: clock.now,
  });
  const webhook =
    mode === 'webhook' && webhookSecret !== null && baseUrl !== null
      ? createWebhook({ api, baseUrl, secret: webhookSecret, pulse, now: clock.now })
      : null;

  const begin = async (): Promise<void> => {
    const { name, ...bot } = await introduce(api, pulse, pause);
    botName = name;
    const intake = createIntake({
      ...options,
      bot,
      cards: herald,
      reading,
      outbox,
      page,
      details: (task) => detailsText(task, reading.named),
      reachable: (chat) => {
        herald.reachable(chat);
        menus.met(chat);
      },
      groupAllowed: menus.refresh,
    });
    introduced.resolve(createUptake({ intake, pulse, log }));
    menus.refresh();
    (webhook ?? poller).start();
    log.info({ bot: name, mode }, 'Telegram is on');
  };

  const forgetChanges = views.onChange((streams) => {
    const isOfMenus = (stream: string): boolean => stream.startsWith('person-') || stream.startsWith('chat-');
    if (botName !== null && streams.values().some(isOfMenus)) menus.refresh();
  });

  return {
    start: () => {
      herald.start();
      begin().catch(introduced.reject);
    },
    stop: async () => {
      stopping.abort();
      introduced.reject(new StoreUnavailable('The service stops.')); // What Telegram sends meanwhile, it sends again.
      forgetChanges();
      await (webhook ?? poller).stop();
      await outbox.stop();
      await herald.stop();
    },
    webhook: webhook && {
      isSecret: webhook.isSecret,
      take: async (update) => {
        const uptake = await introduced.promise;
        pulse.heard(clock.now());
        await uptake.once(update);
      },
    },
    botName: () => botName,
    check: () => checkTelegram(api, () => ({ mode, pulse: pulse.read(), waiting: outbox.waiting() })),
  };
};
