import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Processes and threads of one agent. */
export const AGENT_PROCESSES_MAX = 1024;
/** Size of one file an agent writes. */
export const AGENT_FILE_BYTES_MAX = 4 * 1024 ** 3;
/** Memory of one agent with what stands in its in-memory folders: 8 GiB, or three quarters of a smaller machine. */
const AGENT_MEMORY_BYTES_MAX = Math.min(8 * 1024 ** 3, Math.floor(totalmem() * 0.75));

const CGROUPS = '/sys/fs/cgroup';
const GROUP_PREFIX = 'countersign-agent-';
const REMOVAL_ATTEMPTS_MAX = 40;
const REMOVAL_PAUSE_MS = 25;

/** Control groups of one run; a process joins by writing 0 to the `cgroup.procs` of each folder. Empty where this machine gives us none. */
export interface Bounds {
  readonly folders: readonly string[];
  /** Process ids of this machine that are in a group. */
  members(): Promise<readonly number[]>;
  remove(): Promise<void>;
}

interface Group {
  readonly parent: string;
  readonly settings: Readonly<Record<string, string>>;
}

const PROCESSES = { 'pids.max': `${AGENT_PROCESSES_MAX}` };

const groupsOfThisMachine = async (): Promise<readonly Group[]> => {
  const unified = await access(join(CGROUPS, 'cgroup.controllers')).then(
    () => true,
    () => false,
  );
  return unified
    ? [{ parent: CGROUPS, settings: { ...PROCESSES, 'memory.max': `${AGENT_MEMORY_BYTES_MAX}`, 'memory.swap.max': '0' } }]
    : [
        { parent: join(CGROUPS, 'pids'), settings: PROCESSES },
        { parent: join(CGROUPS, 'memory'), settings: { 'memory.limit_in_bytes': `${AGENT_MEMORY_BYTES_MAX}` } },
      ];
};

const removeGroup = async (folder: string): Promise<void> => {
  for (let attempt = 1; attempt <= REMOVAL_ATTEMPTS_MAX; attempt++) {
    const problem = await rmdir(folder).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (problem !== 'EBUSY') return;
    await sleep(REMOVAL_PAUSE_MS);
  }
};

/**
 * The kernel does not hold root to a process limit, so a service that runs as root bounds its agents by control groups; for an ordinary user
 * `prlimit` bounds processes. Where neither works the time limit still ends everything.
 */
export const createBounds = async (id: string): Promise<Bounds> => {
  const folders: string[] = [];
  for (const { parent, settings } of process.getuid?.() === 0 ? await groupsOfThisMachine() : []) {
    const folder = join(parent, `${GROUP_PREFIX}${id}`);
    try {
      await mkdir(folder, { recursive: true }); // One an earlier run of the same key left serves as well.
      for (const [name, value] of Object.entries(settings)) {
        await writeFile(join(folder, name), value).catch((error) => {
          if (name !== 'memory.swap.max') throw error; // Absent where swap is not counted.
        });
      }
      folders.push(folder);
    } catch {
      await rmdir(folder).catch(() => {});
    }
  }
  return {
    folders,
    members: async () => {
      const lists = await Promise.all(folders.map((folder) => readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')));
      return [...new Set(lists.flatMap((list) => list.split('\n').filter(Boolean).map(Number)))];
    },
    remove: async () => void (await Promise.all(folders.map(removeGroup))),
  };
};

/** Groups an earlier process left, by the start of their ids. Their members must be gone. */
export const removeStaleBounds = async (idPrefix: string): Promise<void> => {
  for (const { parent } of process.getuid?.() === 0 ? await groupsOfThisMachine() : []) {
    const names = await readdir(parent).catch(() => []);
    const stale = names.filter((name) => name.startsWith(`${GROUP_PREFIX}${idPrefix}`));
    await Promise.all(stale.map((name) => removeGroup(join(parent, name))));
  }
};
