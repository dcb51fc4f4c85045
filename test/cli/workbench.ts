import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeExampleRepository } from '../../src/infra/cli/demo/example-repository.ts';

const CHECKOUT = join(import.meta.dirname, '..', '..');
export const COUNTERSIGN = join(CHECKOUT, 'bin', 'countersign');

const START_TIMEOUT_MS = 60_000;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

/** What a person at a prompt has, and nothing that this test run happens to have. */
const PERSON: Environment = { PATH: process.env.PATH ?? '', TZ: 'Europe/Berlin', LANG: 'C.UTF-8' };

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Environment;
  readonly input?: string;
}

const finished = (child: ChildProcess, input: string): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const said = { stdout: '', stderr: '' };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });

/** Types a command through the real `bin/countersign`. */
export const countersign = (args: readonly string[], { cwd, env = {}, input = '' }: RunOptions): Promise<Ran> =>
  finished(spawn(COUNTERSIGN, args, { cwd, env: { ...PERSON, ...env } }), input);

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The same in front of another program. */
export const piped = (args: readonly string[], into: string, { cwd, env = {} }: RunOptions): Promise<Ran> =>
  finished(spawn('/bin/sh', ['-c', `"$@" | ${into}`, 'sh', COUNTERSIGN, ...args], { cwd, env: { ...PERSON, ...env } }), '');

/** The same on a terminal: script(1) makes one, and puts what either side says into standard output. */
export const onTerminal = (args: readonly string[], { cwd, env = {}, input = '' }: RunOptions): Promise<Ran> => {
  const command = ['stty cols 100 rows 40;', 'exec', COUNTERSIGN, ...args]
    .map((word, at) => (at < 2 ? word : quoted(word)))
    .join(' ');
  const child = spawn('script', ['--quiet', '--return', '--echo', 'never', '--command', command, '/dev/null'], {
    cwd,
    env: { ...PERSON, TERM: 'xterm', ...env },
  });
  return finished(child, input);
};

export interface RunningService {
  /** Where commands are typed: the data folder is `./data` there. */
  readonly folder: string;
  /** The remote of the repository `example/shop`. */
  readonly origin: string;
  readonly run: (...args: readonly string[]) => Promise<Ran>;
  /** Runs a command with `--json` that must succeed, and parses what it printed. */
  readonly json: (...args: readonly string[]) => Promise<Record<string, unknown>>;
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>;
  readonly remove: () => Promise<void>;
}

const untilReady = async (folder: string, child: ChildProcess, said: () => string): Promise<void> => {
  const until = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < until && child.exitCode === null) {
    if (
      await readFile(join(folder, 'data', 'service.json')).then(
        () => true,
        () => false,
      )
    )
      return;
    await pause(25);
  }
  throw new Error(`The service did not start: ${said()}`);
};

/** A service of its own on the embedded defaults, started as a person would; its agent is the shell command `agent`. */
export const startService = async (agent: string, settings: Environment = {}): Promise<RunningService> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-cli-'));
  const { origin } = await makeExampleRepository(join(folder, 'remote'));
  const program = join(folder, 'scripted-agent');
  await writeFile(program, `#!/bin/sh\n${agent}\n`);
  await chmod(program, 0o755);
  await mkdir(join(folder, 'data'), { mode: 0o700 });
  const variables = {
    PORT: '0',
    LOG_LEVEL: 'warn',
    AGENT_PROVIDER: 'custom',
    AGENT_CLI_TEMPLATE: 'scripted-agent',
    SANDBOX: 'bubblewrap',
    DEFAULT_TEST_COMMAND: 'node --test',
    DEFAULT_REPO: 'example/shop',
    ...settings,
  };
  await writeFile(
    join(folder, '.env'),
    Object.entries(variables)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(''),
  );

  const child = spawn(COUNTERSIGN, ['serve'], {
    cwd: folder,
    env: { ...PERSON, PATH: `${folder}:${PERSON.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    return exited;
  };
  const run = (...args: readonly string[]): Promise<Ran> => countersign(args, { cwd: folder });

  try {
    await untilReady(folder, child, () => said);
  } catch (error) {
    await stop('SIGKILL');
    throw error;
  }
  return {
    folder,
    origin,
    run,
    json: async (...args) => {
      const { code, stdout, stderr } = await run(...args, '--json');
      if (code !== 0) throw new Error(`countersign ${args.join(' ')} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as Record<string, unknown>; // Each command prints one object.
    },
    stop,
    remove: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
