import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, clientOf } from '../support/client.ts';
import { type Failed, type Fate, Notice, type Order } from './staging/shapes.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Compiled code is kept between starts: they take half as long. */
const COMPILED = join(ROOT, 'node_modules', '.cache', 'compiled');
/** Longest that a start may take, in milliseconds. A process that was stopped in the middle is killed by its end. */
const START_MS_MAX = 60_000;
/** Before one that ended instead of listening, say on a full disk, is started again, in milliseconds. */
const AGAIN_MS = 150;
/** Starts that fail one after the other before nobody tries any more: what is full or away comes back long before. */
const FAILED_STARTS_MAX = 40;
const COMPLAINTS_MAX = 200;
/** Longest that a process takes to answer an order; one that sleeps does not. In milliseconds. */
const ANSWER_MS_MAX = 2_000;

/** One life of the service. */
interface Life {
  readonly child: ChildProcess;
  readonly client: Client;
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** A service that is started again whenever it ends, as a supervisor would. */
export interface Service {
  readonly dataFolder: string;
  readonly snapshotRoot: string;
  /** Whoever lives now, once it listens; a worker answers nobody. Rejects when it cannot be started any more. */
  client(): Promise<Client>;
  pid(): number | undefined;
  /** The next call that one of these fates is about meets it, and the others are forgotten. `false`: the process ended first. */
  arm(fates: readonly Fate[]): Promise<boolean>;
  /** The fate that is met from now on; `ended` when the process is gone without one, `undefined` when none is met within `ms`. */
  met(ms: number): Promise<Fate | 'ended' | undefined>;
  /** Tells of every call and every start that fails from now on. Returns how to stop. */
  onFailure(heard: (failed: Failed) => void): () => void;
  signal(signal: NodeJS.Signals): void;
  /** How far its clock is from the machine's, in milliseconds; stays so when it is started again. */
  setClock(skewMs: number): Promise<void>;
  skewMs(): number;
  /** Ends it by `signal`, does `work` while nobody runs, and lets it be started again. */
  whileDown(signal: 'SIGKILL' | 'SIGTERM', work: () => Promise<void>): Promise<void>;
  /** Asks it to end for good. How it ended, and how long that took in milliseconds. */
  stop(): Promise<{ readonly ending: number | NodeJS.Signals; readonly ms: number }>;
  /** Ends it at once, whatever it does; nothing when it has ended. */
  end(): Promise<void>;
  /** Processes that were started. */
  lives(): number;
  /** How each life ended that nobody asked to end, and its last words. */
  readonly unasked: readonly string[];
  /** What it said at level error, newest last. */
  readonly complaints: readonly string[];
}

const ENDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGKILL', 'SIGTERM']);
const NOBODY: Client = { call: () => Promise.reject(new Error('A worker answers nobody.')) };

export interface ServiceOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** From the end of a process to the start of the next, at least, in milliseconds. */
  readonly deadMs?: number;
}

export const superviseService = ({ environment, folder, deadMs = 0 }: ServiceOptions): Service => {
  const { DATA_DIR: dataFolder = '', REPO_SNAPSHOT_ROOT: snapshotRoot = '', ROLE: role } = environment;
  const unasked: string[] = [];
  const asked = new WeakSet<ChildProcess>();
  const complaints: string[] = [];
  const waiting = new Set<(met: Fate | 'ended') => void>();
  const hearing = new Set<(failed: Failed) => void>();
  let lives = 0;
  let skewMs = 0;
  let over = false;
  let held: Promise<void> = Promise.resolve();
  let child: ChildProcess | undefined;

  const kill = (process: ChildProcess | undefined, signal: NodeJS.Signals): void => {
    if (process && ENDING.has(signal)) asked.add(process);
    process?.kill(signal);
  };

  const begin = async (): Promise<Life | undefined> => {
    lives++;
    const born = fork(join(ROOT, 'src/main.ts'), ['serve', '--json'], {
      env: { NODE_COMPILE_CACHE: COMPILED, ...environment, CHAOS_SKEW_MS: `${skewMs}` },
      cwd: folder,
      execArgv: ['--import', join(import.meta.dirname, 'staging', 'stage.ts')],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
    });
    child = born;
    const ended = once(born, 'exit').then(([code, signal]): number | NodeJS.Signals => signal ?? code);
    createInterface(born.stdio[4] as Readable).on('line', (line) => {
      // Opened by the options above.
      const notice = Notice.parse(JSON.parse(line));
      if ('failed' in notice) for (const tell of hearing) tell(notice);
      else {
        if (ENDING.has(notice.signal)) asked.add(born);
        for (const tell of waiting) tell(notice);
      }
    });
    createInterface(born.stderr as Readable).on('line', (line) => {
      // As above.
      if (line !== '') complaints.push(line);
      if (complaints.length > COMPLAINTS_MAX) complaints.shift();
    });
    // After all it wrote was read.
    born.on('close', () => {
      for (const tell of waiting) tell('ended');
    });
    const late = setTimeout(() => born.kill('SIGKILL'), START_MS_MAX);
    const listens = once(createInterface(born.stdout as Readable), 'line').then(() => true); // As above.
    const isUp = await Promise.race([listens, ended.then(() => false)]);
    clearTimeout(late);
    const client = isUp ? await (role === 'worker' ? NOBODY : clientOf(dataFolder).catch(() => undefined)) : undefined;
    if (client) return { child: born, client, ended };
    born.kill('SIGKILL');
    const ending = await ended;
    if (typeof ending === 'number')
      for (const tell of hearing) tell({ failed: 'start', sentence: complaints.slice(-3).join(' ') });
    return undefined;
  };

  const live = async (): Promise<Life> => {
    for (let failed = 1; ; failed++) {
      await Promise.all([held, lives > 0 && pause(deadMs)]);
      const life = await begin();
      if (life) {
        void life.ended.then((ending) => {
          if (!asked.has(life.child)) unasked.push(`${ending}: ${complaints.slice(-3).join(' ')}`);
          if (!over) follow();
        });
        return life;
      }
      await pause(AGAIN_MS);
      if (over || failed >= FAILED_STARTS_MAX) {
        throw new Error(`the service cannot be started any more: ${complaints.slice(-3).join(' ')}`);
      }
    }
  };
  let current: Promise<Life>;
  const follow = (): void => {
    current = live();
    current.catch(() => undefined); // Whoever waits for it is told.
  };
  follow();

  const order = async (asked: Order): Promise<boolean> => {
    const { child: process, ended } = await current;
    if (!process.connected) return false;
    const over = AbortSignal.timeout(ANSWER_MS_MAX);
    const heard = once(process, 'message', { signal: over }).then(
      () => true,
      () => false,
    );
    process.send(asked, () => undefined);
    return Promise.race([heard, ended.then(() => false)]);
  };

  return {
    dataFolder,
    snapshotRoot,
    client: async () => (await current).client,
    pid: () => child?.pid,
    arm: (fates) => order({ fates: [...fates] }),
    met: (ms) =>
      new Promise((resolve) => {
        const settle = (met: Fate | 'ended' | undefined): void => {
          clearTimeout(timer);
          waiting.delete(settle);
          resolve(met);
        };
        const timer = setTimeout(() => settle(undefined), ms);
        waiting.add(settle);
      }),
    onFailure: (heard) => {
      hearing.add(heard);
      return () => hearing.delete(heard);
    },
    signal: (signal) => kill(child, signal),
    setClock: async (ms) => {
      skewMs = ms;
      await order({ skewMs });
    },
    skewMs: () => skewMs,
    whileDown: async (signal, work) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const { child: process, ended } = await current;
      held = promise;
      kill(process, signal);
      await ended;
      try {
        await work();
      } finally {
        resolve();
      }
    },
    stop: async () => {
      const last = await current;
      over = true;
      const begun = performance.now();
      kill(last.child, 'SIGTERM');
      const ending = await last.ended;
      return { ending, ms: performance.now() - begun };
    },
    end: async () => {
      over = true;
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      kill(child, 'SIGKILL');
      await gone;
    },
    lives: () => lives,
    unasked,
    complaints,
  };
};
