import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { TaskView } from '../../src/projections/task-view.ts';
import { type ServerDouble, startServerDouble } from '../store/server-double/index.ts';
import { type Answer, approve, type Client, file } from '../support/client.ts';
import { startS3 } from '../support/s3.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { openWorkshop } from '../support/workshop.ts';
import { expectDeliveredOnce, factsOf, storyOf } from './evidence.ts';
import { remains } from './remains.ts';

const TASKS = 5;
const KILLS = 5;
/** The same processes are killed in the same order each time; when, is up to the machine. */
const SEED = 20_261_121;

/** Park and Miller's numbers from 0 to 1. */
const chance = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
};

/** A place in a fleet: a machine's data folder, and the process that stands there now. */
interface Member {
  readonly role: 'api' | 'worker';
  readonly dataFolder: string;
  process: Promise<ServiceProcess>;
}

/**
 * Processes with a data folder each, which share a log, artifacts, snapshots and a remote, and nothing else. The forge is a folder here, so each
 * finds it at its own place.
 */
const openFleet = async (counts: { readonly api: number; readonly worker: number }, more: Readonly<Record<string, string>>) => {
  const server: ServerDouble = await startServerDouble({ flavour: 'kurrentdb' });
  const bucket = await startS3();
  const workshop = await openWorkshop();
  const { folder, dataFolder } = workshop;
  const shared = workshop.environment({
    AGENT_CLI_TEMPLATE: 'sleep 0.3; sed -i s/-/+/ sum.sh # $OKD_INTENT',
    EVENTSTORE_URL: server.url,
    ...bucket.environment,
    ...more,
  });
  await mkdir(join(folder, 'forge'), { mode: 0o700 });
  await mkdir(dataFolder, { mode: 0o700 });
  await symlink(join(folder, 'forge'), join(dataFolder, 'forge'));
  const start = (role: Member['role'], place: string): Promise<ServiceProcess> =>
    startService({ ...shared, ROLE: role, DATA_DIR: place });
  const roles = (['api', 'worker'] as const).flatMap((role) => Array.from({ length: counts[role] }, () => role));
  const members: Member[] = [];
  for (const [index, role] of roles.entries()) {
    const place = join(folder, `${role}-${index}`);
    await mkdir(place, { mode: 0o700 });
    await symlink(join(folder, 'forge'), join(place, 'forge'));
    members.push({ role, dataFolder: place, process: start(role, place) });
  }
  await Promise.all(members.map(({ process }) => process));

  return {
    workshop,
    members,
    of: (role: Member['role']) => members.filter((member) => member.role === role),
    /** Kills it where it stands, and puts another process in its place. */
    replace: async (member: Member): Promise<void> => {
      const before = await member.process;
      await before.end('SIGKILL');
      member.process = start(member.role, member.dataFolder);
      await member.process;
    },
    [Symbol.asyncDispose]: async () => {
      const left = await Promise.all(members.map(({ process }) => process));
      await Promise.all(left.map((process) => process.hasEnded() || process.end('SIGKILL')));
      await server.stop();
      await bucket.stop();
      await workshop.remove();
    },
  };
};

/** Asks one API process after the other until one answers; each may be killed while it does. */
const persistently = (fleet: Awaited<ReturnType<typeof openFleet>>): Client => {
  const apis = fleet.of('api');
  let turn = 0;
  return {
    call: async (method, path, body, headers): Promise<Answer> => {
      const key = { 'idempotency-key': crypto.randomUUID(), ...headers };
      for (;;) {
        const api = apis[turn++ % apis.length];
        const answer = await api?.process.then(({ client }) => client.call(method, path, body, key)).catch(() => undefined);
        if (answer && answer.status !== 503 && answer.status !== 404) return answer;
        await pause(50);
      }
    },
  };
};

const isOver = ({ status }: TaskView): boolean => status === 'COMPLETED' || status === 'FAILED';

const whenOver = async (client: Client, { taskId }: TaskView): Promise<TaskView> => {
  for (;;) {
    const task = (await client.call('GET', `/api/v1/tasks/${taskId}`)).task();
    if (isOver(task)) return task;
    await pause(100);
  }
};

describe('Three API processes and four workers on one KurrentDB', { timeout: 300_000 }, () => {
  it('deliver each task once although they are killed at random, and nothing is stuck', async () => {
    await using fleet = await openFleet({ api: 3, worker: 4 }, { RUNNING_PER_REPOSITORY_MAX: '4', RUNNING_HERE_MAX: '2' });
    const client = persistently(fleet);
    const random = chance(SEED);
    const killing = (async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        await pause(300 + 700 * random());
        const member = fleet.members[Math.floor(random() * fleet.members.length)];
        if (member) await fleet.replace(member);
      }
    })();

    const asked = await Promise.all(Array.from({ length: TASKS }, (_, n) => file(client, `Make the sum a sum, ${n}.`)));
    for (const { taskId, approval } of asked) {
      const said = { action: 'approve', approval_digest: approval?.digest };
      const { status } = await client.call('POST', `/api/v1/tasks/${taskId}/actions`, said);
      expect(status).toBe(202);
    }
    await killing;
    const over = await Promise.all(asked.map((task) => whenOver(client, task)));

    // Whose stage was killed three times is told so; nobody's is lost, and nobody's is delivered twice.
    for (const task of over.filter(({ status }) => status === 'FAILED')) expect(task.errorCode).toBe('INTERRUPTED');
    const delivered = over.filter(({ status }) => status === 'COMPLETED');
    expect(delivered.length).toBeGreaterThanOrEqual(TASKS - 2);
    await expectDeliveredOnce(fleet.workshop, delivered);
    for (const api of fleet.of('api')) {
      const { client: mine } = await api.process;
      for (const task of over) {
        await expect
          .poll(() => mine.call('GET', `/api/v1/tasks/${task.taskId}`).then((answer) => isOver(answer.task())))
          .toBe(true);
        const facts = factsOf(await storyOf(mine, task));
        expect(facts.length).toBe(new Set(facts).size);
      }
    }
    const alive = await Promise.all(fleet.members.map(async ({ process }) => (await process).pid));
    await expect.poll(() => remains(fleet.workshop, alive), { timeout: 30_000 }).toEqual([]);
    expect(await Promise.all(fleet.members.map(async ({ process }) => (await process).end('SIGTERM')))).toEqual(
      alive.map(() => 0),
    );
  });
});

describe('A worker', { timeout: 120_000 }, () => {
  it('answers whether it lives, and nothing else', async () => {
    await using fleet = await openFleet({ api: 0, worker: 1 }, {});
    const worker = await fleet.members[0]?.process;
    const url = worker?.url ?? '';
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    for (const path of ['/api/v1/tasks', '/openapi.json', '/api/v1/health/details', '/webhook/telegram']) {
      expect((await fetch(`${url}${path}`, { method: path.startsWith('/webhook') ? 'POST' : 'GET' })).status).toBe(404);
    }
  });
});

describe('An API process', { timeout: 120_000 }, () => {
  it('files and shows requests, and leaves the work to workers', async () => {
    await using fleet = await openFleet({ api: 1, worker: 0 }, {});
    const api = await fleet.members[0]?.process;
    const answer = await api?.client.call('POST', '/api/v1/tasks', { intent: 'Make the sum a sum.' });
    await pause(1_000);
    const { taskId } = answer?.task() ?? {};
    const added = await api?.client.call('POST', '/api/v1/repositories', { url: fleet.workshop.origin, name: 'acme/more' });
    expect(added?.json()).toMatchObject({ elsewhere: expect.stringContaining('Every other machine') });
    expect((await api?.client.call('GET', `/api/v1/tasks/${taskId}`))?.task().status).toBe('CREATED');
  });

  it('says to who watches that what a worker’s stage prints is not heard here', async () => {
    await using fleet = await openFleet({ api: 1, worker: 1 }, {});
    const api = await fleet.of('api')[0]?.process;
    if (!api) throw new Error('There is one.');
    const { token } = JSON.parse(await readFile(join(fleet.members[0]?.dataFolder ?? '', 'service.json'), 'utf8'));
    const stream = await fetch(`${api.url}/api/v1/events/stream`, { headers: { authorization: `Bearer ${token}` } });
    await approve(api.client, await file(api.client, 'Make the sum a sum.'));
    let seen = '';
    for await (const text of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      seen += text;
      if (seen.includes('TaskCompleted')) break;
    }
    // Once for the agent, once for the tests.
    expect(seen.match(/event: progress\ndata: .*Another process of this service runs it/g)).toHaveLength(2);
  });
});
