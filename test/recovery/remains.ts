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

/** Folders of a data folder that hold something only while a stage runs. */
const FOLDERS = ['work', 'run/agent', 'run/install', 'git/scratch'];

/** What services with nothing to do should not have, whatever their data folders are called: processes, folders of executions, temporary files. */
export const remains = async ({ folder }: Pick<Workshop, 'folder'>, spared: readonly number[]): Promise<readonly string[]> => {
  const entriesOf = async (name: string): Promise<readonly string[]> =>
    (await readdir(join(folder, name)).catch(() => [])).map((entry) => join(name, entry));
  const places = (await readdir(folder)).flatMap((place) => FOLDERS.map((name) => join(place, name)));
  return [...(await processesAbout(folder, spared)), ...(await Promise.all([...places, 'tmp'].map(entriesOf))).flat()];
};

/** How many processes of this machine have exactly this argument; bubblewrap's own, which repeat the command, do not count. */
export const processesWith = async (argument: string): Promise<number> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readable(`/proc/${pid}/cmdline`)));
  return commands.filter((command) => command.split('\0').includes(argument)).length;
};
