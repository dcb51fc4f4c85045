import type { Wish } from '../people.ts';
import type { Site } from '../site.ts';
import type { Logged } from './records.ts';

/** Every request became one task, and that task is done. */
export const brokenWishes = (wishes: readonly Wish[], stories: ReadonlyMap<string, readonly Logged[]>): readonly string[] =>
  wishes.flatMap(({ words, chat, isOver, failures }) => {
    const mine = [...stories.values()].filter(([created]) => JSON.stringify(created?.data).includes(words));
    const from = `“${words}” ${chat === null ? 'over HTTP' : 'in Telegram'}`;
    if (mine.length === 0) return [`${from}: became no task`];
    if (mine.length > 1) return [`${from}: became ${mine.length} tasks`];
    const end = mine[0]?.at(-1);
    if (end?.type !== 'TaskCompleted') {
      const why = end?.data.errorCode === undefined ? '' : ` ${end.data.errorCode}`;
      return [`${from}: ${end?.stream} stands at ${end?.type}${why}; its person saw ${failures()} attempts fail`];
    }
    return isOver() ? [] : [`${from}: ${end.stream} is done, and the person does not see it`];
  });

/** Every chat that follows a task was told how each of its last attempts ended, or the log says why not. */
export const brokenMessages = (
  log: readonly Logged[],
  stories: ReadonlyMap<string, readonly Logged[]>,
  { telegram, writers, group }: Pick<Site, 'telegram' | 'writers' | 'group'>,
  wishes: readonly Wish[],
): readonly string[] => {
  const faults: string[] = [];
  const cards = Map.groupBy(
    log.filter(({ stream }) => stream.startsWith('card-')),
    ({ stream }) => stream,
  );
  const sent = new Set(
    [...writers, ...(group ? [group] : [])].flatMap(({ id }) =>
      telegram.messages({ id }).flatMap((message) => (message.from.is_bot ? [message.id] : [])),
    ),
  );
  for (const [stream, events] of cards) {
    const [wanted] = events;
    const end = stories.get(`task-${wanted?.data.taskId}`)?.at(-1);
    const posted = events.filter(({ type }) => type === 'CardPosted');
    const isSaid = posted.some(({ data }) => data.attempt === end?.data.attempt && data.key?.startsWith('end'));
    if (wanted?.type !== 'CardWanted') faults.push(`${stream}: begins with ${wanted?.type}`);
    if (!isSaid && events.at(-1)?.type !== 'CardUndeliverable')
      faults.push(`${stream}: nobody was told how ${end?.stream} ended`);
    for (const { revision, data } of posted) {
      if (!sent.has(data.messageId ?? 0)) faults.push(`${stream}@${revision}: message ${data.messageId} was never sent`);
    }
  }
  for (const { words, chat } of wishes) {
    if (chat === null) continue;
    const said = telegram.messages({ id: chat }).some(({ from, text }) => from.is_bot && text.startsWith('✅'));
    if (!said) faults.push(`“${words}” in Telegram: the chat has no message that says it is done`);
  }
  return faults;
};
