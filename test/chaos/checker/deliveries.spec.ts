import { describe, expect, it } from 'vitest';
import { brokenDeliveries } from './deliveries.ts';
import type { Logged, Remote } from './records.ts';

const BRANCH = 'countersign/1';
const MAIN = ['m0', 'm1', 'm2'];
const STREAM = 'task-1';

/** What the log says of a delivered attempt, `base` being what was shown for it. */
const attempt = (number: number, base: string, parents: readonly string[], more: readonly string[] = []) => {
  const [commit, tree] = [`c${number}`, `t${number}`];
  const delivered = { number: 7, branch: BRANCH, head: commit, tree, baseMovedBy: 0 };
  const events: readonly (readonly [string, Logged['data']])[] = [
    ['RequestPrepared', { prepared: { baseCommit: base } }],
    ['DeliveryRequested', { branch: BRANCH, commit, tree, parents: [...parents] }],
    [number === 1 ? 'PullRequestOpened' : 'PullRequestUpdated', delivered],
    ...more.map((type) => [type, { stage: 'bookkeeping' }] as const),
    ['TaskCompleted', { result: 'pull_request' }],
  ];
  return events.map(([type, data]) => ({ type, data: { ...data, attempt: number } }));
};

type Told = readonly { readonly type: string; readonly data: Logged['data'] }[];
const storyOf = (told: Told): readonly Logged[] =>
  [{ type: 'TaskCreated', data: { taskId: '1' } }, ...told].map(({ type, data }, revision) => ({
    ...{ stream: STREAM, revision, id: `${revision}`, type, data, metadata: {} },
  }));

const commentOf = (number: number): string => `<!-- countersign task 1 attempt ${number} -->\n\nIt moved.`;
const commit = (number: number, parents: readonly string[]) => ({ commit: `c${number}`, tree: `t${number}`, parents });
const pull = { number: 7, branch: BRANCH, draft: true, state: 'open', comments: [commentOf(2), commentOf(3)] };

/** Three attempts: the first from the beginning, the second after others pushed, the third as nothing happened meanwhile. */
const TOLD = [...attempt(1, 'm0', ['m0']), ...attempt(2, 'm2', ['c1', 'm2']), ...attempt(3, 'm2', ['c2'])];
const COMMITS = [commit(3, ['c2']), commit(2, ['c1', 'm2']), commit(1, ['m0'])];
const REMOTE: Remote = { branches: new Map([[BRANCH, COMMITS]]), pulls: [pull], main: MAIN, pushed: MAIN };

const broken = (told: Told, remote: Partial<Remote> = {}): readonly string[] =>
  brokenDeliveries(new Map([[STREAM, storyOf(told)]]), { ...REMOTE, ...remote });
/** The log with the data of one event changed. */
const told = (type: string, of: number, change: Logged['data']): Told =>
  TOLD.map((event) => (event.type === type && event.data.attempt === of ? { type, data: { ...event.data, ...change } } : event));
const branch = (...commits: Remote['branches'] extends ReadonlyMap<string, infer Commits> ? Commits : never) => ({
  branches: new Map([[BRANCH, commits]]),
});
const [THIRD, SECOND, FIRST] = [commit(3, ['c2']), commit(2, ['c1', 'm2']), commit(1, ['m0'])];

/** Attempt 3 asked for another commit, as after a lease that was refused. */
const renewed = {
  type: 'DeliveryRequested',
  data: { attempt: 3, branch: BRANCH, commit: 'x', tree: 't3', parents: ['c3'] },
};

describe('Several delivered attempts of a task', () => {
  it('stand on one branch and in one pull request, each with a comment but the first', () => {
    expect(broken(TOLD)).toEqual([]);
  });

  it('may leave a commit of one that failed after its push', () => {
    const failed = TOLD.filter(({ type, data }) => data.attempt !== 2 || !/^PullRequest|^TaskCompleted/.test(type));
    expect(broken(failed, { pulls: [{ ...pull, comments: [commentOf(3)] }] })).toEqual([]);
  });

  it('may do without a comment that could not be made as often as is tried', () => {
    const without = { pulls: [{ ...pull, comments: [commentOf(3)] }] };
    const claims = (...more: readonly string[]) => [...attempt(1, 'm0', ['m0']), ...attempt(2, 'm2', ['c1', 'm2'], more)];
    const third = attempt(3, 'm2', ['c2']);
    expect(broken([...claims('StageClaimed', 'StageClaimed'), ...third], without)).toHaveLength(1);
    expect(broken([...claims('StageClaimed', 'StageClaimed', 'StageClaimed'), ...third], without)).toEqual([]);
  });

  it.for<readonly [string, string, readonly string[]]>([
    ['somebody pushed to main', 'main is m0, m1, m2, m3; of others came m0, m1, m2', broken(TOLD, { main: [...MAIN, 'm3'] })],
    [
      'what others pushed to main is gone',
      'main is m0, m2; of others came m0, m1, m2',
      broken(TOLD, { main: ['m0', 'm2'], pushed: MAIN }),
    ],
    [
      'a commit is there twice in other words',
      'countersign/1 holds x, which nobody asked for',
      broken(TOLD, branch({ ...THIRD, commit: 'x' }, THIRD, SECOND, FIRST)),
    ],
    [
      'an attempt has two commits',
      'countersign/1 holds 4 commits for 3 attempts',
      broken([...TOLD, renewed], branch({ commit: 'x', tree: 't3', parents: ['c3'] }, THIRD, SECOND, FIRST)),
    ],
    [
      'an attempt was left out',
      'c3 grew out of c1,m2, asked for was c2, right is c1,m2',
      broken(TOLD, branch({ ...THIRD, parents: ['c1', 'm2'] }, FIRST)),
    ],
    [
      'the branch was begun anew',
      'attempt 2: recorded is c2 with t2, at the remote stands c3 with t3',
      broken(told('DeliveryRequested', 3, { parents: ['m2'] }), branch({ ...THIRD, parents: ['m2'] })),
    ],
    [
      'the base that was shown was not merged',
      'c2 grew out of c1, asked for was c1, right is c1,m2',
      broken(told('DeliveryRequested', 2, { parents: ['c1'] }), branch(THIRD, { ...SECOND, parents: ['c1'] }, FIRST)),
    ],
    [
      'a base was merged that nobody was shown',
      'c2 grew out of c1,m1, asked for was c1,m1, right is c1,m2',
      broken(told('DeliveryRequested', 2, { parents: ['c1', 'm1'] }), branch(THIRD, { ...SECOND, parents: ['c1', 'm1'] }, FIRST)),
    ],
    [
      'a base was merged that was there',
      'c3 grew out of c2,m2, asked for was c2,m2, right is c2',
      broken(told('DeliveryRequested', 3, { parents: ['c2', 'm2'] }), branch({ ...THIRD, parents: ['c2', 'm2'] }, SECOND, FIRST)),
    ],
    [
      'parents are others than were asked for',
      'c3 grew out of c2, asked for was c1, right is c2',
      broken(told('DeliveryRequested', 3, { parents: ['c1'] })),
    ],
    [
      'an earlier attempt holds another tree',
      'c2 holds x, asked for was t2',
      broken(TOLD, branch(THIRD, { ...SECOND, tree: 'x' }, FIRST)),
    ],
    [
      'an earlier attempt is recorded with another head',
      'attempt 2: c1 was asked for by another attempt, or by none',
      broken(told('PullRequestUpdated', 2, { head: 'c1' })),
    ],
    [
      'the last attempt was not pushed',
      'attempt 3: recorded is c3 with t3, at the remote stands c2 with t2, c1 with t1',
      broken(TOLD, branch(SECOND, FIRST)),
    ],
    [
      'a later attempt opened another pull request',
      'has 2 pull requests: #7, #8',
      broken(told('PullRequestUpdated', 3, { number: 8 }), { pulls: [pull, { ...pull, number: 8, comments: [] }] }),
    ],
    [
      'a later attempt is recorded as the first',
      'attempt 2: PullRequestOpened after 1 others',
      broken(
        TOLD.map((event) =>
          event.type === 'PullRequestUpdated' && event.data.attempt === 2 ? { ...event, type: 'PullRequestOpened' } : event,
        ),
      ),
    ],
    [
      'the first attempt is recorded as a later one',
      'attempt 1: PullRequestUpdated after 0 others',
      broken(TOLD.map((event) => (event.type === 'PullRequestOpened' ? { ...event, type: 'PullRequestUpdated' } : event))),
    ],
    [
      'an earlier attempt was completed unseen',
      'attempt 2 is completed without a pull request',
      broken(TOLD.filter(({ type, data }) => type !== 'PullRequestUpdated' || data.attempt !== 2)),
    ],
    [
      'the base moved by more than it did',
      'attempt 3: the base is said to have moved by 1, and did by 0',
      broken(told('PullRequestUpdated', 3, { baseMovedBy: 1 })),
    ],
    [
      'an update has no comment',
      'attempt 3: 0 comments say it',
      broken(TOLD, { pulls: [{ ...pull, comments: [commentOf(2)] }] }),
    ],
    [
      'an update has two comments',
      'attempt 3: 2 comments say it',
      broken(TOLD, { pulls: [{ ...pull, comments: [...pull.comments, commentOf(3)] }] }),
    ],
    [
      'a comment is of the first attempt',
      '1 comments are of no update: <!-- countersign task 1 attempt 1 -->',
      broken(TOLD, { pulls: [{ ...pull, comments: [...pull.comments, commentOf(1)] }] }),
    ],
    [
      'a comment is of nobody',
      '1 comments are of no update: Well done.',
      broken(TOLD, { pulls: [{ ...pull, comments: [...pull.comments, 'Well done.'] }] }),
    ],
    ['the pull request is closed', '#7 is a draft and closed', broken(TOLD, { pulls: [{ ...pull, state: 'closed' }] })],
    ['the pull request is no draft', '#7 is no draft and open', broken(TOLD, { pulls: [{ ...pull, draft: false }] })],
    [
      'a branch is of no task',
      'x: is of no task',
      broken(TOLD, {
        branches: new Map([
          [BRANCH, COMMITS],
          ['x', []],
        ]),
      }),
    ],
  ])('are wrong when %s', ([, says, faults]) => {
    expect(faults.join('\n')).toContain(says);
  });
});
