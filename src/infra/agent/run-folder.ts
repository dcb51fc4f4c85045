import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder } from '../remove-folder.ts';
import { removeStaleBounds } from './bounds.ts';
import { ETC_FILES } from './bubblewrap.ts';
import { killAll, markedProcesses } from './leftovers.ts';

/** A run's own folders on this machine, for the service only; they are gone when the run is over. */
export interface RunFolder {
  readonly path: string;
  readonly egressSocket: string;
  /** What an agent without isolation gets for its home and temporary files. */
  readonly home: string;
  readonly temporary: string;
  readonly etc: string;
}

const HASH_LENGTH = 12;
const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);

const runsFolder = (dataFolder: string): string => join(dataFolder, 'run', 'agent');

/** Starts the id of every run of this data folder, so that one service never ends the runs of another. */
const idPrefix = (dataFolder: string): string => `${shortHash(dataFolder)}-`;

export const runId = (dataFolder: string, key: string): string => `${idPrefix(dataFolder)}${shortHash(key)}`;

export const openRunFolder = async (dataFolder: string, id: string): Promise<RunFolder> => {
  const path = join(runsFolder(dataFolder), id);
  await removeFolder(path);
  const folder: RunFolder = {
    path,
    egressSocket: join(path, 'egress'),
    home: join(path, 'home'),
    temporary: join(path, 'tmp'),
    etc: join(path, 'etc'),
  };
  await mkdir(path, { recursive: true, mode: 0o700 });
  await Promise.all([folder.home, folder.temporary, folder.etc].map((each) => mkdir(each, { mode: 0o700 })));
  await Promise.all(Object.entries(ETC_FILES).map(([name, text]) => writeFile(join(folder.etc, name), text)));
  return folder;
};

export const removeRunFolder = ({ path }: RunFolder): Promise<void> => removeFolder(path);

/** Ends the processes and removes the folders of earlier runs of this data folder, but those in `running`. A second call finds nothing. */
export const reapRuns = async (dataFolder: string, running: ReadonlySet<string>): Promise<void> => {
  if (running.size === 0) {
    await killAll(() => markedProcesses(idPrefix(dataFolder)));
    await removeStaleBounds(idPrefix(dataFolder));
  }
  const left = await readdir(runsFolder(dataFolder)).catch(() => []);
  const stale = left.filter((name) => !running.has(name));
  await Promise.all(stale.map((name) => removeFolder(join(runsFolder(dataFolder), name))));
};
