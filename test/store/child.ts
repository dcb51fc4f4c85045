import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';

export interface Child {
  readonly process: ChildProcess;
  readonly lines: Interface;
  /** Exit code; `null` when a signal ended it. */
  readonly exit: Promise<number | null>;
}

const running = new Set<ChildProcess>();

/** Kills what a failed test has left. */
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs a script of `children/` in a process of its own. */
export const runChild = (script: string, ...args: readonly string[]): Child => {
  const file = fileURLToPath(new URL(`children/${script}`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return { process: child, lines: createInterface(child.stdout), exit: once(child, 'exit').then(([code]) => code) };
};

/** The next line the child prints. */
export const nextLine = async (child: Child): Promise<string> => {
  const [line] = await once(child.lines, 'line');
  return line;
};
