import type { People } from '../people.ts';
import { CALLS } from '../points.ts';
import type { Site } from '../site.ts';
import { brokenChains } from './chains.ts';
import { brokenDeliveries } from './deliveries.ts';
import { brokenNewcomers } from './newcomers.ts';
import { type Logged, readLog, readRemote } from './records.ts';
import { approvalsUsedTwice, brokenStory } from './tasks.ts';
import { brokenMessages, brokenWishes } from './wishes.ts';

/** Stored without an append of their own: see `unplayed.ts`. */
const ALONGSIDE = ['PolicyJudged', 'StoreCreated'];
const PLAYED: ReadonlySet<string> = new Set([
  ...Object.keys(CALLS).map((call) => call.replace(/^append | \(.*/g, '')),
  ...ALONGSIDE,
]);

/** What is stored here is stored at a point of the laboratory. */
const unplayedEvents = (log: readonly Logged[]): readonly string[] =>
  [...new Set(log.map(({ type }) => type))]
    .filter((type) => !PLAYED.has(type))
    .map((type) => `no point is at the append of ${type}`);

/**
 * What is wrong, in sentences, by what cannot be argued with: the log, the repository at the remote, and what GitHub and Telegram recorded. It
 * knows nothing of how the service decides or folds. May be asked while services run: what is not done yet is wrong until it is.
 */
export const violationsOf = async (
  site: Site,
  { wishes, newcomers }: Pick<People, 'wishes' | 'newcomers'>,
): Promise<readonly string[]> => {
  const log = readLog(site);
  const stories = Map.groupBy(
    log.filter(({ stream }) => stream.startsWith('task-')),
    ({ stream }) => stream,
  );
  return [
    ...brokenChains(log),
    ...[...stories.values()].flatMap(brokenStory),
    ...approvalsUsedTwice(log),
    ...brokenDeliveries(stories, await readRemote(site)),
    ...brokenWishes(wishes, stories),
    ...brokenMessages(log, stories, site, wishes),
    ...brokenNewcomers(newcomers, log),
    ...unplayedEvents(log),
  ];
};
