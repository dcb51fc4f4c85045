import type { ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Marks every process of a run in its environment, so that it is found again without knowing its parent. */
export const RUN_MARKER = 'COUNTERSIGN_RUN';

const SWEEPS_MAX = 200;
const SWEEP_PAUSE_MS = 10;
const GONE_TIMEOUT_MS = 30_000;

const isMarked = async (pid: string, prefix: string): Promise<boolean> => {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return `\0${environment}`.includes(`\0${RUN_MARKER}=${prefix}`);
};

/** Processes of this machine whose marker starts with `prefix`; a process that ended but was not waited for has no environment left. */
export const markedProcesses = async (prefix: string): Promise<readonly number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const marked = await Promise.all(pids.map(async (pid) => ((await isMarked(pid, prefix)) ? [Number(pid)] : [])));
  return marked.flat();
};

export const killQuietly = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
};

/** When the process started, in the kernel's ticks: with its id this names it for ever. `null` once it has ended. */
export const startOf = async (pid: number): Promise<string | null> => {
  const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  const [state = 'X', ...rest] = status.slice(status.lastIndexOf(')') + 2).split(' ');
  return status === '' || state === 'Z' || state === 'X' ? null : (rest[18] ?? null);
};

/** Kills what `find` finds until it finds nothing that runs: a process may start another between two looks. */
export const killAll = async (find: () => Promise<readonly number[]>): Promise<void> => {
  for (let sweep = 1; sweep <= SWEEPS_MAX; sweep++) {
    const found = await find();
    const running = (await Promise.all(found.map(async (pid) => ((await startOf(pid)) === null ? [] : [pid])))).flat();
    if (running.length === 0) return;
    running.forEach(killQuietly);
    await sleep(SWEEP_PAUSE_MS);
  }
  throw new Error('Processes of an agent could not be ended.');
};

/**
 * Resolves once the child has ended; when it was killed, everything that bears its mark has been killed as well. A bubblewrap that dies while it makes
 * its namespace leaves a process behind that waits for it for ever, and holds its pipes open.
 */
export const endedWithMarked = (child: ChildProcess, id: string): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('exit', (_, signal) => {
      if (signal === null) resolve();
      else killAll(() => markedProcesses(id)).then(resolve, reject);
    });
    child.once('error', () => resolve());
  });

/** Resolves once that process has ended; when it is the first of a pid namespace, all of the namespace has. */
export const untilGone = async (pid: number, start: string): Promise<void> => {
  for (const deadline = Date.now() + GONE_TIMEOUT_MS; Date.now() < deadline; await sleep(2)) {
    if ((await startOf(pid)) !== start) return;
  }
  throw new Error('The processes of an agent did not end.');
};
