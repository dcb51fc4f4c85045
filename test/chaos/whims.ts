import type { Chance } from './chance.ts';
import type { Whim } from './points.ts';

/** One of so many wishes comes with a whim that nobody asked for, so that what follows from it happens again and again. */
const WHIMS_IN = 3;
/** Whims that one person follows: the only one over HTTP would else be asked for all of them, and give up before the wish had its chance. */
const WHIMS_MAX = 6;
const SUDDEN = [
  'rejection',
  'a question instead of an approval',
  'cancel while it runs',
  'the same rerun twice at once',
  'rerun of what was delivered',
  'a change that fails its tests',
] as const satisfies readonly Whim[];

/** What is stored and called on the way of a newcomer. */
const OF_NEWCOMERS = [
  ...['append PersonAdded', 'append RoleGranted', 'append RoleRevoked', 'append IdentityLinked', 'append IdentityUnlinked'],
  ...['append InvitationMade', 'append InvitationRedeemed', 'append InvitationWithdrawn', 'append TokenIssued'],
  ...['append TokenRevoked', 'append ChatAllowed', 'append ChatForbidden', 'append PersonErased', 'append PersonForgotten'],
  ...['store.redactEvent', 'telegram.deleteMyCommands'],
];

/** What is stored or called only when somebody does this. */
export const PROVOKING: Readonly<Record<string, Whim>> = {
  'append TaskCancelled': 'cancel while it runs',
  'append TaskRejected': 'rejection',
  'append ClarificationRequested': 'a question instead of an approval',
  'append RequestClarified': 'a question instead of an approval',
  'append RetryRequested': 'a question instead of an approval',
  'append RerunRequested': 'rejection',
  'append TaskFailed': 'a change that fails its tests',
  'append PullRequestUpdated': 'rerun of what was delivered',
  'forge.commentOnce': 'rerun of what was delivered',
  'repositories.mergeOnto': 'rerun of what was delivered',
  'repositories.isAncestor': 'rerun of what was delivered',
  'GitHub, listing comments': 'rerun of what was delivered',
  'GitHub, commenting': 'rerun of what was delivered',
  'Telegram, setWebhook': 'a restart',
  'Telegram, setMyCommands': 'a restart',
  'append ApprovalExpired': 'a day without an answer',
  'append TokenUsed': 'a day without an answer',
  'append CardMoved': 'the group becomes a supergroup',
  'append ChatMoved': 'the group becomes a supergroup',
  'append CardUndeliverable': 'the bot is put out of the group for a while',
  'append StageReleased': 'a restart',
  'append LeaseReleased': 'a restart',
  'append LeaseDoubted': 'a machine that sleeps',
  'telegram.getMe': 'a restart',
  'telegram.deleteWebhook': 'a restart',
  'telegram.setMyCommands': 'a restart',
  ...Object.fromEntries(OF_NEWCOMERS.map((where) => [where, 'somebody new comes and goes'])),
};

/** Whether one has a whim now, which was asked for or is one's own: each once, and few in all. */
export type Feeling = (whim: Whim) => boolean;

export interface Whims {
  /** Of somebody new, perhaps with a whim of the person's own. */
  feeling(chance: Chance, isSudden: boolean): Feeling;
  /** Whoever can do this next does it. Resolves when it is done. */
  have(whim: Whim): Promise<void>;
  /** The same, for the sake of what is stored or called then; nothing happens when somebody is about to. */
  provoke(where: string): void;
}

/** `elsewhere`: what is done at once, by those who want nothing themselves. */
export const createWhims = (elsewhere: Partial<Readonly<Record<Whim, () => Promise<void>>>>): Whims => {
  const wanted = new Map<Whim, () => void>();

  const have: Whims['have'] = async (whim) => {
    const done = elsewhere[whim];
    const { promise, resolve } = Promise.withResolvers<void>();
    wanted.set(whim, resolve);
    if (!done) return promise;
    await done().finally(() => wanted.delete(whim));
  };

  return {
    feeling: (chance, isSudden) => {
      const own = new Set<Whim>(isSudden && chance.below(WHIMS_IN) === 0 ? [chance.pick(SUDDEN)] : []);
      let followed = 0;
      return (whim) => {
        const happened = wanted.get(whim);
        if (followed >= WHIMS_MAX || !(happened || own.has(whim))) return false;
        followed++;
        wanted.delete(whim);
        own.delete(whim);
        happened?.();
        return true;
      };
    },
    have,
    provoke: (where) => {
      const whim = PROVOKING[where];
      if (whim && !wanted.has(whim)) void have(whim).catch(() => undefined); // Whoever leaves in the middle.
    },
  };
};
