import { describe, expect, it } from 'vitest';
import type { Newcomer } from '../newcomers.ts';
import { brokenNewcomers } from './newcomers.ts';
import type { Logged } from './records.ts';
import { brokenStory } from './tasks.ts';
import { brokenMessages, brokenWishes } from './wishes.ts';

type Told = readonly (readonly [string, Logged['data']?])[];
const logged = (stream: string, told: Told): readonly Logged[] =>
  told.map(([type, data = {}], revision) => ({
    ...{ stream, revision, id: `${stream}@${revision}`, type, data },
    metadata: { actor: 'person-1' },
  }));

const [FIRST, SECOND] = [{ attempt: 1 }, { attempt: 2 }];
const HELD = { stage: 'delivery', execution: 1 };
const DELIVERED: Told = [
  ['TaskCreated', { words: 'wish 1' }],
  ['RequestPrepared', { ...FIRST, approvalId: 'a', approvalDigest: 'b' }],
  ['TaskApproved', { ...FIRST, approvalId: 'a', approvalDigest: 'b' }],
  ['StageClaimed', { ...FIRST, ...HELD }],
  ['PullRequestOpened', { ...FIRST, ...HELD }],
  ['TaskCompleted', FIRST],
];
const AGAIN: Told = [
  ['RerunRequested', SECOND],
  ['RequestPrepared', { ...SECOND, approvalId: 'c', approvalDigest: 'd' }],
  ['TaskApproved', { ...SECOND, approvalId: 'c', approvalDigest: 'd' }],
  ['StageClaimed', { ...SECOND, ...HELD }],
  ['PullRequestUpdated', { ...SECOND, ...HELD }],
  ['TaskCompleted', SECOND],
];

describe('A task that was delivered twice', () => {
  it('has nothing wrong with it', () => {
    expect(brokenStory(logged('task-1', [...DELIVERED, ...AGAIN]))).toEqual([]);
  });

  it.for<readonly [string, string, Told]>([
    ['nobody asked for the second', 'attempt 2 begins without a rerun', [...DELIVERED, ...AGAIN.slice(1)]],
    ['the second begins before the first ended', 'begins before the one before ended', [...DELIVERED.slice(0, -1), ...AGAIN]],
    ['an attempt was left out', 'attempt 3 begins before', [...DELIVERED, ['RerunRequested', { attempt: 3 }]]],
    [
      'an attempt opened a pull request and updated it',
      'a second time in attempt 2',
      [...DELIVERED, ...AGAIN.toSpliced(-1, 0, ['PullRequestOpened', { ...SECOND, ...HELD }])],
    ],
    [
      'the second uses the approval of the first',
      'approves something else than what was shown last',
      [...DELIVERED, ...AGAIN.with(2, ['TaskApproved', { ...SECOND, approvalId: 'a', approvalDigest: 'b' }])],
    ],
    [
      'the first goes on after its end',
      'after the end of attempt 1',
      [...DELIVERED, ['StageClaimed', { ...FIRST, stage: 'bookkeeping', execution: 1 }], ...AGAIN],
    ],
  ])('is wrong when %s', ([, says, told]) => {
    expect(brokenStory(logged('task-1', told)).join('\n')).toContain(says);
  });

  const wish = {
    ...{ words: 'wish 1', chat: null, over: Promise.resolve() },
    ...{ isOver: () => true, failures: () => 0, updates: () => 1 },
  };
  const stories = (told: Told) => new Map([['task-1', logged('task-1', told)]]);

  it('is what its person wanted, and delivered once it is not', () => {
    expect(brokenWishes([wish], stories([...DELIVERED, ...AGAIN]))).toEqual([]);
    expect(brokenWishes([wish], stories(DELIVERED))[0]).toContain('was delivered 1 times, and more was asked for 1 times');
  });

  it('is told of in the chat by its last attempt', () => {
    const said = (text: string) => {
      const telegram = { messages: () => [{ from: { is_bot: true }, text, id: 1 }], calls: [] } as never; // All that is asked here.
      const site = { telegram, writers: [], group: null };
      return brokenMessages([], stories([...DELIVERED, ...AGAIN]), site, [{ ...wish, chat: 1 }]);
    };
    expect(said('✅ Draft pull request #1 · 12345678 · attempt 2')).toEqual([]);
    expect(said('✅ Draft pull request #1 · 12345678')).toHaveLength(1);
  });
});

const CAME: Told = [
  ...[['PersonAdded'], ['RoleGranted'], ['IdentityLinked'], ['InvitationMade'], ['InvitationRedeemed']],
  ...[['IdentityLinked'], ['TokenIssued'], ['TokenRevoked'], ['RoleRevoked'], ['IdentityUnlinked'], ['IdentityUnlinked']],
].map(([type = '']) => [type]);
const GROUP: Told = [['ChatAllowed', { subject: '-7' }], ['ChatForbidden']];
const somebody = (isErased: boolean): Newcomer => ({
  ...{ name: 'Newcomer 1', group: '-7', isErased, personId: () => 'person-1', isOver: () => true, broken: () => '' },
});
const came = (person: Told, isErased = false, group: Told = GROUP) =>
  brokenNewcomers([somebody(isErased)], [...logged('person-1', person), ...logged('chat-1', group)]);
const NAMED: Told = [['PersonAdded', { name: { text: 'Newcomer 1' } }], ...CAME.slice(1)];
const ERASED: Told = [...CAME, ['PersonErased'], ['PersonForgotten']];

describe('Somebody who came and went', () => {
  it('was known once and lost everything', () => {
    expect(came(NAMED)).toEqual([]);
    expect(came(ERASED, true)).toEqual([]);
  });

  it.for<readonly [string, string, readonly string[]]>([
    ['was added twice', 'PersonAdded 2 times', came([...NAMED, ['PersonAdded']])],
    ['keeps a role', 'RoleRevoked 0 times', came(NAMED.filter(([type]) => type !== 'RoleRevoked'))],
    ['keeps a token', 'TokenRevoked 1 times instead of 2', came([...NAMED, ['TokenIssued']])],
    ['lost a role twice', 'RoleRevoked 2 times', came([...NAMED, ['RoleRevoked']])],
    ['used an invitation twice', 'InvitationRedeemed 2 times', came([...NAMED, ['InvitationRedeemed']])],
    ['left the group allowed', 'ChatForbidden 0 times', came(NAMED, false, GROUP.slice(0, 1))],
    ['is named after being erased', 'is named by 1 events', came([...NAMED, ...ERASED.slice(-2)], true)],
    ['was not forgotten', 'PersonForgotten 0 times', came(ERASED.slice(0, -1), true)],
  ])('is wrong when it %s', ([, says, faults]) => {
    expect(faults.join('\n')).toContain(says);
  });
});
