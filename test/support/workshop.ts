import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readConfiguration } from '../../src/infra/config/operator.ts';
import { addRepository } from '../../src/infra/git/snapshots.ts';
import { git } from './git-commands.ts';

export type Files = Readonly<Record<string, string | Buffer | { readonly mode: number; readonly content: string }>>;

export interface Workshop {
  readonly folder: string;
  readonly dataFolder: string;
  /** The bare `origin` of the one repository, `acme/widgets`. */
  readonly origin: string;
  /** The environment of a service that works here: SQLite, the local forge, bubblewrap unless told otherwise. */
  environment(more?: Readonly<Record<string, string>>): Record<string, string>;
  configuration(
    more?: Readonly<Record<string, string>>,
  ): Extract<ReturnType<typeof readConfiguration>, { configuration: unknown }>['configuration'];
  remove(): Promise<void>;
}

const commitFiles = async (origin: string, folder: string, files: Files): Promise<void> => {
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', origin]);
  await git('/', ['init', '--quiet', '--initial-branch=main', folder]);
  for (const [path, file] of Object.entries(files)) {
    const { mode, content } = typeof file === 'object' && 'mode' in file ? file : { mode: 0o644, content: file };
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
    await chmod(join(folder, path), mode);
  }
  await git(folder, ['add', '--all', '--force']);
  await git(folder, ['commit', '--quiet', '--allow-empty', '-m', 'The beginning']);
  await git(folder, ['push', '--quiet', origin, 'HEAD:refs/heads/main']);
};

/** A folder of its own with a repository, its remote and an agent: what one service needs, and nothing of this machine's. */
export const openWorkshop = async (
  files: Files = { 'sum.sh': 'echo $(($1 - $2))\n', 'test.sh': 'test "$(sh sum.sh 2 3)" = 5\n' },
): Promise<Workshop> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  const [origin, dataFolder, snapshotRoot] = [join(folder, 'origin.git'), join(folder, 'data'), join(folder, 'repos')];
  await commitFiles(origin, join(folder, 'seed'), files);
  await addRepository({ url: origin, name: 'acme/widgets', snapshotRoot });

  const environment: Workshop['environment'] = (more = {}) => ({
    PATH: process.env.PATH ?? '',
    HOME: join(folder, 'home'),
    PORT: '0',
    LOG_LEVEL: 'error',
    DATA_DIR: dataFolder,
    REPO_SNAPSHOT_ROOT: snapshotRoot,
    DEFAULT_REPO: 'acme/widgets',
    FORGE: 'local',
    SANDBOX: 'bubblewrap',
    DEFAULT_TEST_COMMAND: 'sh test.sh',
    AGENT_CLI_TEMPLATE: 'sh -c true',
    ...more,
  });
  return {
    folder,
    dataFolder,
    origin,
    environment,
    configuration: (more) => {
      const read = readConfiguration(environment(more));
      if ('faults' in read) throw new Error(read.faults.join('\n'));
      return read.configuration;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};
