import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { mountSmallDisk } from '../chaos/disk.ts';
import { openDockerGate } from '../chaos/docker-gate.ts';
import { openOrigin, REPOSITORY } from '../chaos/origin.ts';
import { SETUPS } from '../chaos/setups.ts';
import { bearer, type Site } from '../chaos/site.ts';
import { superviseService } from '../chaos/supervision.ts';
import type { Client } from '../support/client.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import { startTelegram } from '../support/telegram/index.ts';
import { RUNNING_MAX } from './flatness.ts';

const TELEGRAM_PEOPLE = 16;
const HTTP_PEOPLE = 8;

/** A site of the laboratory with one service on SQLite, whose clock is fast, and more people. */
export interface Premises extends Site {
  /** A token of each person who calls over HTTP. */
  readonly tokens: readonly [string, ...string[]];
  /** What the service says of itself is here: see reading.ts. */
  readonly meterFile: string;
}

export interface PremisesOptions {
  readonly speed: number;
  readonly sandbox: 'docker' | 'bubblewrap';
  /** Between two readings, in milliseconds. */
  readonly readEveryMs: number;
}

/** Does what the first word of the request says, takes half a minute to five minutes of the day at 100 times its speed, and prints some KiB. */
const AGENT = [
  'mend() { echo "echo \\$((\\$1 + \\$2))" > sum.sh; };',
  'case "$OKD_INTENT" in',
  'Nothing*) exit 0;;',
  'Forbid*) echo X=1 > .env;;',
  'Depend*) mend; echo "{}" > package.json;;',
  'Break*) if [ -z "$OKD_FEEDBACK" ]; then echo false > sum.sh; else mend; fi;;',
  '*) mend;;',
  'esac;',
  'head -c 6 /dev/urandom | od -An -tx1 | tr -d " \\n" > mark.txt;',
  'head -c 4000 /dev/urandom | od -An -tx1;',
  'set -- $(od -An -N2 -tu1 /dev/urandom); sleep "$(($1 % 3)).$2"',
].join(' ');

const insist = async (client: Client, path: string, body: object): Promise<unknown> => {
  const answer = await client.call('POST', path, body);
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.json();
};

const hire = async (client: Client, name: string): Promise<string> => {
  const { person_id: personId } = z.object({ person_id: z.string() }).parse(await insist(client, '/api/v1/people', { name }));
  for (const role of ['requester', 'approver'])
    await insist(client, `/api/v1/people/${personId}/roles`, { role, repositories: '*' });
  return personId;
};

/** Starts it all, and makes people and the repository known. */
export const openPremises = async ({ speed, sandbox, readEveryMs }: PremisesOptions): Promise<Premises> => {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countersign-soak-'));
  opening.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const at = (...names: readonly string[]): string => join(folder, ...names);
  const [plain] = SETUPS;
  if (!plain) throw new Error('there are no setups');
  const setup = { ...plain, sandbox };
  const origin = await openOrigin(setup, folder);
  opening.defer(() => origin.stop());
  const telegram = await startTelegram({ pressMs: 2_500 });
  opening.defer(() => telegram.stop());
  const gate = sandbox === 'docker' ? await openDockerGate(at('docker.sock')) : null;
  opening.defer(() => gate?.stop());
  const mounted = async (name: string, mebibytes: number) => {
    const disk = await mountSmallDisk(at(name), mebibytes);
    opening.defer(() => disk.unmount());
    return disk;
  };
  const disks = {
    'log and views': await mounted('data', 160),
    artifacts: await mounted('artifacts', 24),
    workspaces: await mounted('data/work', 32),
  };
  await Promise.all(['data-tmp', 'repos', 'home'].map((name) => mkdir(at(name))));
  const meterFile = at('meter.json');
  const service = superviseService({
    folder,
    environment: {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, 'staging.ts')}`,
      SOAK_BEGAN_MS: String(Date.now()),
      SOAK_SPEED: String(speed),
      SOAK_READ_MS: String(readEveryMs),
      SOAK_METER: meterFile,
      PATH: process.env.PATH ?? '',
      HOME: at('home'),
      TMPDIR: at('data-tmp'),
      PORT: '0',
      LOG_LEVEL: 'error',
      DATA_DIR: at('data'),
      ARTIFACT_DIR: at('artifacts'),
      ARTIFACT_DAYS: '1',
      ARTIFACT_MIB: '1',
      APPROVAL_TTL_HOURS: '1',
      REPO_SNAPSHOT_ROOT: at('repos'),
      DEFAULT_REPO: REPOSITORY,
      ...origin.environment,
      SANDBOX: sandbox,
      ...(gate && { DOCKER_HOST: `unix://${gate.socket}`, SANDBOX_IMAGE: await ensureTestImage() }),
      DEFAULT_TEST_COMMAND: 'sh test.sh',
      AGENT_CLI_TEMPLATE: AGENT,
      RUNNING_MAX: String(RUNNING_MAX),
      RUNNING_PER_REPOSITORY_MAX: String(RUNNING_MAX),
      TELEGRAM_BOT_TOKEN: telegram.token,
      TELEGRAM_API_ROOT: telegram.apiRoot,
    },
  });
  opening.defer(async () => void (await service.end()));

  const client = await service.client();
  await origin.clone(service.snapshotRoot);
  const tokenOf = async (name: string): Promise<string> => {
    const issued = await insist(client, `/api/v1/people/${await hire(client, name)}/tokens`, { name: 'Calls' });
    return z.object({ token: z.string() }).parse(issued).token;
  };
  const token = await tokenOf('Caller 1');
  const tokens: [string, ...string[]] = [token];
  while (tokens.length < HTTP_PEOPLE) tokens.push(await tokenOf(`Caller ${tokens.length + 1}`));
  const writers = Array.from({ length: TELEGRAM_PEOPLE }, (_, index) =>
    telegram.person({ id: 1_001 + index, firstName: `Writer ${index + 1}` }),
  );
  for (const writer of writers) {
    const personId = await hire(client, writer.first_name);
    await insist(client, `/api/v1/people/${personId}/identities`, { channel: 'telegram', subject: String(writer.id) });
    telegram.privateChat(writer);
  }
  while ((await client.call('GET', '/api/v1/tasks', undefined, bearer(tokens.at(-1) ?? ''))).status === 401);
  const open = opening.move();
  return {
    ...{ folder, artifactFolder: at('artifacts'), setup, services: [service], doors: [service], origin, telegram, writers },
    ...{ group: null, token, tokens, meterFile, nodes: null, gate, disks },
    close: () => open.disposeAsync(),
  };
};
