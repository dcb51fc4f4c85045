import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createDispatch } from './commands/dispatch.ts';
import { createDoor } from './commands/door.ts';
import { createPeople } from './commands/people.ts';
import { systemClock } from './commands/ports/clock.ts';
import { type Liveness, soleOwner } from './commands/ports/liveness.ts';
import type { Sandboxes } from './commands/ports/sandbox.ts';
import { createRunner } from './commands/runner.ts';
import { createStreams } from './commands/streams.ts';
import { taskProcess } from './commands/task/process.ts';
import type { EventStore } from './domain/event-store.ts';
import { ARTIFACT_BYTES_MAX } from './domain/limits.ts';
import { personKind } from './domain/person/index.ts';
import { createSecretDetector } from './domain/secrets.ts';
import { taskKind } from './domain/task/index.ts';
import { createAgents } from './infra/agent/agents.ts';
import { configuredAgents } from './infra/agent/configured.ts';
import { createArtifacts } from './infra/artifacts.ts';
import { checkAll } from './infra/checks.ts';
import { SERVICE_FILE, type Service, type ServiceFile } from './infra/cli/composition.ts';
import { type Configuration, secretsOf } from './infra/config/configuration.ts';
import { parseRepositoryFile } from './infra/config/repository-file.ts';
import { createGitHubForge } from './infra/forge/github.ts';
import { createLocalForge } from './infra/forge/local.ts';
import { createRepositories } from './infra/git/repositories.ts';
import { addRepository, removeRepository } from './infra/git/snapshots.ts';
import { createHeartbeats } from './infra/heartbeats.ts';
import { createApi } from './infra/http/app.ts';
import { listen } from './infra/http/server.ts';
import { ensureLocalAdmin, writePrivately } from './infra/local-admin.ts';
import { createLog } from './infra/log.ts';
import { createProgressFeed } from './infra/progress-feed.ts';
import { createRedactor } from './infra/redact.ts';
import { createBubblewrapSandbox } from './infra/sandbox/bubblewrap.ts';
import { createDockerSandbox } from './infra/sandbox/docker.ts';
import { probeDocker } from './infra/sandbox/probe.ts';
import { lockDataFolder } from './infra/store/data-folder-lock.ts';
import { openEventStoreDb } from './infra/store/eventstoredb.ts';
import { openSqliteStore } from './infra/store/sqlite.ts';
import { openViews } from './infra/views/views.ts';
import { createWorkspaces } from './infra/workspaces.ts';

/** How long an outside failure is waited out: after the first, the second, the third. In milliseconds. */
const RETRY_DELAYS_MS = [5_000, 30_000, 120_000];
/** Preparations and expiries under way at the same time. */
const LIGHT_STEPS_MAX = 16;

const openStore = async ({ eventStoreUrl, dataFolder }: Configuration): Promise<EventStore> =>
  eventStoreUrl === null
    ? openSqliteStore({ file: join(dataFolder, 'log.db') })
    : openEventStoreDb({ url: eventStoreUrl, client: await import('@eventstore/db-client') });

const socketOf = ({ sandbox: { dockerHost } }: Configuration) =>
  dockerHost === null ? {} : { socketPath: dockerHost.replace(/^unix:\/\//, '') };

const openSandboxes = async (configuration: Configuration): Promise<Sandboxes> => {
  const { kind } = configuration.sandbox;
  const useDocker = kind === 'docker' || (kind === 'auto' && (await probeDocker(socketOf(configuration))).ok);
  return useDocker ? createDockerSandbox(socketOf(configuration)) : createBubblewrapSandbox();
};

/** Everything that reaches outside of the process, by the operator's word. */
const openOutside = async (configuration: Configuration, redact: (text: string) => string) => {
  const { dataFolder, forge, repositories, remotes } = configuration;
  const github = createGitHubForge({
    environment: {
      ...process.env,
      GH_HOST: forge.host,
      ...(forge.token !== null && { GH_TOKEN: forge.token, GH_ENTERPRISE_TOKEN: forge.token }),
    },
  });
  return {
    configuration,
    agents: createAgents(configuredAgents(configuration, redact)),
    sandboxes: await openSandboxes(configuration),
    forge: forge.kind === 'github' ? github : createLocalForge({ folder: join(dataFolder, 'forge') }),
    repositories: createRepositories({
      dataFolder,
      snapshotRoot: repositories.snapshotRoot,
      serviceSecrets: () => secretsOf(configuration),
      gitCredentials: {
        ...(forge.kind === 'github' && { token: github.token }),
        ...(remotes.sshAuthSock !== null && { sshAuthSock: remotes.sshAuthSock }),
        sshFiles: true,
        variables: remotes.variables,
      },
    }),
  };
};

const repositoryAdmin = (configuration: Configuration, outside: Awaited<ReturnType<typeof openOutside>>) => {
  const { snapshotRoot, baseBranch } = configuration.repositories;
  return {
    list: async () => {
      const names = await outside.repositories.list();
      const remoteOf = (name: string) =>
        outside.repositories.resolveBase(name, baseBranch).then(
          ({ remote }) => remote,
          () => '',
        );
      return Promise.all(names.map(async (name) => ({ name, remote: await remoteOf(name) })));
    },
    add: (url: string, name: string | undefined) => addRepository({ url, snapshotRoot, ...(name !== undefined && { name }) }),
    remove: async (name: string) => {
      await removeRepository({ name, snapshotRoot, dataFolder: configuration.dataFolder });
    },
  };
};

/** The service: one data folder, one log, one runner, one port. */
export const serve = async (configuration: Configuration): Promise<Service> => {
  const { dataFolder } = configuration;
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const lock = lockDataFolder(dataFolder);
  const clock = systemClock;
  const secrets = secretsOf(configuration);
  const redact = createRedactor(secrets);
  const log = createLog({ level: configuration.logLevel, redact });
  const worker = clock.uuid();

  const store = await openStore(configuration);
  const streams = createStreams(store);
  const people = createPeople(streams);
  const dispatch = createDispatch({ store, streams, people, kinds: [taskKind, personKind] });
  const views = await openViews({ file: join(dataFolder, 'views.db'), store });
  const artifacts = createArtifacts({ folder: configuration.artifactFolder, bytesMax: ARTIFACT_BYTES_MAX });
  const workspaces = createWorkspaces({ folder: join(dataFolder, 'work') });
  const outside = await openOutside(configuration, redact);
  const owner = createHash('sha256').update(dataFolder).digest('hex').slice(0, 16);
  // Nobody else works on this folder: whatever an earlier process left on this machine is nobody's.
  await Promise.all([outside.sandboxes.reap(owner, new Set()), outside.agents.reap(), workspaces.reap(new Set())]);

  const heartbeats = configuration.eventStoreUrl === null ? undefined : createHeartbeats({ store, worker });
  await heartbeats?.start();
  const liveness: Liveness = heartbeats ?? soleOwner;
  const progress = createProgressFeed();
  const ports = {
    ...outside,
    artifacts,
    workspaces,
    clock,
    operator: configuration.operator,
    owner,
    approvalTtlMs: configuration.approvalTtlMs,
    parseRepositoryFile,
  };
  const runner = createRunner({
    worker,
    processes: [taskProcess(ports, log)],
    dispatch,
    streams,
    work: views.work,
    liveness,
    admission: { ...configuration.admission, lightMax: LIGHT_STEPS_MAX },
    clock,
    log,
    onProgress: progress.tell,
    retryDelaysMs: RETRY_DELAYS_MS,
  });

  const door = createDoor({
    dispatch,
    tasks: { find: (id) => views.queries.find(id), countWaiting: (personId) => views.queries.countWaiting(personId) },
    clock,
    defaults: {
      repo: configuration.repositories.defaultRepository,
      base: configuration.repositories.baseBranch,
      agent: configuration.agent.provider,
    },
    waitingPerPersonMax: configuration.admission.waitingPerPersonMax,
    holdsSecret: createSecretDetector(secrets),
  });
  let isReady = false;
  const health = async () => {
    const components = await checkAll({ ...outside, store });
    const { image, testCommand, allowedTestCommands, policy } = configuration.operator;
    return {
      service: 'countersign',
      status: components.some(({ status }) => status === 'fail') ? ('degraded' as const) : ('ok' as const),
      nodeVersion: process.version,
      timestamp: clock.now(),
      contracts: { api: 'v1', audit: '2.0' },
      sandbox: { image, defaultTestCommand: testCommand, allowedTestCommands, diffPolicy: policy },
      components,
      views: views.status(),
    };
  };
  const api = createApi({
    door,
    dispatch,
    people,
    store,
    views,
    artifacts,
    auditFile: configuration.auditFile,
    repositories: repositoryAdmin(configuration, outside),
    progress,
    health,
    isReady: () => isReady,
    clock,
    log,
  });
  const { token } = await ensureLocalAdmin(join(dataFolder, 'local-admin.json'), { dispatch, people, clock });
  await views.ready;
  runner.start();
  const server = await listen(api, configuration);
  isReady = true;
  const serviceFile = join(dataFolder, SERVICE_FILE);
  await writePrivately(serviceFile, { url: server.url, token, pid: process.pid } satisfies ServiceFile);
  log.info({ url: server.url, sandbox: outside.sandboxes.kind, forge: outside.forge.kind }, 'countersign is ready');

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    isReady = false;
    await rm(serviceFile, { force: true });
    await Promise.all([server.close(), runner.stop()]);
    heartbeats?.stop();
    await views.close();
    await store.close();
    lock.release();
  };
  return {
    url: server.url,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
};
