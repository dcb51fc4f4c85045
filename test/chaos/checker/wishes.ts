import type { Wish } from '../people.ts';
import type { Site } from '../site.ts';
import type { Logged } from './records.ts';

const DELIVERED: ReadonlySet<string> = new Set(['PullRequestOpened', 'PullRequestUpdated']);

/** Every request became one task, and that task is done, as often as was asked for. */
export const brokenWishes = (wishes: readonly Wish[], stories: ReadonlyMap<string, readonly Logged[]>): readonly string[] =>
  wishes.flatMap(({ words, chat, isOver, failures, updates }) => {
    const mine = [...stories.values()].filter(([created]) => JSON.stringify(created?.data).includes(words));
    const from = `“${words}” ${chat === null ? 'over HTTP' : 'in Telegram'}`;
    if (mine.length === 0) return [`${from}: became no task`];
    if (mine.length > 1) return [`${from}: became ${mine.length} tasks`];
    const end = mine[0]?.at(-1);
    if (end?.type !== 'TaskCompleted') {
      const why = end?.data.errorCode === undefined ? '' : ` ${end.data.errorCode}`;
      return [`${from}: ${end?.stream} stands at ${end?.type}${why}; its person saw ${failures()} attempts fail`];
    }
    const delivered = mine[0]?.filter(({ type }) => DELIVERED.has(type)).length ?? 0;
    if (delivered <= updates())
      return [`${from}: ${end.stream} was delivered ${delivered} times, and more was asked for ${updates()} times since`];
    return isOver() ? [] : [`${from}: ${end.stream} is done, and the person does not see it`];
  });

/** Methods that post what a card says, and the answers by which Telegram takes it never. */
const POSTING: ReadonlySet<string> = new Set(['sendMessage', 'sendDocument']);
const REFUSALS: ReadonlySet<unknown> = new Set([400, 403, 413]);

/** What Telegram recorded of the bot. */
export interface Posts {
  /** `<chat> <message>`: ids of messages count in each chat by themselves. */
  readonly sent: ReadonlySet<string>;
  /** Chats where it refused a message. */
  readonly refusing: ReadonlySet<string>;
}

const postsOf = ({ telegram, writers, group }: Pick<Site, 'telegram' | 'writers' | 'group'>): Posts => ({
  sent: new Set(
    [...writers.map(({ id }) => id), ...(group?.ids ?? [])].flatMap((id) =>
      telegram.messages({ id }).flatMap((message) => (message.from.is_bot ? [`${id} ${message.id}`] : [])),
    ),
  ),
  refusing: new Set(
    telegram.calls.flatMap(({ method, parameters, outcome }) =>
      POSTING.has(method) && REFUSALS.has(outcome) ? [String(parameters.chat_id)] : [],
    ),
  ),
});

/** Every chat that follows a task was told how its last attempt ended, or Telegram did not let it be told. What the log says of it Telegram says, too. */
export const brokenCards = (
  log: readonly Logged[],
  stories: ReadonlyMap<string, readonly Logged[]>,
  { sent, refusing }: Posts,
): readonly string[] => {
  const faults: string[] = [];
  const cards = Map.groupBy(
    log.filter(({ stream }) => stream.startsWith('card-')),
    ({ stream }) => stream,
  );
  for (const [stream, events] of cards) {
    const [wanted] = events;
    const end = stories.get(`task-${wanted?.data.taskId}`)?.at(-1);
    const isSaid = events.some(
      ({ type, data }) => type === 'CardPosted' && data.attempt === end?.data.attempt && data.key?.startsWith('end'),
    );
    if (wanted?.type !== 'CardWanted') faults.push(`${stream}: begins with ${wanted?.type}`);
    // Whether the chat moved since does not matter.
    const isRefused = events.findLast(({ type }) => type !== 'CardMoved')?.type === 'CardUndeliverable';
    if (!isSaid && !isRefused) {
      const told = events.map(({ type, data: { key = '' } }) => `${type} ${key}`.trim()).join(', ');
      faults.push(`${stream}: nobody was told how ${end?.stream} ended, attempt ${end?.data.attempt}: ${told}`);
    }
    let chat = '';
    for (const { revision, type, data } of events) {
      chat = data.chat?.text ?? chat;
      if (type === 'CardPosted' && !sent.has(`${chat} ${data.messageId}`))
        faults.push(`${stream}@${revision}: message ${data.messageId} was never sent to chat ${chat}`);
      if (type === 'CardUndeliverable' && !refusing.has(chat))
        faults.push(`${stream}@${revision}: Telegram never refused a message to chat ${chat}`);
    }
  }
  return faults;
};

/** As `brokenCards`, and every wish by Telegram ends with a message that says so, of its last attempt. */
export const brokenMessages = (
  log: readonly Logged[],
  stories: ReadonlyMap<string, readonly Logged[]>,
  site: Pick<Site, 'telegram' | 'writers' | 'group'>,
  wishes: readonly Wish[],
): readonly string[] => {
  const faults = [...brokenCards(log, stories, postsOf(site))];
  for (const { words, chat } of wishes) {
    if (chat === null) continue;
    const story = [...stories.values()].find(([created]) => JSON.stringify(created?.data).includes(words));
    const attempt = story?.at(-1)?.data.attempt ?? 1;
    const said = site.telegram
      .messages({ id: chat })
      .some(
        ({ from, text }) => from.is_bot && text.startsWith('✅') && (attempt === 1 || text.includes(` · attempt ${attempt}`)),
      );
    if (!said) faults.push(`“${words}” in Telegram: the chat has no message that says it is done`);
  }
  return faults;
};
