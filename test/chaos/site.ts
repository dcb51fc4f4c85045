import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type ServerDouble, startServerDouble } from '../store/server-double/index.ts';
import type { Client } from '../support/client.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import { startTelegram, type Telegram } from '../support/telegram/index.ts';
import { mountSmallDisk, type SmallDisk } from './disk.ts';
import { type DockerGate, openDockerGate } from './docker-gate.ts';
import { type Origin, openOrigin, REPOSITORY, WRONG_AT_FIRST } from './origin.ts';
import type { Disk } from './points.ts';
import type { Role, Setup } from './setups.ts';
import type { Mutant } from './staging/edits.ts';
import { type Service, superviseService } from './supervision.ts';

type Person = ReturnType<Telegram['person']>;

/** Everything that one batch needs, and nothing of it is shared with another: the services and the world around them. */
export interface Site {
  readonly folder: string;
  readonly artifactFolder: string;
  readonly setup: Setup;
  readonly services: readonly [Service, ...Service[]];
  /** Those that people call. */
  readonly doors: readonly [Service, ...Service[]];
  readonly origin: Origin;
  readonly telegram: Telegram;
  readonly writers: readonly Person[];
  /** Gets the cards of what is filed over HTTP, and approves. `null` where there is no such group. */
  readonly group: {
    /** What it was reached by, one after the other: it may become a supergroup. */
    readonly ids: number[];
    readonly member: Person;
  } | null;
  /** Of the one person that calls every service: each has a local administrator of its own. */
  readonly token: string;
  /** The nodes of EventStoreDB, on one log, the one that leads at first before the other; `null` on SQLite. */
  readonly nodes: readonly [ServerDouble, ServerDouble] | null;
  /** `null` where tests run in bubblewrap. */
  readonly gate: DockerGate | null;
  readonly disks: Readonly<Record<Disk, SmallDisk>>;
  close(): Promise<void>;
}

/**
 * Whatever an agent does, it does it differently each time, and takes another time: a tree that was tested by one execution and delivered by
 * another is seen, and executions overlap in every way. Some requests it gets right only with feedback.
 */
const AGENT =
  `case "$OKD_INTENT:$OKD_FEEDBACK" in *"${WRONG_AT_FIRST}"*:) echo "echo 1";; *) echo 'echo $(($1 + $2))';; esac > sum.sh; ` +
  'head -c 6 /dev/urandom | od -An -tx1 | tr -d " \\n" > mark.txt; sleep "0.$(od -An -N1 -tu1 /dev/urandom | tr -d " ")"';
const SECRET = 'A'.repeat(40);
const FIRST_WRITER = 1_001;

const personOf = (made: unknown): string => z.object({ person_id: z.string() }).parse(made).person_id;

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** An answer that is no fault of the moment; the service has just been started, so one is rare. */
const insist = async (client: Client, method: string, path: string, body: unknown): Promise<unknown> => {
  const answer = await client.call(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json();
};

const introduce = async ({
  doors: [first, ...others],
  services,
  origin,
  writers,
  group,
}: Pick<Site, 'services' | 'doors' | 'origin' | 'writers' | 'group'>): Promise<string> => {
  const client = await first.client();
  const admit = async (name: string): Promise<string> => {
    const personId = personOf(await insist(client, 'POST', '/api/v1/people', { name }));
    for (const role of ['requester', 'approver']) {
      await insist(client, 'POST', `/api/v1/people/${personId}/roles`, { role, repositories: '*' });
    }
    return personId;
  };
  const caller = await admit('Caller');
  const { token } = z
    .object({ token: z.string() })
    .parse(await insist(client, 'POST', `/api/v1/people/${caller}/tokens`, { name: 'Calls' }));
  for (const { id, first_name: name } of [...writers, ...(group ? [group.member] : [])]) {
    const identity = { channel: 'telegram', subject: String(id) };
    await insist(client, 'POST', `/api/v1/people/${await admit(name)}/identities`, identity);
  }
  if (group) await insist(client, 'POST', '/api/v1/chats', { channel: 'telegram', subject: String(group.ids[0]) });
  await Promise.all(services.map(({ snapshotRoot }) => origin.clone(snapshotRoot)));
  for (const service of [first, ...others]) {
    const own = await service.client();
    while ((await own.call('GET', '/api/v1/tasks', undefined, bearer(token))).status === 401) await pause(50);
  }
  return token;
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
  });
  return promise;
};

const openNodes = async (opening: AsyncDisposableStack): Promise<Site['nodes']> => {
  const leader = await startServerDouble();
  opening.defer(() => leader.stop());
  const other = await startServerDouble({ log: leader.log });
  opening.defer(() => other.stop());
  other.faults.leaderPort = leader.port;
  return [leader, other];
};

const openGroup = (telegram: Telegram): NonNullable<Site['group']> => {
  const member = telegram.person({ id: 900, firstName: 'Member' });
  const { id } = telegram.group({ title: 'Team', members: [member], basic: true });
  telegram.as(member).addBot({ id });
  return { ids: [id], member };
};

export interface SiteOptions {
  readonly setup: Setup;
  readonly mutant: Mutant | undefined;
  /** Writers that the bot knows. */
  readonly writers: number;
  /** How long nobody lives between two lives of a service, in milliseconds. */
  readonly deadMs: number;
}

/** Starts it all and makes people and repository known: the last time that everything goes well. */
export const openSite = async ({ setup, mutant, writers: count, deadMs }: SiteOptions): Promise<Site> => {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countersign-chaos-'));
  opening.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const at = (...names: readonly string[]): string => join(folder, ...names);
  const origin = await openOrigin(setup, folder);
  opening.defer(() => origin.stop());
  const telegram = await startTelegram({ pressMs: 2_500, webhookBackoffMs: 50, webhookTimeoutMs: 3_000 });
  opening.defer(() => telegram.stop());
  const nodes = setup.store === 'double' ? await openNodes(opening) : null;
  const image = setup.sandbox === 'docker' ? await ensureTestImage() : null;
  const gate = setup.sandbox === 'docker' ? await openDockerGate(at('docker.sock')) : null;
  opening.defer(() => gate?.stop());

  const mounted = async (name: string, mebibytes: number): Promise<SmallDisk> => {
    const disk = await mountSmallDisk(at(name), mebibytes);
    opening.defer(() => disk.unmount());
    return disk;
  };
  const disks = {
    'log and views': await mounted('service-1', 64),
    artifacts: await mounted('artifacts', 16),
    workspaces: await mounted('service-1/work', 32),
  };
  const writers = Array.from({ length: count }, (_, index) =>
    telegram.person({ id: FIRST_WRITER + index, firstName: `Writer ${index + 1}` }),
  );
  for (const writer of writers) telegram.privateChat(writer);
  const group = setup.group ? openGroup(telegram) : null;

  const botOf = async (port: number): Promise<Record<string, string>> => ({
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_API_ROOT: telegram.apiRoot,
    ...(group && { TELEGRAM_NOTIFY_CHAT: String(group.ids[0]) }),
    ...(setup.telegram === 'webhook' && {
      TELEGRAM_MODE: 'webhook',
      TELEGRAM_WEBHOOK_SECRET: SECRET,
      BASE_URL: `http://127.0.0.1:${port}`,
    }),
  });
  const supervised = async (role: Role, number: number): Promise<Service> => {
    const name = `service-${number}`;
    await Promise.all(['tmp', 'repos', 'home'].map((part) => mkdir(at(`${name}-${part}`), { recursive: true })));
    // Telegram calls the same address after every start.
    const port = setup.telegram === 'webhook' && role !== 'worker' ? await freePort() : 0;
    const environment = {
      PATH: process.env.PATH ?? '',
      HOME: at(`${name}-home`),
      TMPDIR: at(`${name}-tmp`),
      PORT: `${port}`,
      LOG_LEVEL: 'error',
      ROLE: role,
      DATA_DIR: at(name),
      ARTIFACT_DIR: at('artifacts'),
      REPO_SNAPSHOT_ROOT: at(`${name}-repos`),
      DEFAULT_REPO: REPOSITORY,
      ...origin.environment,
      SANDBOX: setup.sandbox,
      ...(gate && image ? { DOCKER_HOST: `unix://${gate.socket}`, SANDBOX_IMAGE: image } : {}),
      SANDBOX_SCRATCH_MIB: '16',
      DEFAULT_TEST_COMMAND: 'sh test.sh',
      AGENT_CLI_TEMPLATE: AGENT,
      PATCH_GATE: setup.patchGate,
      RUNNING_MAX: '8',
      RUNNING_PER_REPOSITORY_MAX: '8',
      ...(nodes && { EVENTSTORE_URL: nodes[0].url }),
      ...(role !== 'worker' && (await botOf(port))),
      ...(mutant !== undefined && { CHAOS_MUTANT: mutant }),
    };
    const service = superviseService({ environment, folder, deadMs });
    opening.defer(async () => void (await service.end()));
    return service;
  };
  const [role, ...roles] = setup.roles;
  const first = await supervised(role, 1);
  const services: Site['services'] = [first, ...(await Promise.all(roles.map((one, index) => supervised(one, index + 2))))];
  const doors: Site['doors'] = [first, ...services.filter((_, index) => index > 0 && setup.roles[index] !== 'worker')];

  const token = await introduce({ services, doors, origin, writers, group });
  const open = opening.move();
  return {
    ...{ folder, artifactFolder: at('artifacts'), setup, services, doors, origin, telegram, writers, group, token },
    ...{ nodes, gate, disks },
    close: () => open.disposeAsync(),
  };
};
