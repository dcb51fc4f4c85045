import type { Setup } from './setups.ts';
import type { Fate } from './staging/shapes.ts';

/** What is played at a point: where it goes wrong, and how. */
export type Play =
  | { readonly family: 'process'; readonly fate: Fate }
  | { readonly family: 'start'; readonly signal: Signal }
  | { readonly family: 'together'; readonly signal: 'SIGKILL' | 'SIGSTOP' }
  | { readonly family: 'github'; readonly request: GitHubRequest; readonly fault: GitHubFault }
  | { readonly family: 'telegram'; readonly method: TelegramMethod; readonly fault: TelegramFault }
  | { readonly family: 'docker'; readonly fault: 'refused' | 'hung' }
  | { readonly family: 'disk'; readonly disk: Disk }
  /** `ofOne`: the other processes keep the time they have. */
  | { readonly family: 'clock'; readonly jumpMs: number; readonly ofOne: boolean }
  | { readonly family: 'torn'; readonly file: Torn }
  | { readonly family: 'store'; readonly fault: StoreFault }
  | { readonly family: 'people'; readonly whim: Whim };
export type Family = Play['family'];

export interface Point {
  /** Where, then how: `forge.openDraft: SIGKILL before`. */
  readonly name: string;
  readonly where: string;
  readonly how: string;
  readonly play: Play;
  /** Whether there is such a thing. */
  readonly isOf: (setup: Setup) => boolean;
}

type IsOf = Point['isOf'];
const always: IsOf = () => true;
const onDouble: IsOf = ({ store }) => store === 'double';
const onSqlite: IsOf = ({ store }) => store === 'sqlite';
const onGitHub: IsOf = ({ forge }) => forge === 'github';
const inDocker: IsOf = ({ sandbox }) => sandbox === 'docker';
const withInstalls: IsOf = ({ installs }) => installs;
const withGroup: IsOf = ({ group }) => group;
/** Another process can take over what only one does. */
const withStandby: IsOf = ({ roles }) => roles.filter((role) => role === 'all').length > 1;
const withPatchGate: IsOf = ({ patchGate }) => patchGate === 'always';
const byPolling: IsOf = ({ telegram }) => telegram === 'polling';
const byWebhook: IsOf = ({ telegram }) => telegram === 'webhook';

const points = (where: string, plays: Readonly<Record<string, Play>>, isOf: IsOf = always): readonly Point[] =>
  Object.entries(plays).map(([how, play]) => ({ name: `${where}: ${how}`, where, how, play, isOf }));

/** A play for each name. */
const plays = <Name extends string>(names: readonly Name[], play: (name: Name) => Play): Readonly<Record<string, Play>> =>
  Object.fromEntries(names.map((name) => [name, play(name)]));

const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const;
type Signal = (typeof SIGNALS)[number];
const WHENS = ['before', 'during', 'after'] as const;

/**
 * Events that are stored, and calls that leave the process: the disk, git and its remote, the agent, the sandbox, the forge, Telegram. What is
 * not among them stands in `unplayed.ts`.
 */
export const CALLS = {
  'append TaskCreated': always,
  'append RequestPrepared': always,
  'append ClarificationRequested': always,
  'append RequestClarified': always,
  'append RetryRequested': always,
  'append TaskApproved': always,
  'append TaskRejected': always,
  'append TaskCancelled': always,
  'append ApprovalExpired': always,
  'append StageClaimed (agent)': always,
  'append StageClaimed (sandbox)': always,
  'append StageClaimed (delivery)': always,
  'append StageClaimed (bookkeeping)': always,
  'append StageReleased': always,
  'append ChangeCollected': always,
  'append TestsFinished': always,
  'append PatchApprovalRequested': withPatchGate,
  'append PatchApproved': withPatchGate,
  'append DeliveryRequested': always,
  'append PullRequestOpened': always,
  'append PullRequestUpdated': always,
  'append TaskCompleted': always,
  'append TaskFailed': always,
  'append RerunRequested': always,
  'append CardWanted': always,
  'append CardPosted': always,
  'append CardUndeliverable': withGroup,
  'append CardMoved': withGroup,
  'append ChatMoved': withGroup,
  'append ChatAllowed': always,
  'append ChatForbidden': always,
  'append PersonAdded': always,
  'append IdentityLinked': always,
  'append IdentityUnlinked': always,
  'append InvitationMade': always,
  'append InvitationRedeemed': always,
  'append InvitationWithdrawn': always,
  'append RoleGranted': always,
  'append RoleRevoked': always,
  'append TokenIssued': always,
  'append TokenRevoked': always,
  'append PersonErased': onSqlite,
  'append PersonForgotten': onSqlite,
  'append TokenUsed': always,
  'append WorkerHeard': onDouble,
  'append LeaseClaimed': onDouble,
  'append LeaseReleased': onDouble,
  'append LeaseDoubted': withStandby,
  'store.readStream': always,
  'store.head': always,
  'store.redactEvent': onSqlite,
  'artifacts.put': always,
  'artifacts.get': always,
  'workspaces.make': always,
  'workspaces.furnish': always,
  'workspaces.remove': always,
  'workspaces.reap': always,
  'repositories.list': always,
  'repositories.remoteOf': always,
  'repositories.resolveBase': always,
  'repositories.readFile': always,
  'repositories.mergeOnto': always,
  'repositories.writeOut': always,
  'repositories.collect': always,
  'repositories.ensureTree': always,
  'repositories.commit': always,
  'repositories.treeOf': always,
  'repositories.remoteHeads': always,
  'repositories.isAncestor': always,
  'repositories.commitsSince': always,
  'repositories.push': always,
  'repositories.kept': always,
  'repositories.release': always,
  'agents.run': always,
  'sandboxes.resolveImage': always,
  'sandboxes.run': always,
  'sandboxes.reap': always,
  'installs.provide': withInstalls,
  'forge.findPullRequest': always,
  'forge.openDraft': always,
  'forge.commentOnce': always,
  'forge.token': onGitHub,
  'telegram.getMe': onDouble,
  'telegram.getUpdates': byPolling,
  'telegram.deleteWebhook': (setup) => onDouble(setup) && byPolling(setup),
  'telegram.setWebhook': byWebhook,
  'telegram.setMyCommands': always,
  'telegram.deleteMyCommands': always,
  'telegram.sendMessage': always,
  'telegram.sendDocument': always,
  'telegram.editMessageText': always,
  'telegram.answerCallbackQuery': always,
} as const satisfies Readonly<Record<string, IsOf>>;

const fatesOf = (call: string) =>
  Object.fromEntries(
    WHENS.flatMap((when) =>
      SIGNALS.map((signal): [string, Play] => [`${signal} ${when}`, { family: 'process', fate: { call, when, signal } }]),
    ),
  );

export const GITHUB_REQUESTS = {
  'listing pull requests': /^GET \/repos\/[^?]*\/pulls\?/,
  'opening a pull request': /^POST \/repos\/[^?]*\/pulls$/,
  'asking for refs to fetch': /^GET \/[^?]*\/info\/refs\?service=git-upload-pack/,
  fetching: /^POST \/[^?]*\/git-upload-pack/,
  'asking for refs to push': /^GET \/[^?]*\/info\/refs\?service=git-receive-pack/,
  pushing: /^POST \/[^?]*\/git-receive-pack/,
  'listing comments': /^GET \/repos\/[^?]*\/comments\?/,
  commenting: /^POST \/repos\/[^?]*\/comments$/,
} as const;
export type GitHubRequest = keyof typeof GITHUB_REQUESTS;
const GITHUB_FAULTS = [
  ...(['answer lost', 'connection reset', '500', '502', '503', '429 with retry-after', '429 without'] as const),
  ...(['secondary rate limit', 'slow', 'time-out, takes effect later'] as const),
] as const;
export type GitHubFault = (typeof GITHUB_FAULTS)[number];
/** GitHub knows no comment by a key of ours: one that takes effect after it was looked for again stands there twice, and nobody can help it. */
const faultsOf = (request: GitHubRequest): readonly GitHubFault[] =>
  request === 'commenting' ? GITHUB_FAULTS.filter((fault) => fault !== 'time-out, takes effect later') : GITHUB_FAULTS;

const TELEGRAM_METHODS = {
  getUpdates: byPolling,
  setWebhook: byWebhook,
  setMyCommands: always,
  sendMessage: always,
  sendDocument: always,
  editMessageText: always,
  answerCallbackQuery: always,
} as const;
export type TelegramMethod = keyof typeof TELEGRAM_METHODS;
const TELEGRAM_FAULTS = [
  ...(['answer lost', 'connection reset', 'no answer', '500', '502', '429 with retry-after', '429 without', 'slow'] as const),
] as const;
export type TelegramFault = (typeof TELEGRAM_FAULTS)[number];

const DISKS = ['log and views', 'artifacts', 'workspaces'] as const;
export type Disk = (typeof DISKS)[number];

const TORN = {
  log: onSqlite,
  'log, a page': onSqlite,
  views: always,
  'views, altogether': always,
  audit: always,
  'audit, whole lines': always,
  'audit, made anew': always,
  artifact: always,
  'local admin': always,
  'private files': always,
  'a workspace': always,
  'git locks': always,
  'git object': always,
  'git ref': always,
  'git mirror': always,
  'git mirror, being made': always,
  'git scratch': always,
  'git configuration': always,
  'an install': withInstalls,
  'what was installed': withInstalls,
  'record of the local forge': ({ forge }) => forge === 'local',
} as const satisfies Readonly<Record<string, IsOf>>;
export type Torn = keyof typeof TORN;

const STORE_FAULTS = [
  ...(['acknowledgement lost', 'acknowledgement late', 'late', 'subscriptions dropped', 'subscriptions mute', 'hung'] as const),
  ...(['not ready', 'gone', 'another node leads'] as const),
] as const;
export type StoreFault = (typeof STORE_FAULTS)[number];

/** What people do besides asking and approving, once each time. */
const WHIMS = {
  'the same request twice at once': always,
  'the same approval twice at once': always,
  'the same update again': always,
  'approval and rejection at once': always,
  'approval and cancel at once': always,
  rejection: always,
  'cancel while it runs': always,
  'a question instead of an approval': always,
  'the same rerun twice at once': always,
  'rerun and cancel at once': always,
  'rerun of what was delivered': always,
  'a change that fails its tests': always,
  'a day without an answer': always,
  'a push to the base': always,
  'the group becomes a supergroup': withGroup,
  'the bot is put out of the group for a while': withGroup,
  'a restart': always,
  'a machine that sleeps': always,
  'somebody new comes and goes': always,
} as const satisfies Readonly<Record<string, IsOf>>;
export type Whim = keyof typeof WHIMS;

const HOUR_MS = 3_600_000;
/** Longer than an approval lasts. */
export const DAY_MS = 26 * HOUR_MS;
/** Who is a day ahead of the others lets every approval expire: docs/reliability.md, "What is not claimed". */
const JUMPS_OF_ONE: Readonly<Record<string, number>> = {
  'an hour on': HOUR_MS,
  'three seconds back': -3_000,
  'an hour back': -HOUR_MS,
};
const JUMPS: Readonly<Record<string, number>> = { ...JUMPS_OF_ONE, '26 hours on': DAY_MS };

/** Keys of a literal. */
const keysOf = <Key extends string>(table: Readonly<Record<Key, unknown>>) => Object.keys(table) as Key[];

/** Every point there is. */
export const POINTS: readonly Point[] = [
  ...keysOf(CALLS).flatMap((call) => points(call, fatesOf(call), CALLS[call])),
  ...points(
    'Start of the service',
    plays(SIGNALS, (signal) => ({ family: 'start', signal })),
  ),
  ...points(
    'All processes at once',
    plays(['SIGKILL', 'SIGSTOP'], (signal) => ({ family: 'together', signal })),
    onDouble,
  ),
  ...keysOf(GITHUB_REQUESTS).flatMap((request) =>
    points(
      `GitHub, ${request}`,
      plays(faultsOf(request), (fault) => ({ family: 'github', request, fault })),
      onGitHub,
    ),
  ),
  ...keysOf(TELEGRAM_METHODS).flatMap((method) =>
    points(
      `Telegram, ${method}`,
      plays(TELEGRAM_FAULTS, (fault) => ({ family: 'telegram', method, fault })),
      TELEGRAM_METHODS[method],
    ),
  ),
  ...points(
    'Docker engine',
    plays(['refused', 'hung'], (fault) => ({ family: 'docker', fault })),
    inDocker,
  ),
  ...DISKS.flatMap((disk) => points(`Disk under ${disk}`, { full: { family: 'disk', disk } })),
  ...points(
    'Clock',
    plays(Object.keys(JUMPS), (name) => ({ family: 'clock', jumpMs: JUMPS[name] ?? 0, ofOne: false })),
  ),
  ...points(
    'Clock of one process',
    plays(Object.keys(JUMPS_OF_ONE), (name) => ({ family: 'clock', jumpMs: JUMPS_OF_ONE[name] ?? 0, ofOne: true })),
    onDouble,
  ),
  ...keysOf(TORN).flatMap((file) => points('Files after a kill', { [`torn: ${file}`]: { family: 'torn', file } }, TORN[file])),
  ...points(
    'EventStoreDB',
    plays(STORE_FAULTS, (fault) => ({ family: 'store', fault })),
    onDouble,
  ),
  ...keysOf(WHIMS).flatMap((whim) => points('People', { [whim]: { family: 'people', whim } }, WHIMS[whim])),
];
