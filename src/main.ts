import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createChats } from './commands/chats.ts';
import { createDispatch } from './commands/dispatch.ts';
import { createDoor } from './commands/door.ts';
import { createErasure } from './commands/erasure.ts';
import { createHistoryErasure } from './commands/history-erasure.ts';
import { createIdentities } from './commands/identities.ts';
import { createPeople } from './commands/people.ts';
import type { Artifacts } from './commands/ports/artifacts.ts';
import { systemClock } from './commands/ports/clock.ts';
import type { Installs } from './commands/ports/installs.ts';
import { soleOwner } from './commands/ports/liveness.ts';
import type { Sandboxes } from './commands/ports/sandbox.ts';
import { createRedaction } from './commands/redaction.ts';
import { createRunner } from './commands/runner.ts';
import { createStreams } from './commands/streams.ts';
import { letGoOfEnded } from './commands/task/bookkeeping.ts';
import { taskProcess } from './commands/task/process.ts';
import { chatKind } from './domain/chat/index.ts';
import type { Kind } from './domain/decider.ts';
import { historyKind } from './domain/history/index.ts';
import { ARTIFACT_BYTES_MAX, RETRY_DELAYS_MS } from './domain/limits.ts';
import { personKind } from './domain/person/index.ts';
import { createSecretDetector } from './domain/secrets.ts';
import { taskKind } from './domain/task/index.ts';
import { createAgents } from './infra/agent/agents.ts';
import { configuredAgents } from './infra/agent/configured.ts';
import { loginSecrets } from './infra/agent/login-secrets.ts';
import { type ArtifactStock, namedByOpenTasks, PRUNED_EVERY_MS, pruneArtifacts } from './infra/artifact-retention.ts';
import { clearUnfinished, createArtifacts } from './infra/artifacts.ts';
import { type Backups, clearStagedBackups, createBackups } from './infra/backup/make.ts';
import { checkAll } from './infra/checks.ts';
import { type Composition, type Offline, SERVICE_FILE, type Service, type ServiceFile } from './infra/cli/composition.ts';
import { runCli } from './infra/cli/main.ts';
import { type Configuration, secretsOf } from './infra/config/configuration.ts';
import { parseRepositoryFile } from './infra/config/repository-file.ts';
import { createGitHubForge, type GitHubForge } from './infra/forge/github.ts';
import { createLocalForge } from './infra/forge/local.ts';
import type { GitAccess } from './infra/git/access.ts';
import { createRepositories } from './infra/git/repositories.ts';
import { healthReport } from './infra/health.ts';
import { createHeartbeats, type Heartbeats } from './infra/heartbeats.ts';
import { createApi, createWorkerApi } from './infra/http/app.ts';
import type { ApiOptions, HealthReport } from './infra/http/context.ts';
import { bounded } from './infra/http/pressure.ts';
import { listen } from './infra/http/server.ts';
import { ensureLocalAdmin, knownLocalAdmin, writePrivately } from './infra/local-admin.ts';
import { createLog, type Log } from './infra/log.ts';
import { FOREIGN_AUDIT, isForeignAudit } from './infra/okaydokki/foreign-audit.ts';
import { createProgressFeed } from './infra/progress-feed.ts';
import { createRedactor } from './infra/redact.ts';
import { replay } from './infra/replay.ts';
import { createRepositoryAdmin } from './infra/repository-admin.ts';
import { createBubblewrapSandbox } from './infra/sandbox/bubblewrap.ts';
import { createDockerSandbox } from './infra/sandbox/docker.ts';
import { createDockerInstall } from './infra/sandbox/docker-install.ts';
import { createInstalls, noInstalls } from './infra/sandbox/installs.ts';
import { probeDocker } from './infra/sandbox/probe.ts';
import { lockDataFolder } from './infra/store/data-folder-lock.ts';
import { openStore } from './infra/store/place.ts';
import { CopyRefused } from './infra/store-copy/copy.ts';
import { createStoreCopy } from './infra/store-copy/store-copy.ts';
import type { Telegram, TelegramOptions } from './infra/telegram/telegram.ts';
import { telegramOnDuty } from './infra/telegram-duty.ts';
import { isOverForGood, startUpkeep } from './infra/upkeep.ts';
import { peopleLookUps } from './infra/views/people-queries.ts';
import { startKeeper } from './infra/views/threaded-keeper.ts';
import { openViews } from './infra/views/views.ts';
import { createWorkspaces } from './infra/workspaces.ts';

const KINDS: readonly Kind[] = [taskKind as Kind, personKind as Kind, chatKind as Kind, historyKind as Kind];
/** How long the views may take to come to the end of the log before they are asked as they are, in milliseconds. */
const VIEWS_WAIT_MS = 5_000;
/** Preparations and expiries under way at the same time. */
const LIGHT_STEPS_MAX = 16;
const storePlaceOf = ({ eventStoreUrl, dataFolder }: Configuration) => ({ eventStoreUrl, file: join(dataFolder, 'log.db') });

/** The log and what is derived from it, under the lock of the data folder; `open` closes it in the right order. */
const openLog = async (configuration: Configuration, open: AsyncDisposableStack) => {
  const { dataFolder, auditFile } = configuration;
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const lock = lockDataFolder(dataFolder);
  open.defer(() => lock.release());
  if (await isForeignAudit(auditFile)) throw new Error(FOREIGN_AUDIT);
  const store = await openStore(storePlaceOf(configuration));
  open.defer(() => store.close());
  const file = join(dataFolder, 'views.db');
  const views = await openViews(file, await startKeeper({ file, auditFile, store: storePlaceOf(configuration) }));
  open.defer(() => views.close());
  const streams = createStreams(store);
  const people = createPeople(streams);
  const dispatch = createDispatch({ store, streams, people, kinds: KINDS });
  const erasing = 'redactEvent' in store ? { store, erase: store.redactEvent, dispatch, clock: systemClock } : null;
  const redaction = erasing && createRedaction({ ...erasing, streams, people });
  const historyErasure = erasing && createHistoryErasure({ ...erasing, people });
  const queries = peopleLookUps(views, store);
  const erasure = erasing && createErasure({ ...erasing, queries });
  const identities = createIdentities({ people, queries, dispatch, clock: systemClock });
  const chats = createChats({ streams, queries, dispatch, clock: systemClock });
  return { store, views, streams, people, dispatch, redaction, erasure, historyErasure, identities, chats };
};
type OpenLog = Awaited<ReturnType<typeof openLog>>;

const socketOf = ({ sandbox: { dockerSocket } }: Configuration) => (dockerSocket === null ? {} : { socketPath: dockerSocket });

const openSandboxes = async (configuration: Configuration): Promise<Sandboxes> => {
  const { kind } = configuration.sandbox;
  const useDocker = kind === 'docker' || (kind === 'auto' && (await probeDocker(socketOf(configuration))).ok);
  return useDocker ? createDockerSandbox(socketOf(configuration)) : createBubblewrapSandbox();
};

/** What installs the packages that tests need, in the sandbox that was opened. */
const openInstalls = (configuration: Configuration, { kind }: Sandboxes): Installs => {
  if (kind === 'bubblewrap') return noInstalls;
  const { dataFolder, sandbox } = configuration;
  return createInstalls({
    folder: join(dataFolder, 'installs'),
    bytesMax: sandbox.installCacheBytes,
    make: createDockerInstall(socketOf(configuration)),
  });
};

const gitHubOf = ({ forge }: Configuration): GitHubForge =>
  createGitHubForge({
    environment: {
      ...process.env,
      GH_HOST: forge.host,
      ...(forge.token !== null && { GH_TOKEN: forge.token, GH_ENTERPRISE_TOKEN: forge.token }),
    },
  });

/** How git logs in at remotes: to clone, to fetch and to push. */
const gitCredentialsOf = (configuration: Configuration): GitAccess => {
  const { forge, remotes } = configuration;
  return {
    ...(forge.kind === 'github' && { token: gitHubOf(configuration).token }),
    ...(remotes.sshAuthSock !== null && { sshAuthSock: remotes.sshAuthSock }),
    sshFiles: true,
    variables: remotes.variables,
  };
};

/** The client of S3 is loaded only where one is named. */
const openArtifacts = async ({ artifactStore, artifactFolder }: Configuration): Promise<Artifacts & ArtifactStock> => {
  if (artifactStore === null) return createArtifacts({ folder: artifactFolder, bytesMax: ARTIFACT_BYTES_MAX });
  const { createS3Artifacts } = await import('./infra/s3-artifacts.ts');
  return createS3Artifacts(artifactStore, ARTIFACT_BYTES_MAX);
};

/** Everything that reaches outside of the process, by the operator's word. */
const openOutside = async (configuration: Configuration, redact: (text: string) => string) => {
  const { dataFolder, forge, repositories } = configuration;
  const agents = configuredAgents(configuration, redact);
  const sandboxes = await openSandboxes(configuration);
  return {
    configuration,
    artifacts: await openArtifacts(configuration),
    agents: createAgents(agents),
    sandboxes,
    installs: openInstalls(configuration, sandboxes),
    forge: forge.kind === 'github' ? gitHubOf(configuration) : createLocalForge({ folder: join(dataFolder, 'forge') }),
    repositories: createRepositories({
      dataFolder,
      snapshotRoot: repositories.snapshotRoot,
      serviceSecrets: () => [
        ...secretsOf(configuration),
        ...agents.profiles.flatMap(({ loginPaths }) => loginSecrets(loginPaths)),
      ],
      gitCredentials: gitCredentialsOf(configuration),
    }),
  };
};

type Outside = Awaited<ReturnType<typeof openOutside>>;

/** This process among those that share its log; without heart-beats it is the only one. */
interface Member {
  readonly worker: string;
  readonly heartbeats: Heartbeats | null;
}

/** The first beat is stored before anything is claimed. */
const joinOthers = async (
  { eventStoreUrl }: Configuration,
  { store }: OpenLog,
  log: Log,
  open: AsyncDisposableStack,
): Promise<Member> => {
  const worker = systemClock.uuid();
  if (eventStoreUrl === null) return { worker, heartbeats: null };
  const heartbeats = createHeartbeats({ store, worker, log });
  await heartbeats.start();
  open.defer(() => heartbeats.stop());
  return { worker, heartbeats };
};

/** Takes due steps until it is closed; what an earlier process left on this machine is cleared away first. */
const openRunner = async (
  configuration: Configuration,
  { store, views, streams, dispatch }: OpenLog,
  outside: Outside,
  parts: {
    readonly log: Log;
    readonly artifacts: Artifacts;
    readonly backups: Backups;
    readonly onProgress: (stream: string, line: string) => void;
    readonly member: Member;
  },
  open: AsyncDisposableStack,
) => {
  const { dataFolder, operator, approvalTtlMs, admission } = configuration;
  const { log, artifacts, backups, onProgress, member } = parts;
  const owner = createHash('sha256').update(dataFolder).digest('hex').slice(0, 16);
  const workspaces = createWorkspaces({ folder: join(dataFolder, 'work') });
  const { agents, sandboxes, installs, repositories, forge } = outside;
  const cleared = [sandboxes.reap(owner), installs.reap(), agents.reap(), workspaces.reap(), repositories.reap()];
  if (forge.kind === 'local') cleared.push(forge.reap());
  for (const { status, ...why } of await Promise.allSettled(cleared)) {
    if (status === 'rejected') log.warn(why, 'what an earlier process left is not cleared away yet');
  }

  const ports = { ...outside, artifacts, workspaces, clock: systemClock, operator, owner, approvalTtlMs, parseRepositoryFile };
  const runner = createRunner({
    worker: member.worker,
    processes: [taskProcess(ports, log)],
    dispatch,
    streams,
    work: views.work,
    liveness: member.heartbeats ?? soleOwner,
    admission: { ...admission, lightMax: LIGHT_STEPS_MAX },
    clock: systemClock,
    log,
    onProgress,
    retryDelaysMs: RETRY_DELAYS_MS,
  });
  const upkeep = startUpkeep(
    [
      () => sandboxes.reap(owner),
      () => workspaces.reap(),
      () => letGoOfEnded(outside.repositories, (taskId) => isOverForGood(views.queries.getTask(taskId), systemClock.now())),
      () => clearUnfinished(configuration.artifactFolder),
    ],
    log,
  );
  open.defer(() => upkeep.stop());
  const prune = () =>
    pruneArtifacts(outside.artifacts, configuration.artifactRetention, () => namedByOpenTasks(store, views), backups.isUnderWay);
  const retention = startUpkeep([prune], log, PRUNED_EVERY_MS);
  open.defer(() => retention.stop());
  // Before both: a look of theirs may wait for an engine or a bucket longer than a stop may take.
  open.defer(() => runner.stop());
  return runner;
};

const openDoor = ({ repositories, agent, admission, ...configuration }: Configuration, { store, dispatch, views }: OpenLog) =>
  createDoor({
    dispatch,
    tasks: {
      find: (id) => views.queries.find(id),
      countWaiting: async (personId) => {
        await views.waitFor((await store.head()) ?? '', VIEWS_WAIT_MS);
        return views.queries.countWaiting(personId);
      },
    },
    clock: systemClock,
    defaults: { repo: repositories.defaultRepository, base: repositories.baseBranch, agent: agent.provider },
    waitingPerPersonMax: admission.waitingPerPersonMax,
    holdsSecret: createSecretDetector(secretsOf({ repositories, agent, admission, ...configuration })),
  });

/** Loaded where there is a bot only. `null`: the operator gave none. */
const openTelegram = async (
  { telegram }: Configuration,
  opened: OpenLog,
  { worker, heartbeats }: Member,
  parts: Pick<TelegramOptions, 'door' | 'artifacts' | 'progress' | 'health' | 'log'>,
): Promise<Telegram | null> => {
  const { botToken } = telegram;
  if (botToken === null) {
    parts.log.info('TELEGRAM_BOT_TOKEN is not set: Telegram is off');
    return null;
  }
  const { createTelegram } = await import('./infra/telegram/telegram.ts');
  const make = (mayCall?: () => boolean) =>
    createTelegram({ ...opened, ...parts, configuration: { ...telegram, botToken }, clock: systemClock, mayCall });
  return heartbeats ? telegramOnDuty(make, { store: opened.store, worker, heartbeats, log: parts.log }) : make();
};

const probeTelegram = async ({ telegram }: Configuration) => (await import('./infra/telegram/checks.ts')).probeTelegram(telegram);

/** What an API process answers with, and Telegram, which comes to life with it. */
const openApi = async (
  configuration: Configuration,
  opened: OpenLog,
  outside: Outside,
  parts: Pick<ApiOptions, 'artifacts' | 'backups' | 'isReady' | 'redact'> &
    Pick<TelegramOptions, 'log' | 'progress'> & { readonly member: Member },
) => {
  const { dataFolder } = configuration;
  const door = openDoor(configuration, opened);
  const health = (): Promise<HealthReport> =>
    healthReport({
      ...outside,
      ...opened,
      telegram: telegram?.check ?? (() => probeTelegram(configuration)),
      now: systemClock.now,
    });
  const telegram = await openTelegram(configuration, opened, parts.member, { ...parts, door, health });
  const api = createApi(
    bounded({
      ...opened,
      ...parts,
      door,
      worker: parts.member.worker,
      auditFile: configuration.auditFile,
      repositories: createRepositoryAdmin({
        ...configuration.repositories,
        dataFolder,
        operator: configuration.operator,
        isShared: configuration.eventStoreUrl !== null,
        repositories: outside.repositories,
        gitCredentials: gitCredentialsOf(configuration),
      }),
      health,
      botName: () => telegram?.botName() ?? null,
      telegram: telegram?.webhook ?? null,
      clock: systemClock,
    }),
  );
  return { api, telegram };
};

/** The service, or the part of it that this process is: one data folder, one port, and the log, which others may share. */
export const serve = async (configuration: Configuration): Promise<Service> => {
  await using opening = new AsyncDisposableStack();
  const { dataFolder, role } = configuration;
  const redact = createRedactor(secretsOf(configuration));
  const log = createLog({ level: configuration.logLevel, redact });
  if (configuration.agent.isolation === 'none') {
    log.warn('AGENT_ISOLATION=none: agents run as this user and see what this user sees, the tokens of this service included');
  }
  const opened = await openLog(configuration, opening);
  let telegramEnds: Promise<void> | undefined;
  // Before the log is closed; it began to end before everything else did.
  opening.defer(() => telegramEnds);
  const outside = await openOutside(configuration, redact);
  await clearStagedBackups(dataFolder);
  const { artifacts } = outside;
  const holdsLog = configuration.eventStoreUrl === null;
  const backups = createBackups({ dataFolder, artifactFolder: configuration.artifactFolder, holdsLog, now: systemClock.now });
  const progress = createProgressFeed();
  opening.defer(outside.repositories.close);
  const member = await joinOthers(configuration, opened, log, opening);
  const parts = { log, artifacts, backups, progress, member };
  const runner =
    role === 'api' ? null : await openRunner(configuration, opened, outside, { ...parts, onProgress: progress.tell }, opening);
  let isReady = false;
  const answers = { isReady: () => isReady, log };
  const { api, telegram } =
    role === 'worker'
      ? { api: createWorkerApi(answers), telegram: null }
      : await openApi(configuration, opened, outside, { ...parts, ...answers, redact });

  const admin =
    role === 'worker' ? null : await ensureLocalAdmin(join(dataFolder, 'local-admin.json'), { ...opened, clock: systemClock });
  await opened.views.ready;
  // Whose a token is, is looked up in a view.
  await opened.views.waitFor((await opened.store.head()) ?? '', VIEWS_WAIT_MS);
  // What only the start needed, some 35 MiB, is given back before anybody is answered.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const { url, close } = await listen(api, configuration);
  opening.defer(close);
  if (admin) {
    const serviceFile = join(dataFolder, SERVICE_FILE);
    await writePrivately(serviceFile, { url, token: admin.token, pid: process.pid } satisfies ServiceFile);
    opening.defer(() => rm(serviceFile, { force: true }));
  }
  opening.defer(() => {
    isReady = false;
  });
  isReady = true;
  // Work begins once the service can be asked about it.
  runner?.start();
  log.info({ url, role, sandbox: outside.sandboxes.kind, forge: outside.forge.kind }, 'countersign is ready');
  telegram?.start();
  opening.defer(() => {
    telegramEnds = telegram?.stop();
  });
  const running = opening.move();
  const done = opened.views.done;
  done.catch((error: unknown) => log.fatal({ err: error }, 'the views cannot go on'));
  return { url, done, stop: () => running.disposeAsync() };
};

/** What can be done with a data folder while no service runs. */
const offline = async (configuration: Configuration): Promise<Offline> => {
  await using opening = new AsyncDisposableStack();
  const { store, views } = await openLog(configuration, opening);
  await views.ready;
  const opened = opening.move();
  return {
    rebuild: (onProgress) => views.rebuild(({ events, expected }) => onProgress(events, expected ?? null)),
    replay: (onProgress) => replay(store, KINDS, onProgress),
    needed: () => namedByOpenTasks(store, views),
    close: () => opened.disposeAsync(),
  };
};

const copyStore: Composition['copyStore'] = (configuration, order, onProgress) => {
  const { dataFolder } = configuration;
  const openEraser = async (folder: string, open: AsyncDisposableStack) => {
    const admin = await knownLocalAdmin(join(dataFolder, 'local-admin.json'));
    if (!admin)
      throw new CopyRefused(
        'Set DATA_DIR to where a service ran on this log: erasing is recorded as done by its local administrator.',
      );
    const log = await openLog(
      { ...configuration, dataFolder: folder, auditFile: join(folder, 'audit.jsonl'), eventStoreUrl: null },
      open,
    );
    const { store, redaction, erasure, historyErasure } = log;
    if (!redaction || !erasure || !historyErasure) throw new Error('a log file in which nothing can be erased');
    await log.views.ready;
    return { store, redaction, erasure, historyErasure, session: { personId: admin.personId, channel: 'cli' } };
  };
  return createStoreCopy({ kinds: KINDS, dataFolder, openEraser })(order, onProgress);
};

const preflight: Composition['preflight'] = async (configuration) => {
  await mkdir(configuration.dataFolder, { recursive: true, mode: 0o700 });
  const store = await openStore(storePlaceOf(configuration));
  try {
    const outside = await openOutside(configuration, createRedactor(secretsOf(configuration)));
    return await checkAll({ ...outside, store, telegram: () => probeTelegram(configuration) });
  } finally {
    await store.close();
  }
};

if (import.meta.main)
  process.exitCode = await runCli(process.argv.slice(2), process.env, { serve, offline, copyStore, preflight });
