import { readdirSync, readFileSync } from 'node:fs';

const INTERVAL_MS = 100;

/** Files of /proc are made by the kernel as they are read, so reading them blocks nothing; a process may be gone by then. */
const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const threadsOf = (pid: string): readonly string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
};

const childrenOf = (pid: string): readonly string[] =>
  threadsOf(pid).flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).match(/\d+/g) ?? []);

/** Bytes of their own that `pid` and all its descendants hold: neither files nor what is only reserved. */
const heldBytes = (pid: string): number => {
  const [, kibibytes = 0] = /^RssAnon:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`)) ?? [];
  return childrenOf(pid).reduce((sum, child) => sum + heldBytes(child), Number(kibibytes) * 1024);
};

/**
 * Calls `onExceeded` once when `pid` and its descendants together hold more than `bytesMax`. For where no control group can be had: a
 * resource limit holds for one process only, and Node reserves far more than it uses for every thread. Returns how to stop.
 */
export const watchMemory = (pid: string, bytesMax: number, onExceeded: () => void): (() => void) => {
  const timer = setInterval(() => {
    if (heldBytes(pid) <= bytesMax) return;
    clearInterval(timer);
    onExceeded();
  }, INTERVAL_MS);
  return () => clearInterval(timer);
};
