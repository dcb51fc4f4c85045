import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/commands/ports/clock.ts';
import { createArtifacts } from '../../src/infra/artifacts.ts';
import { createProgressFeed } from '../../src/infra/progress-feed.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { createTelegramApi } from '../../src/infra/telegram/api.ts';
import { createHerald } from '../../src/infra/telegram/herald.ts';
import { createOutbox } from '../../src/infra/telegram/outbox.ts';
import { openKeeper } from '../../src/infra/views/keeper.ts';
import { openViews } from '../../src/infra/views/views.ts';
import { untilAgent, untilPrepared } from '../domain/task/events.ts';
import { type ChatRef, startTelegram, type Telegram } from '../support/telegram/index.ts';
import { fastTime } from '../telegram/fast-time.ts';
import { taskIdOf, tell, tellMany } from '../views/stories.ts';
import { absolute, type Figure } from './figure.ts';

const CARDS = 200;
const APPROVALS = 10;
/** Of Telegram's time. */
const BETWEEN_APPROVALS_MS = 10_000;
/** Each running task says something this often, in milliseconds of Telegram's time. */
const TALK_MS = 1_000;

interface Stage {
  readonly name: string;
  /** How much faster than ours Telegram's time runs, about. */
  readonly jumpMs: number;
  /** Where the card of each task goes. */
  chats(tg: Telegram): readonly ChatRef[];
}

const inOneGroup: Stage = {
  name: 'in one group',
  jumpMs: 100,
  chats: (tg) => {
    const ann = tg.person({ id: 11, firstName: 'Ann' });
    const group = tg.group({ title: 'Team', members: [ann] });
    tg.as(ann).addBot(group);
    return [group];
  },
};

const inManyChats: Stage = {
  name: `in ${CARDS} chats`,
  jumpMs: 10,
  chats: (tg) =>
    Array.from({ length: CARDS }, (_, index) => {
      const person = tg.person({ id: 1_000 + index, firstName: `P${index}` });
      tg.as(person).send(tg.privateChat(person), 'hello');
      return tg.privateChat(person);
    }),
};

/** Everything but the door and the agents: the log, its views, the herald, the outbox and a strict server. */
const measured = async ({ name, jumpMs, chats }: Stage): Promise<Figure[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  const store = openSqliteStore({ file: join(folder, 'log.db') });
  const file = join(folder, 'views.db');
  const views = await openViews(file, await openKeeper({ file, auditFile: join(folder, 'audit.jsonl'), store }));
  const tg = await startTelegram();
  tg.flood.enforce(true);
  const places = chats(tg);
  const placeOf = (number: number): ChatRef => places[number % places.length] ?? { id: 0 };
  const time = fastTime(tg, jumpMs);
  const feed = createProgressFeed();
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const outbox = createOutbox({
    api: createTelegramApi({ token: tg.token, apiRoot: tg.apiRoot, timeoutMs: 10_000 }),
    log: silent,
    timer: time,
  });
  const herald = createHerald({
    store,
    views,
    outbox,
    artifacts: createArtifacts({ folder: join(folder, 'artifacts'), bytesMax: 1_000 }),
    progress: feed,
    notify: null,
    mayApprove: async () => true,
    mayBeTold: async () => true,
    clock: systemClock,
    log: silent,
    timer: time,
  });
  herald.start();
  const follow = (number: number): Promise<void> =>
    herald.want({ taskId: taskIdOf(number), place: { chat: String(placeOf(number).id), thread: null }, replyTo: null });

  await tellMany(store, CARDS, () => untilAgent);
  await views.waitFor((await store.head()) ?? '', 10_000);
  await Promise.all(Array.from({ length: CARDS }, (_, number) => follow(number)));
  const posted = (): number => tg.calls.filter(({ method }) => method === 'sendMessage').length;
  while (posted() < CARDS) await time.pass(1_000);

  let talking = true;
  const talk = async (): Promise<void> => {
    for (let line = 0; talking; line++) {
      for (let number = 0; number < CARDS; number++) feed.tell(`task-${taskIdOf(number)}`, `line ${line} of task ${number}`);
      await time.pass(TALK_MS);
    }
  };
  const talked = talk();
  const waits: number[] = [];
  for (let approval = 0; approval < APPROVALS; approval++) {
    await time.pass(BETWEEN_APPROVALS_MS);
    const number = CARDS + approval;
    await tell(store, number, untilPrepared);
    const begun = time.now();
    await follow(number);
    await tg.waitForMessage(placeOf(number), ({ text }) => text.includes(`· ${taskIdOf(number).slice(0, 8)}`), 60_000);
    waits.push((time.now() - begun) / 1_000);
  }
  talking = false;
  await talked;
  const edits = tg.calls.filter(({ method }) => method === 'editMessageText').length;
  await outbox.stop();
  await herald.stop();
  time.stop();
  await views.close();
  await store.close();
  await tg.stop();
  await rm(folder, { recursive: true });
  return [
    absolute(`${CARDS} running cards ${name}: calls over a limit of Telegram`, tg.flood.violations.length, 'calls', '<= 0'),
    absolute(`${CARDS} running cards ${name}: slowest approval card`, Math.max(...waits), 's', '<= 5'),
    absolute(`${CARDS} running cards ${name}: edits of progress meanwhile`, edits, 'edits', '>= 5'),
  ];
};

/** Cards of running tasks keep within Telegram's limits, and what a person must act on does not wait for them. */
export const runningCards = async (): Promise<Figure[]> => [...(await measured(inOneGroup)), ...(await measured(inManyChats))];
