import type { Wish } from '../people.ts';
import type { Site } from '../site.ts';
import { brokenChains } from './chains.ts';
import { brokenDeliveries } from './deliveries.ts';
import { readLog, readRemote } from './records.ts';
import { approvalsUsedTwice, brokenStory } from './tasks.ts';
import { brokenMessages, brokenWishes } from './wishes.ts';

/**
 * What is wrong, in sentences, by what cannot be argued with: the log, the repository at the remote, and what GitHub and Telegram recorded. It
 * knows nothing of how the service decides or folds. May be asked while services run: what is not done yet is wrong until it is.
 */
export const violationsOf = async (site: Site, wishes: readonly Wish[]): Promise<readonly string[]> => {
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
  ];
};
