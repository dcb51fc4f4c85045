import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type ServerDouble, startServerDouble } from '../store/server-double/index.ts';
import type { Client } from '../support/client.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import { type GitHub, startGitHub } from '../support/github/index.ts';
import { startTelegram, type Telegram } from '../support/telegram/index.ts';
import type { Chance } from './chance.ts';
import { mountSmallDisk, type SmallDisk } from './disk.ts';
import { type DockerGate, openDockerGate } from './docker-gate.ts';
import type { Disk, StoreKind } from './points.ts';
import type { Mutant } from './staging/edits.ts';
import { type Service, superviseService } from './supervision.ts';

export const REPOSITORY = 'acme/widgets';
/** Most people that write to the bot in one batch, each in a chat of their own. */
export const WRITERS_MAX = 40;

/** Everything that one batch needs, and nothing of it is shared with another: the services and the world around them. */
export interface Site {
  readonly folder: string;
  readonly artifactFolder: string;
  readonly store: StoreKind;
  readonly sandbox: 'docker' | 'bubblewrap';
  /** One on SQLite, two on EventStoreDB. The first has the bot. */
  readonly services: readonly [Service, ...Service[]];
  readonly github: GitHub;
  readonly telegram: Telegram;
  readonly writers: readonly ReturnType<Telegram['person']>[];
  /** Of the one person that calls every service: each has a local administrator of its own. */
  readonly token: string;
  /** `null` on SQLite. */
  readonly server: ServerDouble | null;
  /** `null` where tests run in bubblewrap. */
  readonly gate: DockerGate | null;
  readonly disks: Readonly<Record<Disk, SmallDisk>>;
  close(): Promise<void>;
}

/**
 * Whatever an agent does, it does it differently each time, and takes another time: a tree that was tested by one execution and delivered by
 * another is seen, and executions overlap in every way.
 */
const AGENT =
  'sed -i s/-/+/ sum.sh; head -c 6 /dev/urandom | od -An -tx1 | tr -d " \\n" > mark.txt; sleep "0.$(od -An -N1 -tu1 /dev/urandom | tr -d " ")" # $OKD_INTENT';

const seed = async (folder: string): Promise<void> => {
  await writeFile(join(folder, 'sum.sh'), 'echo $(($1 - $2))\n');
  await writeFile(join(folder, 'test.sh'), 'test "$(sh sum.sh 2 3)" = 5\n');
};

const personOf = (made: unknown): string => z.object({ person_id: z.string() }).parse(made).person_id;

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** An answer that is no fault of the moment; the service has just been started, so one is rare. */
const insist = async (client: Client, method: string, path: string, body: unknown): Promise<unknown> => {
  const answer = await client.call(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json();
};

const introduce = async ({
  services: [first, ...others],
  github,
  writers,
}: Pick<Site, 'services' | 'github' | 'writers'>): Promise<string> => {
  const client = await first.client();
  const caller = personOf(await insist(client, 'POST', '/api/v1/people', { name: 'Caller' }));
  for (const role of ['requester', 'approver']) {
    await insist(client, 'POST', `/api/v1/people/${caller}/roles`, { role, repositories: '*' });
  }
  const { token } = z
    .object({ token: z.string() })
    .parse(await insist(client, 'POST', `/api/v1/people/${caller}/tokens`, { name: 'Calls' }));
  for (const { id, first_name: name } of writers) {
    const personId = personOf(await insist(client, 'POST', '/api/v1/people', { name }));
    await insist(client, 'POST', `/api/v1/people/${personId}/roles`, { role: 'approver', repositories: '*' });
    await insist(client, 'POST', `/api/v1/people/${personId}/roles`, { role: 'requester', repositories: '*' });
    await insist(client, 'POST', `/api/v1/people/${personId}/identities`, { channel: 'telegram', subject: String(id) });
  }
  for (const service of [first, ...others]) {
    const own = await service.client();
    await insist(own, 'POST', '/api/v1/repositories', { url: github.remoteUrl(REPOSITORY) });
    while ((await own.call('GET', '/api/v1/tasks', undefined, bearer(token))).status === 401) await pause(50);
  }
  return token;
};

export interface SiteOptions {
  readonly store: StoreKind;
  readonly chance: Chance;
  readonly mutant?: Mutant;
  /** Writers that the bot knows. */
  readonly writers: number;
}

/** Starts it all and makes people and repository known: the last time that everything goes well. */
export const openSite = async ({ store, chance, mutant, writers: count }: SiteOptions): Promise<Site> => {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countersign-chaos-'));
  opening.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const at = (...names: readonly string[]): string => join(folder, ...names);
  const github = await startGitHub({ repositories: [{ owner: 'acme', name: 'widgets', seed }] });
  opening.defer(() => github.stop());
  const telegram = await startTelegram({ pressMs: 2_500 });
  opening.defer(() => telegram.stop());
  const server = store === 'double' ? await startServerDouble() : null;
  opening.defer(() => server?.stop());

  const sandbox = chance.pick<'docker' | 'bubblewrap'>(['docker', 'bubblewrap']);
  const image = sandbox === 'docker' ? await ensureTestImage() : null;
  const gate = sandbox === 'docker' ? await openDockerGate(at('docker.sock')) : null;
  opening.defer(() => gate?.stop());

  const mounted = async (name: string, mebibytes: number): Promise<SmallDisk> => {
    const disk = await mountSmallDisk(at(name), mebibytes);
    opening.defer(() => disk.unmount());
    return disk;
  };
  const disks = {
    'log and views': await mounted('data', 48),
    artifacts: await mounted('artifacts', 16),
    workspaces: await mounted('data/work', 32),
  };

  const environmentOf = async (name: string): Promise<Record<string, string>> => {
    await Promise.all(['tmp', 'repos', 'home'].map((part) => mkdir(at(`${name}-${part}`), { recursive: true })));
    return {
      PATH: process.env.PATH ?? '',
      HOME: at(`${name}-home`),
      TMPDIR: at(`${name}-tmp`),
      PORT: '0',
      LOG_LEVEL: 'error',
      DATA_DIR: at(name),
      ARTIFACT_DIR: at('artifacts'),
      REPO_SNAPSHOT_ROOT: at(`${name}-repos`),
      DEFAULT_REPO: REPOSITORY,
      FORGE: 'github',
      GH_HOST: github.ghEnvironment.GH_HOST ?? '',
      GH_CONFIG_DIR: github.ghEnvironment.GH_CONFIG_DIR ?? '',
      GH_TOKEN: github.gitToken,
      SANDBOX: sandbox,
      ...(gate && image ? { DOCKER_HOST: `unix://${gate.socket}`, SANDBOX_IMAGE: image } : {}),
      DEFAULT_TEST_COMMAND: 'sh test.sh',
      AGENT_CLI_TEMPLATE: AGENT,
      PATCH_GATE: chance.of('gate').pick(['always', 'never']),
      RUNNING_MAX: '6',
      RUNNING_PER_REPOSITORY_MAX: '6',
      ...(server ? { EVENTSTORE_URL: server.url } : {}),
      ...(mutant === undefined ? {} : { CHAOS_MUTANT: mutant }),
    };
  };
  const supervised = async (name: string, more: Readonly<Record<string, string>>): Promise<Service> => {
    const service = superviseService({ environment: { ...(await environmentOf(name)), ...more }, folder });
    opening.defer(async () => void (await service.end()));
    return service;
  };
  const bot = { TELEGRAM_BOT_TOKEN: telegram.token, TELEGRAM_API_ROOT: telegram.apiRoot };
  const first = await supervised('data', bot);
  const services: [Service, ...Service[]] = [first, ...(server ? [await supervised('second', {})] : [])];

  const writers = Array.from({ length: count }, (_, index) =>
    telegram.person({ id: 1_001 + index, firstName: `Writer ${index + 1}` }),
  );
  for (const writer of writers) telegram.privateChat(writer);
  const token = await introduce({ services, github, writers });
  const open = opening.move();
  return {
    ...{
      folder,
      artifactFolder: at('artifacts'),
      store,
      sandbox,
      services,
      github,
      telegram,
      writers,
      token,
      server,
      gate,
      disks,
    },
    close: () => open.disposeAsync(),
  };
};
