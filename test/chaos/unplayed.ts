import type { cardEvents } from '../../src/domain/card.ts';
import type { chatEvents } from '../../src/domain/chat/index.ts';
import type { historyEvents } from '../../src/domain/history/events.ts';
import type { personEvents } from '../../src/domain/person/events.ts';
import type { taskEvents } from '../../src/domain/task/events.ts';
import type { Stage } from '../../src/domain/task/shapes.ts';
import type { createAgents } from '../../src/infra/agent/agents.ts';
import type { createArtifacts } from '../../src/infra/artifacts.ts';
import type { createGitHubForge } from '../../src/infra/forge/github.ts';
import type { createLocalForge } from '../../src/infra/forge/local.ts';
import type { createRepositories } from '../../src/infra/git/repositories.ts';
import type { createBubblewrapSandbox } from '../../src/infra/sandbox/bubblewrap.ts';
import type { createDockerSandbox } from '../../src/infra/sandbox/docker.ts';
import type { createInstalls } from '../../src/infra/sandbox/installs.ts';
import type { openEventStoreDb } from '../../src/infra/store/eventstoredb.ts';
import type { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import type { createWorkspaces } from '../../src/infra/workspaces.ts';
import type { CALLS } from './points.ts';

/** `<part>.<method>` of everything that this makes. */
type CallsOf<Part extends string, Make extends (...options: never) => object> = {
  [Name in keyof ReturnType<Make> & string]: ReturnType<Make>[Name] extends ((...args: never) => unknown) | undefined
    ? `${Part}.${Name}`
    : never;
}[keyof ReturnType<Make> & string];

/** Every method of every part that is wrapped (`staging/stage.ts`), but of Telegram, whose client has one for whatever bots can do. */
export type PartCall =
  | CallsOf<'store', typeof openSqliteStore>
  | CallsOf<'store', typeof openEventStoreDb>
  | CallsOf<'artifacts', typeof createArtifacts>
  | CallsOf<'workspaces', typeof createWorkspaces>
  | CallsOf<'repositories', typeof createRepositories>
  | CallsOf<'agents', typeof createAgents>
  | CallsOf<'sandboxes', typeof createDockerSandbox>
  | CallsOf<'sandboxes', typeof createBubblewrapSandbox>
  | CallsOf<'installs', typeof createInstalls>
  | CallsOf<'forge', typeof createGitHubForge>
  | CallsOf<'forge', typeof createLocalForge>;

const AT_START =
  'Called while a process starts, before anybody can tell it of a fate; the middle of a start is a point of its own.';
const IN_MEMORY = 'Answers from memory: nothing leaves the process.';
const FOR_HEALTH = 'Asked by health and preflight only, which change nothing.';
const ON_PRUNING =
  'Called once an hour, of which a batch has none; what is half removed is there or not, as `artifacts.get` finds it.';

/** Calls that are no points, each with the reason: the compiler sees to it that none is forgotten, and none stands here that is a point. */
export const UNPLAYED_CALLS: Readonly<Record<Exclude<PartCall, keyof typeof CALLS>, string>> = {
  'store.append': 'Played by the name of each event that it stores.',
  'store.storeId': AT_START,
  'store.readAll':
    'Read by the views on a thread of their own, which loses a process at every point; nothing is kept of a half-read page.',
  'store.subscribe': 'As `store.readAll`; dropped and mute subscriptions are points of EventStoreDB.',
  'store.probe': FOR_HEALTH,
  'store.close': 'The last thing that a process does: whoever is killed here has nothing left to lose.',
  'artifacts.list': ON_PRUNING,
  'artifacts.remove': ON_PRUNING,
  'repositories.isFolder': 'Asked for repositories with a `path` only; reads the mirror as `repositories.readFile` does.',
  'repositories.fileNames': 'Asked while a configuration is proposed for a new repository, which is before any task.',
  'repositories.checkRemote': FOR_HEALTH,
  'repositories.forget': IN_MEMORY,
  'repositories.reap': AT_START,
  'repositories.close': 'Ends what runs while a process stops; SIGTERM at every other point meets it.',
  'agents.list': IN_MEMORY,
  'agents.probeAgent': FOR_HEALTH,
  'agents.reap': AT_START,
  'installs.reap': AT_START,
  'forge.probe': FOR_HEALTH,
  'forge.read': 'What a person does on the page of a forge; the service never calls it.',
  'forge.settle': 'What a person does on the page of a forge; the service never calls it.',
  'forge.reap': AT_START,
};

type EventName =
  | Exclude<keyof typeof taskEvents, 'StageClaimed'>
  | `StageClaimed (${Stage})`
  | keyof typeof cardEvents
  | keyof typeof personEvents
  | keyof typeof chatEvents
  | keyof typeof historyEvents
  // Of streams that are no kind's: `src/infra/heartbeats.ts`, `src/infra/singleton.ts`.
  | 'WorkerHeard'
  | 'LeaseClaimed'
  | 'LeaseDoubted'
  | 'LeaseReleased'
  // `src/infra/store/eventstoredb.ts`.
  | 'StoreCreated';
export type EventAppend = `append ${EventName}`;

const ONE_APPEND = 'Stored in one append with';
const ERASING =
  'Nothing of a task is erased here; it is done as the erasure of a person is, whose appends and `store.redactEvent` are points.';
const IMPORT =
  'Nobody here comes from an older service; an import is made again as a whole, and passes over what is there (`test/http`).';

/** Events that are no points, each with the reason. The checker finds it a violation when one is stored alone all the same. */
export const UNPLAYED_EVENTS: Readonly<Record<Exclude<EventAppend, keyof typeof CALLS>, string>> = {
  'append PolicyJudged': `${ONE_APPEND} \`ChangeCollected\`.`,
  'append StoreCreated': 'Stored by the first process before there is a service: the middle of a start is a point of its own.',
  'append TextRedacted': ERASING,
  'append CardForgotten': ERASING,
  'append HistoryForgotten': ERASING,
  'append TaskImported': IMPORT,
  'append AuditImported': IMPORT,
};
