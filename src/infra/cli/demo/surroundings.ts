import { mkdir, mkdtemp } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import type { Configuration } from '../../config/configuration.ts';
import { type Environment, readConfiguration } from '../../config/operator.ts';
import { connectDocker } from '../../sandbox/docker-engine.ts';
import { ensureExampleImage } from '../../sandbox/example-image.ts';
import { probeBubblewrap, probeDocker } from '../../sandbox/probe.ts';
import { Failure } from '../failure.ts';

const CHECKOUT = join(import.meta.dirname, '..', '..', '..', '..');

/** Longest that making the example image may take, in milliseconds. */
const IMAGE_TIMEOUT_MS = 120_000;

/** What the demo runs in, found out and made before it starts. */
export interface Surroundings {
  /** Everything of this run stands below it, and stays. */
  readonly folder: string;
  readonly sandbox: 'docker' | 'bubblewrap';
  /** What that means for the tests, in words. */
  readonly sandboxSentence: string;
  readonly configuration: Configuration;
}

/** Programs the demo cannot do without; with root they are installed. Throws `Failure`. */
const installPrograms = async (): Promise<void> => {
  const { exitCode } = await execa(
    join(CHECKOUT, 'bin', 'need'),
    [
      'git git keeps the repositories and makes the commit',
      'bwrap bubblewrap shuts the agent in: no network, none of your files',
    ],
    { stdio: ['ignore', process.stderr, process.stderr], reject: false },
  );
  if (exitCode !== 0) throw new Failure('The demo needs these programs; nothing was changed.');
};

/** Sets up what is missing. Resolves to the image that the tests will run in, `null` where no Docker engine answers. Throws `Failure`. */
export const setUp = async (): Promise<string | null> => {
  await installPrograms();
  if (!(await probeDocker()).ok) return null;
  return ensureExampleImage(connectDocker(undefined, IMAGE_TIMEOUT_MS));
};

const DOCKER = 'Docker: a container without network and privileges, its limits held by the kernel';
const BUBBLEWRAP =
  'bubblewrap, because no Docker engine answers: without network and privileges too, but weaker (no filter of system calls, memory only watched)';

const configurationFor = (folder: string, image: string | null): Configuration => {
  const environment: Environment = {
    HOME: folder,
    DATA_DIR: join(folder, 'data'),
    PORT: '0',
    LOG_LEVEL: 'error',
    FORGE: 'local',
    REPO_SNAPSHOT_ROOT: join(folder, 'repos'),
    AGENT_PROVIDER: 'custom',
    AGENT_MODEL: 'example-script',
    AGENT_CLI_TEMPLATE: 'example-agent.mjs',
    SANDBOX: image === null ? 'bubblewrap' : 'docker',
    ...(image !== null && { SANDBOX_IMAGE: image }),
    DEFAULT_TEST_COMMAND: 'node --test',
  };
  const read = readConfiguration(environment);
  if ('faults' in read) throw new Failure(read.faults.join('\n'));
  return read.configuration;
};

/** A folder of its own below `./demo`, the best sandbox that works here, and a configuration that needs no account. Throws `Failure`. */
export const prepareSurroundings = async (image: string | null): Promise<Surroundings> => {
  const runs = join(process.cwd(), 'demo');
  await mkdir(runs, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(runs, 'run-'));
  const bubblewrap = await probeBubblewrap();
  if (!bubblewrap.ok) throw new Failure(`The agent runs inside bubblewrap. ${bubblewrap.sentence}`);
  // The example agent is found where any agent is found: on the path of the service.
  process.env.PATH = [import.meta.dirname, process.env.PATH].join(delimiter);
  return {
    folder,
    sandbox: image === null ? 'bubblewrap' : 'docker',
    sandboxSentence: image === null ? BUBBLEWRAP : DOCKER,
    configuration: configurationFor(folder, image),
  };
};
