import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Client, clientOf } from './client.ts';
import type { Fate } from './rehearsal/fate.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Compiled code is kept between starts: they take half as long. */
const COMPILED = join(ROOT, 'node_modules', '.cache', 'compiled');

/** How a process ended: its exit code, or the signal that ended it. */
export type Ending = number | NodeJS.Signals;

/** `countersign serve` as a process of its own. */
export interface ServiceProcess {
  readonly pid: number;
  readonly url: string;
  /** As the local admin; a worker answers nobody. */
  readonly client: Client;
  readonly ended: Promise<Ending>;
  hasEnded(): boolean;
  /** From now on the process awaits `fate`. */
  arm(fate: Fate): Promise<void>;
  /** Sends `signal` and waits for the end. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<Ending>;
}

const NOBODY: Client = { call: () => Promise.reject(new Error('A worker answers nobody.')) };

const endingOf = async (child: ChildProcess): Promise<Ending> => {
  const [code, signal] = await once(child, 'exit');
  return signal ?? code;
};

/** Starts the service that `environment` describes, and waits until it listens. Rejects when it ends instead. */
export const startService = async (environment: Readonly<Record<string, string>>): Promise<ServiceProcess> => {
  const child = fork(join(ROOT, 'src/main.ts'), ['serve', '--json'], {
    env: { NODE_COMPILE_CACHE: COMPILED, ...environment },
    cwd: environment.DATA_DIR && join(environment.DATA_DIR, '..'),
    execArgv: ['--import', join(import.meta.dirname, 'rehearsal', 'stage.ts')],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = endingOf(child);
  const { stdout, pid } = child;
  if (!stdout || pid === undefined) throw new Error('The service could not be started.');
  const listens = once(createInterface(stdout), 'line');
  listens.catch(() => undefined); // Whether it listens or ends is waited for together.
  const early = await Promise.race([ended, listens.then(() => undefined)]);
  if (early !== undefined) throw new Error(`The service ended with ${early} instead of listening.`);

  const [line] = await listens;
  const { url }: { readonly url: string } = JSON.parse(line); // Printed by serve --json.

  return {
    pid,
    url,
    client: environment.ROLE === 'worker' ? NOBODY : await clientOf(environment.DATA_DIR ?? ''),
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    arm: async (fate) => {
      const armed = once(child, 'message');
      child.send(fate);
      await armed;
    },
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
};
