import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workshop } from '../support/workshop.ts';

const readable = (file: string): Promise<string> => readFile(file, 'latin1').catch(() => '');

/** Processes of this machine, but `spared`, whose command line or environment names `folder`. */
export const processesAbout = async (folder: string, spared: readonly number[]): Promise<readonly string[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && ![process.pid, ...spared].includes(Number(name)));
  const about = pids.map(async (pid) => {
    const [command, environment] = await Promise.all([readable(`/proc/${pid}/cmdline`), readable(`/proc/${pid}/environ`)]);
    return `${command}${environment}`.includes(folder) ? [`${pid} ${command.replaceAll('\0', ' ')}`] : [];
  });
  return (await Promise.all(about)).flat();
};

/** Folders that hold something only while a stage runs. */
const FOLDERS = ['data/work', 'data/run/agent', 'data/git/scratch', 'tmp'];

/** What a service with nothing to do should not have: processes, folders of executions, temporary files. */
export const remains = async ({ folder }: Workshop, spared: readonly number[]): Promise<readonly string[]> => {
  const left = FOLDERS.map(async (name) => (await readdir(join(folder, name)).catch(() => [])).map((entry) => join(name, entry)));
  return [...(await processesAbout(folder, spared)), ...(await Promise.all(left)).flat()];
};

/** How many processes of this machine have exactly this argument; bubblewrap's own, which repeat the command, do not count. */
export const processesWith = async (argument: string): Promise<number> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readable(`/proc/${pid}/cmdline`)));
  return commands.filter((command) => command.split('\0').includes(argument)).length;
};
