import type { Fate } from './staging/shapes.ts';

/** What is played at a point: where it goes wrong, and how. Every combination that can happen is one point. */
export type Play =
  | { readonly family: 'process'; readonly fate: Fate }
  | { readonly family: 'github'; readonly request: GitHubRequest; readonly fault: GitHubFault }
  | { readonly family: 'telegram'; readonly method: TelegramMethod; readonly fault: TelegramFault }
  | { readonly family: 'docker'; readonly fault: 'refused' | 'hung' }
  | { readonly family: 'disk'; readonly disk: Disk }
  | { readonly family: 'clock'; readonly jumpMs: number }
  | { readonly family: 'torn'; readonly file: Torn }
  | { readonly family: 'start'; readonly signal: (typeof SIGNALS)[number] }
  | { readonly family: 'store'; readonly fault: StoreFault }
  | { readonly family: 'people'; readonly twice: Twice };
export type Family = Play['family'];

export interface Point {
  /** Where, then how: `forge.openDraft, before: SIGKILL`. */
  readonly name: string;
  readonly where: string;
  readonly how: string;
  readonly play: Play;
}

const APPENDS = [
  'TaskCreated',
  'RequestPrepared',
  'TaskApproved',
  'StageClaimed (agent)',
  'ChangeCollected',
  'StageClaimed (sandbox)',
  'TestsFinished',
  'PatchApprovalRequested',
  'PatchApproved',
  'StageClaimed (delivery)',
  'DeliveryRequested',
  'PullRequestOpened',
  'StageClaimed (bookkeeping)',
  'TaskCompleted',
  'CardWanted',
  'CardPosted',
].map((type) => `append ${type}`);

/** What a delivery calls outside of the process: the disk, git and its remote, the agent, the sandbox, GitHub, Telegram. */
const CALLS = [
  'artifacts.put',
  'artifacts.get',
  'workspaces.make',
  'workspaces.remove',
  'repositories.resolveBase',
  'repositories.writeOut',
  'repositories.collect',
  'repositories.remoteHeads',
  'repositories.commit',
  'repositories.push',
  'repositories.release',
  'agents.run',
  'sandboxes.resolveImage',
  'sandboxes.run',
  'forge.findPullRequest',
  'forge.openDraft',
  'telegram.getUpdates',
  'telegram.sendMessage',
  'telegram.editMessageText',
  'telegram.answerCallbackQuery',
];

const WHENS = ['before', 'during', 'after'] as const;
const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const;

export const GITHUB_REQUESTS = {
  'listing pull requests': /^GET \/repos\/[^?]*\/pulls\?/,
  'opening a pull request': /^POST \/repos\/[^?]*\/pulls$/,
  'asking for refs to fetch': /^GET \/[^?]*\/info\/refs\?service=git-upload-pack/,
  fetching: /^POST \/[^?]*\/git-upload-pack/,
  'asking for refs to push': /^GET \/[^?]*\/info\/refs\?service=git-receive-pack/,
  pushing: /^POST \/[^?]*\/git-receive-pack/,
} as const;
export type GitHubRequest = keyof typeof GITHUB_REQUESTS;
const GITHUB_FAULTS = [
  'answer lost',
  'connection reset',
  '500',
  '502',
  '503',
  '429 with retry-after',
  '429 without',
  'secondary rate limit',
  'slow',
  'time-out, takes effect later',
] as const;
export type GitHubFault = (typeof GITHUB_FAULTS)[number];

const TELEGRAM_METHODS = ['getUpdates', 'sendMessage', 'editMessageText', 'answerCallbackQuery'] as const;
export type TelegramMethod = (typeof TELEGRAM_METHODS)[number];
const TELEGRAM_FAULTS = [
  'answer lost',
  'connection reset',
  'no answer',
  '500',
  '502',
  '429 with retry-after',
  '429 without',
  'slow',
] as const;
export type TelegramFault = (typeof TELEGRAM_FAULTS)[number];

const DISKS = ['log and views', 'artifacts', 'workspaces'] as const;
export type Disk = (typeof DISKS)[number];
const TORN = [
  'log',
  'views',
  'views, altogether',
  'audit',
  'audit, whole lines',
  'artifact',
  'local admin',
  'private files',
  'git lock',
] as const;
export type Torn = (typeof TORN)[number];
const STORE_FAULTS = [
  'acknowledgement lost',
  'late',
  'subscriptions dropped',
  'subscriptions mute',
  'hung',
  'not ready',
  'gone',
] as const;
export type StoreFault = (typeof STORE_FAULTS)[number];
const TWICE = ['request', 'approval', 'update'] as const;
export type Twice = (typeof TWICE)[number];

const HOUR_MS = 3_600_000;
const JUMPS_MS = [HOUR_MS, 26 * HOUR_MS, -3_000] as const;

const point = (where: string, how: string, play: Play): Point => ({ name: `${where}: ${how}`, where, how, play });

const PROCESS = [...APPENDS, ...CALLS].flatMap((call) =>
  WHENS.flatMap((when) =>
    SIGNALS.map((signal) => point(call, `${signal} ${when}`, { family: 'process', fate: { call, when, signal } })),
  ),
);

const OUTSIDE = [
  ...(Object.keys(GITHUB_REQUESTS) as GitHubRequest[]).flatMap(
    (
      request, // The keys of a literal.
    ) => GITHUB_FAULTS.map((fault) => point(`GitHub, ${request}`, fault, { family: 'github', request, fault })),
  ),
  ...TELEGRAM_METHODS.flatMap((method) =>
    TELEGRAM_FAULTS.map((fault) => point(`Telegram, ${method}`, fault, { family: 'telegram', method, fault })),
  ),
  ...(['refused', 'hung'] as const).map((fault) => point('Docker engine', fault, { family: 'docker', fault })),
  ...DISKS.map((disk) => point(`Disk under ${disk}`, 'full', { family: 'disk', disk })),
  ...JUMPS_MS.map((jumpMs) => point('Clock', `jumps by ${jumpMs / 1_000} s`, { family: 'clock', jumpMs })),
  ...TWICE.map((twice) => point('People and Telegram', `the same ${twice} twice`, { family: 'people', twice })),
];

const STARTS = SIGNALS.map((signal) => point('Start of the service', `${signal} in the middle`, { family: 'start', signal }));

const OF_FILES = TORN.map((file) => point('Files after a kill', `torn: ${file}`, { family: 'torn', file }));
const OF_STORE = STORE_FAULTS.map((fault) => point('EventStoreDB', fault, { family: 'store', fault }));

export type StoreKind = 'sqlite' | 'double';

/** Every point there is for a service on this store. */
export const pointsOf = (store: StoreKind): readonly Point[] => [
  ...PROCESS,
  ...STARTS,
  ...OUTSIDE,
  ...(store === 'sqlite' ? OF_FILES : OF_STORE),
];
