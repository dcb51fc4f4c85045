import type { Logged, Remote } from './records.ts';

/** What stands at the remote is what the log says, to the commit; nothing else does. */
export const brokenDeliveries = (stories: ReadonlyMap<string, readonly Logged[]>, remote: Remote): readonly string[] => {
  const faults: string[] = [];
  const explained = new Set<string>();
  if (remote.mainCommits !== 1) faults.push(`main has ${remote.mainCommits} commits: something was pushed there`);

  for (const [stream, story] of stories) {
    const requested = story.filter(({ type }) => type === 'DeliveryRequested');
    const recorded = story.filter(({ type }) => type === 'PullRequestOpened' || type === 'PullRequestUpdated');
    const branches = new Set(requested.map(({ data }) => data.branch ?? ''));
    const pulls = remote.pulls.filter(({ branch }) => branches.has(branch));
    const standing = [...branches].filter((branch) => remote.branches.has(branch));
    for (const branch of branches) explained.add(branch);

    // Nobody touches branches or closes pull requests here, so every attempt stays on the first branch.
    if (pulls.length > 1)
      faults.push(`${stream}: has ${pulls.length} pull requests: ${pulls.map(({ number }) => `#${number}`).join(', ')}`);
    if (standing.length > 1) faults.push(`${stream}: has ${standing.length} branches: ${standing.join(', ')}`);
    for (const { number, draft, state } of pulls) {
      if (!draft || state !== 'open') faults.push(`${stream}: #${number} is ${draft ? 'a draft' : 'no draft'} and ${state}`);
    }
    for (const branch of standing) {
      for (const { commit, tree, parents } of remote.branches.get(branch) ?? []) {
        const asked = requested.find(({ data }) => data.commit === commit && data.branch === branch);
        if (!asked) faults.push(`${stream}: ${branch} holds ${commit}, which nobody asked for`);
        else if (asked.data.tree !== tree || asked.data.parents?.join() !== parents.join()) {
          faults.push(`${stream}: ${commit} holds ${tree}, asked for was ${asked.data.tree}`);
        }
      }
      const attempts = new Set(requested.map(({ data }) => data.attempt)).size;
      const commits = remote.branches.get(branch)?.length ?? 0;
      if (commits > attempts) faults.push(`${stream}: ${branch} holds ${commits} commits for ${attempts} attempts`);
    }
    const last = recorded.at(-1);
    for (const { data } of recorded) {
      const pull = remote.pulls.find(({ number }) => number === data.number);
      if (pull?.branch !== data.branch)
        faults.push(`${stream}: #${data.number} is recorded for ${data.branch}, and there is ${pull?.branch}`);
    }
    const head = last && remote.branches.get(last.data.branch ?? '')?.[0];
    if (last && (head?.commit !== last.data.head || head?.tree !== last.data.tree)) {
      faults.push(
        `${stream}: recorded is ${last.data.head} with ${last.data.tree}, at the remote stands ${head?.commit} with ${head?.tree}`,
      );
    }
    const end = story.at(-1);
    if (
      end?.type === 'TaskCompleted' &&
      end.data.result === 'pull_request' &&
      !recorded.some(({ data }) => data.attempt === end.data.attempt)
    ) {
      faults.push(`${stream}: is completed without a pull request of its last attempt`);
    }
    // What a failed attempt left is taken over by the next one; the people here always ask for one.
    if (pulls.length > 0 && recorded.length === 0)
      faults.push(`${stream}: #${pulls[0]?.number} is there, and the log does not know it`);
  }
  for (const branch of remote.branches.keys()) if (!explained.has(branch)) faults.push(`${branch}: is of no task`);
  for (const { number, branch } of remote.pulls)
    if (!explained.has(branch)) faults.push(`#${number} from ${branch}: is of no task`);
  return faults;
};
