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
  /** Milliseconds from its fate to its end; `NaN` where it met none. */
  readonly outlived: Promise<number>;
  hasEnded(): boolean;
  /** From now on the process awaits `fate`. */
  arm(fate: Fate): Promise<void>;
  /** Sends the process a message and waits for its answer. */
  tell(message: object): Promise<void>;
  /** Sends `signal` and waits for the end. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<Ending>;
}

const NOBODY: Client = { call: () => Promise.reject(new Error('A worker answers nobody.')) };

const endingOf = async (child: ChildProcess): Promise<Ending> => {
  const [code, signal] = await once(child, 'exit');
  return signal ?? code;
};

/** Lets the process meet a fate, and beats and tries again quicker than in life. */
const REHEARSAL = join(import.meta.dirname, 'rehearsal', 'stage.ts');

/**
 * Starts the service that `environment` describes, and waits until it listens. Rejects when it ends instead. `stage` is loaded before it; `null`:
 * nothing is.
 */
export const startService = async (
  environment: Readonly<Record<string, string>>,
  stage: string | null = REHEARSAL,
): Promise<ServiceProcess> => {
  const child = fork(join(ROOT, 'src/main.ts'), ['serve', '--json'], {
    env: { NODE_COMPILE_CACHE: COMPILED, ...environment },
    cwd: environment.DATA_DIR && join(environment.DATA_DIR, '..'),
    execArgv: stage === null ? [] : ['--import', stage],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = endingOf(child);
  let metAt = Number.NaN;
  child.on('message', (message) => {
    if (typeof message === 'number') metAt = message;
  });
  const { stdout, pid } = child;
  if (!stdout || pid === undefined) throw new Error('The service could not be started.');
  const listens = once(createInterface(stdout), 'line');
  listens.catch(() => undefined); // Whether it listens or ends is waited for together.
  const early = await Promise.race([ended, listens.then(() => undefined)]);
  if (early !== undefined) throw new Error(`The service ended with ${early} instead of listening.`);

  const [line] = await listens;
  const { url }: { readonly url: string } = JSON.parse(line); // Printed by serve --json.

  const tell = async (message: object): Promise<void> => {
    const answered = once(child, 'message');
    child.send(message);
    await answered;
  };
  return {
    pid,
    url,
    client: environment.ROLE === 'worker' ? NOBODY : await clientOf(environment.DATA_DIR ?? ''),
    ended,
    outlived: ended.then(() => Date.now() - metAt),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    arm: tell,
    tell,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
};
