import type { Logged, Remote, RemoteCommit } from './records.ts';

/** Without an outcome, shutdowns aside. */
const EXECUTIONS_MAX = 3;

/** What stands at the remote is what the log says, to the commit; nothing else does. */
export const brokenDeliveries = (stories: ReadonlyMap<string, readonly Logged[]>, remote: Remote): readonly string[] => {
  const { branches, pulls, main, pushed } = remote;
  const explained = new Set(
    [...stories.values()].flat().flatMap(({ type, data }) => (type === 'DeliveryRequested' ? [data.branch ?? ''] : [])),
  );
  return [
    ...(main.join() === pushed.join() ? [] : [`main is ${main.join(', ')}; of others came ${pushed.join(', ')}`]),
    ...[...stories].flatMap(([stream, story]) => brokenStory(story, remote).map((fault) => `${stream}: ${fault}`)),
    ...[...branches.keys()].filter((branch) => !explained.has(branch)).map((branch) => `${branch}: is of no task`),
    ...pulls
      .filter(({ branch }) => !explained.has(branch))
      .map(({ number, branch }) => `#${number} from ${branch}: is of no task`),
  ];
};

/** What a task brought to the remote: nobody touches branches or closes pull requests here, so every attempt stays on the first branch. */
const brokenStory = (story: readonly Logged[], remote: Remote): readonly string[] => {
  const faults: string[] = [];
  const requested = new Set(story.flatMap(({ type, data }) => (type === 'DeliveryRequested' ? [data.branch ?? ''] : [])));
  const pulls = remote.pulls.filter(({ branch }) => requested.has(branch));
  const standing = [...requested].filter((branch) => remote.branches.has(branch));
  if (pulls.length > 1) faults.push(`has ${pulls.length} pull requests: ${pulls.map(({ number }) => `#${number}`).join(', ')}`);
  if (standing.length > 1) faults.push(`has ${standing.length} branches: ${standing.join(', ')}`);
  for (const { number, draft, state } of pulls) {
    if (!draft || state !== 'open') faults.push(`#${number} is ${draft ? 'a draft' : 'no draft'} and ${state}`);
  }
  for (const branch of standing)
    faults.push(...brokenBranch(story, branch, (remote.branches.get(branch) ?? []).toReversed(), remote.main));
  const recorded = story.filter(({ type }) => type === 'PullRequestOpened' || type === 'PullRequestUpdated');
  faults.push(...brokenRecords(story, recorded, remote), ...brokenComments(story, recorded, remote));
  // What a failed attempt left is taken over by the next one; the people here always ask for one.
  if (pulls.length > 0 && recorded.length === 0) faults.push(`#${pulls[0]?.number} is there, and the log does not know it`);
  return faults;
};

const baseOf = (story: readonly Logged[], attempt: number | undefined): string | undefined =>
  story.findLast(({ type, data }) => type === 'RequestPrepared' && data.attempt === attempt)?.data.prepared?.baseCommit;

/**
 * Every commit was asked for by the log, one an attempt, the later after the earlier. Each grew out of the one before, and of the base that people
 * were shown where the branch did not hold that yet. Commits from the oldest on.
 */
const brokenBranch = (
  story: readonly Logged[],
  branch: string,
  commits: readonly RemoteCommit[],
  main: readonly string[],
): readonly string[] => {
  const faults: string[] = [];
  const attempts: number[] = [];
  let before: readonly string[] = [];
  /** Place in `main` of what the branch holds of it. */
  let held = -1;
  for (const { commit, tree, parents } of commits) {
    const asked = story.find(
      ({ type, data }) => type === 'DeliveryRequested' && data.commit === commit && data.branch === branch,
    )?.data;
    if (!asked) faults.push(`${branch} holds ${commit}, which nobody asked for`);
    else {
      const base = baseOf(story, asked.attempt) ?? '';
      const wanted = [...before, ...(main.indexOf(base) > held ? [base] : [])].join();
      if (asked.tree !== tree) faults.push(`${commit} holds ${tree}, asked for was ${asked.tree}`);
      if (parents.join() !== wanted || asked.parents?.join() !== wanted)
        faults.push(`${commit} grew out of ${parents.join()}, asked for was ${asked.parents?.join()}, right is ${wanted}`);
      held = Math.max(held, main.indexOf(base));
      attempts.push(asked.attempt ?? 0);
    }
    before = [commit];
  }
  const different = new Set(attempts).size;
  if (different < attempts.length) faults.push(`${branch} holds ${attempts.length} commits for ${different} attempts`);
  if (attempts.some((attempt, at) => attempt < (attempts[at - 1] ?? 0)))
    faults.push(`${branch} holds attempts in the order ${attempts.join(', ')}`);
  return faults;
};

/** One pull request, opened once and moved forward since, holds each delivered attempt, the last at its head. */
const brokenRecords = (story: readonly Logged[], recorded: readonly Logged[], remote: Remote): readonly string[] => {
  const faults: string[] = [];
  const [first] = recorded;
  for (const [before, event] of recorded.entries()) {
    const { type, data } = event;
    const { attempt, number, branch, head, tree, baseMovedBy = 0 } = data;
    const at = `attempt ${attempt}`;
    if ((type === 'PullRequestOpened') !== (before === 0)) faults.push(`${at}: ${type} after ${before} others`);
    if (number !== first?.data.number || branch !== first?.data.branch)
      faults.push(
        `${at}: is in #${number} from ${branch}, and the first was in #${first?.data.number} from ${first?.data.branch}`,
      );
    const pull = remote.pulls.find((one) => one.number === number);
    if (pull?.branch !== branch) faults.push(`#${number} is recorded for ${branch}, and there is ${pull?.branch}`);
    const commits = remote.branches.get(branch ?? '') ?? [];
    const commit = commits.find((one) => one.commit === head);
    if (event === recorded.at(-1) ? commit !== commits[0] || commit?.tree !== tree : commit?.tree !== tree)
      faults.push(
        `${at}: recorded is ${head} with ${tree}, at the remote stands ${commits.map((one) => `${one.commit} with ${one.tree}`).join(', ')}`,
      );
    const isRequested = story.some(
      (one) => one.type === 'DeliveryRequested' && one.data.commit === head && one.data.attempt === attempt,
    );
    if (!isRequested) faults.push(`${at}: ${head} was asked for by another attempt, or by none`);
    const since = remote.main.length - 1 - remote.main.indexOf(baseOf(story, attempt) ?? '');
    if (baseMovedBy > since) faults.push(`${at}: the base is said to have moved by ${baseMovedBy}, and did by ${since}`);
  }
  const delivered = story.filter(({ type, data }) => type === 'TaskCompleted' && data.result === 'pull_request');
  for (const { data } of delivered) {
    if (!recorded.some((event) => event.data.attempt === data.attempt))
      faults.push(`attempt ${data.attempt} is completed without a pull request`);
  }
  return faults;
};

/** Each attempt that moved a pull request forward said so there, once, unless the forge was away as often as is tried. Nothing else is said. */
const brokenComments = (story: readonly Logged[], recorded: readonly Logged[], remote: Remote): readonly string[] => {
  const faults: string[] = [];
  const [created] = story;
  const markerOf = ({ data }: Logged): string => `<!-- countersign task ${created?.data.taskId} attempt ${data.attempt} -->`;
  const updates = recorded.filter(({ type }) => type === 'PullRequestUpdated');
  const numbers = new Set(recorded.map(({ data }) => data.number));
  const comments = remote.pulls.filter(({ number }) => numbers.has(number)).flatMap((pull) => pull.comments);
  for (const update of updates) {
    const { attempt } = update.data;
    const ofAttempt = (type: string): readonly Logged[] =>
      story.filter((event) => event.type === type && event.data.attempt === attempt && event.data.stage === 'bookkeeping');
    const shutdowns = ofAttempt('StageReleased').filter(({ data }) => data.reason === 'shutdown').length;
    const isGivenUp = ofAttempt('StageClaimed').length - shutdowns >= EXECUTIONS_MAX;
    const isOver = story.some(({ type, data }) => type === 'TaskCompleted' && data.attempt === attempt);
    const said = comments.filter((comment) => comment.includes(markerOf(update))).length;
    if (said > 1 || (said === 0 && isOver && !isGivenUp)) faults.push(`attempt ${attempt}: ${said} comments say it`);
  }
  const strange = comments.filter((comment) => !updates.some((update) => comment.includes(markerOf(update))));
  if (strange.length > 0) faults.push(`${strange.length} comments are of no update: ${strange[0]?.slice(0, 80)}`);
  return faults;
};
