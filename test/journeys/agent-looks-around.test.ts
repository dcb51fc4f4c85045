import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { TaskView } from '../../src/projections/task-view.ts';
import { approve, file } from '../support/client.ts';
import { git } from '../support/git-commands.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';

/** What the service knows and nobody else may. */
const SECRETS = {
  GH_TOKEN: 'ghp_looksaroundlooksaround0123',
  TELEGRAM_BOT_TOKEN: '8112233445:AAF9-looks-around-bot-token-012345678',
  TELEGRAM_WEBHOOK_SECRET: 'looks-around-webhook-secret',
  SOME_OTHER_SECRET: 'looks-around-of-the-machine',
};
/** Stands in the work folder of another task while the hunter hunts. */
const OF_ANOTHER_TASK = 'looks-around-of-another-task';

const Found = z.looseObject({
  environment: z.record(z.string(), z.string()),
  found: z.array(z.string()),
  opened: z.array(z.string()),
  abstract: z.array(z.string()).nullable(),
  connected: z.record(z.string(), z.string()),
  asked: z.record(z.string(), z.string()),
});
type Found = z.infer<typeof Found>;

const portOf = (server: Server): number => (server.address() as AddressInfo).port; // It listens on TCP.

/** What stands on this machine besides the service: a host the operator allows, and an event store without a password, twice. */
const openNeighbours = async (abstractName: string) => {
  const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const allowed = createHttpServer(async ({ url }, response) => {
    // The other task is held here while the hunter hunts.
    if (url === '/wait') begun.resolve();
    if (url === '/wait') await over.promise;
    response.end('welcome');
  });
  const events = (): Server => createServer((socket) => socket.end('events'));
  const [eventStore, abstract] = [events(), events()];
  allowed.listen({ host: '127.0.0.1', port: 0 });
  eventStore.listen({ host: '127.0.0.1', port: 0 });
  abstract.listen({ path: `\0${abstractName}` });
  const servers = [allowed, eventStore, abstract];
  await Promise.all(servers.map((server) => once(server, 'listening')));
  return {
    allowed: `127.0.0.1:${portOf(allowed)}`,
    eventStore: `127.0.0.1:${portOf(eventStore)}`,
    /** The other task is at work. */
    begun: begun.promise,
    release: over.resolve,
    close: () => {
      over.resolve();
      for (const server of servers) server.close();
    },
  };
};
type Neighbours = Awaited<ReturnType<typeof openNeighbours>>;

const commandLines = async (): Promise<readonly string[]> => {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')));
};

describe('An agent that looks around', () => {
  const number = `9${process.pid}`;
  const abstractName = `countersign-looks-around-${process.pid}`;
  let workshop: Workshop;
  let neighbours: Neighbours;
  let service: ServiceProcess;
  let own: { readonly url: string; readonly token: string };
  let refused: readonly string[];
  let task: TaskView;
  let other: TaskView;
  let byAgent: Found;
  let byTests: Found;

  /** Everything worth a look, by its exact place: the hunter needs no luck. */
  const targets = async () => {
    const { folder, dataFolder, origin } = workshop;
    const [run = ''] = await readdir(join(dataFolder, 'work'));
    const marker = join(dataFolder, 'work', run, 'work', 'marker');
    expect(await readFile(marker, 'utf8')).toBe(OF_ANOTHER_TASK);
    const ours = ['service.json', 'local-admin.json', 'log.db', 'views.db', 'audit.jsonl', 'artifacts', 'mirrors', 'work'];
    const key = join(folder, 'home', '.ssh', 'id_ed25519');
    return {
      paths: [
        ...[
          folder,
          dataFolder,
          ...ours.map((name) => join(dataFolder, name)),
          marker,
          origin,
          key,
          `/proc/${service.pid}/environ`,
        ],
        ...[join(process.cwd(), 'package.json'), '/etc/shadow', '/root/.bashrc', '/var/lib/docker', '/run/docker.sock'],
      ],
      ports: [own.url, `http://${neighbours.eventStore}`, `http://${neighbours.allowed}`].map((url) => Number(new URL(url).port)),
      sockets: [`\0${abstractName}`, '/run/docker.sock', '/var/run/docker.sock', '/run/dbus/system_bus_socket'],
      allowed: [`http://${neighbours.allowed}/`],
      refused,
      number,
    };
  };

  beforeAll(async () => {
    neighbours = await openNeighbours(abstractName);
    workshop = await openWorkshop({ 'hunter.mjs': await readFile(join(import.meta.dirname, 'hunter.mjs')) });
    await mkdir(join(workshop.folder, 'home', '.ssh'), { recursive: true });
    await writeFile(join(workshop.folder, 'home', '.ssh', 'id_ed25519'), SECRETS.SOME_OTHER_SECRET);
    const environment = workshop.environment({
      AGENT_CLI_TEMPLATE: 'node hunter.mjs',
      AGENT_EGRESS: neighbours.allowed,
      DEFAULT_TEST_COMMAND: 'test ! -e targets.json || node hunter.mjs',
      PATCH_GATE: 'never',
    });
    service = await startService({ ...environment, ...SECRETS });
    const serviceFile = await readFile(join(workshop.dataFolder, 'service.json'), 'utf8');
    own = z.object({ url: z.string(), token: z.string() }).parse(JSON.parse(serviceFile));
    refused = [`${own.url}/api/v1/tasks`, `http://${neighbours.eventStore}/`, 'http://169.254.169.254/', 'https://example.com/'];

    const { client } = service;
    other = await file(client, JSON.stringify({ mark: OF_ANOTHER_TASK, waitFor: `http://${neighbours.allowed}/wait` }));
    const waiting = approve(client, other);
    await neighbours.begun;
    task = await approve(client, await file(client, JSON.stringify(await targets())));
    neighbours.release();
    other = await waiting;
    byAgent = Found.parse(JSON.parse(await git(workshop.origin, ['show', `${task.branch}:found.json`])));
    byTests = Found.parse((await client.call('GET', `/api/v1/tasks/${task.taskId}/logs?name=tests`)).json());
  });
  afterAll(async () => {
    neighbours?.close();
    await service?.end('SIGTERM');
    await workshop?.remove();
  });

  const both = (): readonly Found[] => [byAgent, byTests];

  it('has its report delivered, for the hunt was real', () => {
    expect(task.status, task.sentence).toBe('COMPLETED');
    expect(other.status, other.sentence).toBe('COMPLETED');
    expect(Object.keys(byAgent.environment)).toEqual(expect.arrayContaining(['OKD_TASK_ID', 'HOME', 'HTTP_PROXY']));
    expect(Object.keys(byTests.environment).sort()).toEqual(['HOME', 'OLDPWD', 'PATH', 'PWD']);
  });

  it('finds no secret of the service, of the machine or of another task', () => {
    const reports = JSON.stringify(both());
    for (const secret of [...Object.values(SECRETS), own.token, OF_ANOTHER_TASK, other.taskId, workshop.folder, process.cwd()]) {
      expect(reports.includes(secret), secret).toBe(false);
    }
  });

  it('finds and opens no file of the service, whichever way it goes', () => {
    for (const { found, opened } of both()) expect([...found, ...opened]).toEqual([]);
  });

  it('reaches no port and no socket of the machine', () => {
    for (const { connected, abstract } of both()) {
      expect(Object.values(connected)).toHaveLength(7);
      for (const [where, result] of Object.entries(connected)) expect(result, where).toMatch(/^refused: E/);
      expect(abstract).toBeNull();
    }
  });

  it('reaches the allowed host alone, and every host it asked for is recorded', async () => {
    const { asked } = byAgent;
    expect(asked[`http://${neighbours.allowed}/`]).toBe('200 welcome');
    for (const url of refused) expect(asked[url], url).toMatch(/^(403 Countersign: this agent may not reach|refused: )/);
    for (const result of Object.values(byTests.asked)) expect(result).toMatch(/^refused: /);

    const audit = (await service.client.call('GET', '/api/v1/audit.jsonl')).text;
    const { egress } = z
      .object({ egress: z.array(z.object({ host: z.object({ text: z.string() }), allowed: z.boolean() })) })
      .parse(collected(audit, task.taskId));
    expect(egress.map(({ host, allowed: was }) => `${was} ${host.text}`).sort()).toEqual(
      [
        `true ${neighbours.allowed}`,
        ...refused
          .map((url) => new URL(url))
          .map(({ hostname, port, protocol }) => `false ${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`),
      ].sort(),
    );
  });

  it('leaves no process, folder or socket behind', async () => {
    expect((await commandLines()).filter((line) => line.split('\0').includes(number))).toEqual([]);
    for (const folder of ['work', join('run', 'agent')]) expect(await readdir(join(workshop.dataFolder, folder))).toEqual([]);
  });
});

/** The data of the event that a change was collected, as the audit tells it. */
const collected = (audit: string, taskId: string): unknown => {
  const Line = z.looseObject({ type: z.string(), data: z.looseObject({ taskId: z.string().optional() }) });
  const lines = audit
    .trim()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)));
  return lines.find(({ type, data }) => type === 'ChangeCollected' && data.taskId === taskId)?.data;
};
