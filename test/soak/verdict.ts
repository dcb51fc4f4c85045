import { brokenChains } from '../chaos/checker/chains.ts';
import { brokenDeliveries } from '../chaos/checker/deliveries.ts';
import { type Logged, readLog, readRemote } from '../chaos/checker/records.ts';
import { remains } from '../chaos/checker/remains.ts';
import { approvalsUsedTwice, brokenStory } from '../chaos/checker/tasks.ts';
import { brokenMessages } from '../chaos/checker/wishes.ts';
import type { Wish } from './people.ts';
import type { Premises } from './premises.ts';
import { ENDINGS } from './stories.ts';

const OVER = ['TaskCompleted', 'TaskFailed', 'TaskRejected', 'TaskCancelled', 'ApprovalExpired'];
/** After these a person is asked, and nothing goes on by itself but the time to decide. */
const ASKED = ['RequestPrepared', 'PatchApprovalRequested', 'ClarificationRequested'];

type Stories = ReadonlyMap<string, readonly Logged[]>;

const endOf = (story: readonly Logged[] | undefined): string => story?.at(-1)?.type ?? '';

/** Each request became one task, which came to what its story comes to. */
const brokenWishes = (wishes: readonly Wish[], stories: Stories): readonly string[] => {
  const first = [...stories.values()].map((story) => ({ story, filed: JSON.stringify(story[0]?.data) }));
  return wishes.flatMap(({ words, story, channel, isOver }) => {
    const mine = first.filter(({ filed }) => filed.includes(words));
    const about = `${story} (${words}) over ${channel}`;
    if (mine.length !== 1) return [`${about}: became ${mine.length} tasks`];
    const end = endOf(mine[0]?.story);
    if (!ENDINGS[story].includes(end)) return [`${about}: ${mine[0]?.story[0]?.stream} ended with ${end}`];
    return isOver() ? [] : [`${about}: is over, and the person does not see it`];
  });
};

/** Where a story stands that is not over: trees are kept for it, and nobody was told of an end. */
const isOpen = (story: readonly Logged[]): boolean => !OVER.includes(endOf(story));

/**
 * What is wrong at the end of the day, in sentences, by the log, the remote and what Telegram recorded. Whoever was asked and did not answer may be
 * waited for; everything else must be over.
 */
export const wrongAtTheEnd = async (premises: Premises, wishes: readonly Wish[]): Promise<readonly string[]> => {
  const log = readLog(premises);
  const stories: Stories = Map.groupBy(
    log.filter(({ stream }) => stream.startsWith('task-')),
    ({ stream }) => stream,
  );
  const waiting = [...stories].filter(([, story]) => ASKED.includes(endOf(story))).map(([stream]) => stream);
  const stuck = [...stories.values()].flatMap(brokenStory).filter((fault) => {
    return !(fault.endsWith('the task is stuck here') && waiting.some((stream) => fault.startsWith(`${stream}@`)));
  });
  const open = new Set([...stories].filter(([, story]) => isOpen(story)).map(([stream]) => stream.slice('task-'.length)));
  const cardsOfOpen = new Set(
    log.filter(({ stream, data }) => stream.startsWith('card-') && open.has(data.taskId ?? '')).map(({ stream }) => stream),
  );
  const told = log.filter(({ stream }) => !cardsOfOpen.has(stream));
  const left = (await remains(premises)).filter((what) => ![...open].some((taskId) => what.includes(`/keep/k${taskId}`)));
  return [
    ...brokenChains(log),
    ...stuck,
    ...approvalsUsedTwice(log),
    ...brokenDeliveries(stories, await readRemote(premises)),
    ...brokenWishes(wishes, stories),
    ...brokenMessages(told, stories, premises, []),
    ...left,
  ];
};

/** How many events the log has, and tasks with each end. */
export const cameTo = (premises: Premises): { readonly events: number; readonly ends: Readonly<Record<string, number>> } => {
  const log = readLog(premises);
  const stories = Map.groupBy(
    log.filter(({ stream }) => stream.startsWith('task-')),
    ({ stream }) => stream,
  );
  const ends = Object.entries(Object.groupBy(stories.values(), endOf)).map(([end, all]) => [end, all?.length ?? 0] as const);
  return { events: log.length, ends: Object.fromEntries(ends) };
};
