import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectDocker } from '../../src/infra/sandbox/docker-engine.ts';
import { ensureExampleImage } from '../../src/infra/sandbox/example-image.ts';
import { approve, file } from '../support/client.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { DELIVERY, expectDeliveredOnce, factsOf, storyOf, triesOf } from './evidence.ts';
import { processesWith, remains } from './remains.ts';
import { livingIn } from './succession.ts';

const START_MS_MAX = 20_000;
/** An argument by which the process of a test is known. */
const SECONDS = `2.${process.pid}`;
const TESTS = { 'sum.sh': 'echo $(($1 - $2))\n', 'test.sh': `sleep ${SECONDS}\ntest "$(sh sum.sh 2 3)" = 5\n` };

/** Starts a program; `end` waits until it has ended. */
const startProgram = async ([program = '', ...words]: readonly string[], settings: Readonly<Record<string, string>>) => {
  const options = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(program, [...words, ...options], { stdio: 'ignore' });
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  return {
    end: async (signal: NodeJS.Signals): Promise<void> => {
      child.kill(signal);
      await ended;
    },
  };
};

/** Not of the machine’s engine: neither its containers nor folders of its own outside `/etc`. */
const CONTAINERD = `version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n`;

/** A Docker engine of its own. As on most machines its containerd is another program, and goes on when it ends. */
const openEngine = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-dockerd-'));
  const at = (name: string): string => join(folder, name);
  await writeFile(at('containerd.toml'), CONTAINERD);
  const containerd = await startProgram(['containerd'], {
    config: at('containerd.toml'),
    address: at('containerd.sock'),
    root: at('containerd'),
    state: at('containerd-state'),
  });
  const docker = connectDocker(at('engine.sock'));

  const start = async () => {
    // In a network of its own: told to do without a bridge, it removes `docker0`, whosever that is.
    const daemon = await startProgram(['unshare', '--net', 'dockerd'], {
      containerd: at('containerd.sock'),
      host: `unix://${at('engine.sock')}`,
      'data-root': at('data'),
      'exec-root': at('state'),
      pidfile: at('pid'),
      bridge: 'none',
      iptables: 'false',
      'ip-masq': 'false',
    });
    await vi.waitFor(() => docker.ping(), { timeout: START_MS_MAX });
    return daemon;
  };
  let daemon = await start();

  return {
    host: `unix://${at('engine.sock')}`,
    docker,
    end: (signal: NodeJS.Signals) => daemon.end(signal),
    start: async (): Promise<void> => {
      daemon = await start();
    },
    remove: async (): Promise<void> => {
      await daemon.end('SIGTERM');
      await containerd.end('SIGTERM');
      // The engine mounts its folder on itself, and takes that back only where it did so since it was started.
      await execa('umount', [at('data')], { reject: false });
      await rm(folder, { recursive: true, force: true });
    },
  };
};

let engine: Awaited<ReturnType<typeof openEngine>>;
let workshop: Workshop;
let environment: Readonly<Record<string, string>>;
let service: ServiceProcess;

beforeAll(async () => {
  engine = await openEngine();
});
afterAll(() => engine?.remove());

beforeEach(async () => {
  workshop = await openWorkshop(TESTS);
  const image = await ensureExampleImage(engine.docker);
  environment = await livingIn(workshop, {
    SANDBOX: 'docker',
    DOCKER_HOST: engine.host,
    SANDBOX_IMAGE: image,
  });
  // A stage is handed back three times: between them the engine has the time it has in life.
  service = await startService(environment, null);
});
afterEach(async () => {
  if (service?.hasEnded() === false) await service.end('SIGTERM');
  await workshop?.remove();
});

describe('A Docker engine', { timeout: 120_000 }, () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'that ends with %s while tests run in it fails no test: they run again',
    async (signal) => {
      const { client } = service;
      const tested = approve(client, await file(client, 'Make the sum a sum.'));
      while ((await processesWith(SECONDS)) === 0) await pause(20);
      await engine.end(signal);
      await engine.start();

      const asked = await tested;
      expect(asked.approval?.gate, asked.sentence).toBe('patch');
      const task = await approve(client, asked);
      expect(task.status, task.sentence).toBe('COMPLETED');
      expect(service.hasEnded()).toBe(false);
      const story = await storyOf(client, task);
      expect(factsOf(story)).toEqual(DELIVERY);
      expect(triesOf(story)).toContain('StageReleased');
      await expectDeliveredOnce(workshop, [task]);

      // What the engine could not be told to remove is cleared away by the next start.
      expect(await service.end('SIGTERM')).toBe(0);
      service = await startService(environment, null);
      expect(await remains(workshop, [service.pid])).toEqual([]);
      expect(await processesWith(SECONDS)).toBe(0);
      expect(await engine.docker.listContainers({ all: true })).toEqual([]);
    },
  );
});
