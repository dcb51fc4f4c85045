import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { AGENT_FILE_BYTES_MAX, AGENT_PROCESSES_MAX, type Bounds } from './bounds.ts';
import { endedWithMarked, killAll, killQuietly, markedProcesses, RUN_MARKER, startOf, untilGone } from './leftovers.ts';

/** Enough for bubblewrap, prlimit and sh themselves; their environment can be read by the agent. */
const STARTER_PATH = '/usr/local/bin:/usr/bin:/bin';
/** Joins the control groups named before `--` and becomes the program after it. */
const JOIN_GROUPS = 'while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"';
/** Bubblewrap writes two short lines. */
const REPORT_BYTES_MAX = 4096;
/** For the rest of the output once all processes that were found are gone. */
const DRAIN_TIMEOUT_MS = 1_000;
/** Descriptors of bubblewrap: its options in, its report out. */
const OPTIONS_FD = 3;
export const STATUS_FD = 4;

export interface Ending {
  /** `null` when it was killed or never ran. */
  readonly exitCode: number | null;
  /** Whether the program was started at all; if not, its standard error says why. */
  readonly ran: boolean;
}

export interface Enclosed {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the program and everything it started are gone and their output was read. Rejects when they cannot be ended. */
  readonly ended: Promise<Ending>;
  /** Ends everything at once. */
  kill(): void;
}

export interface EnclosureOptions {
  /** Value of the marker, unique for the run. */
  readonly id: string;
  readonly argv: readonly string[];
  readonly bounds: Bounds;
  /** Options for bubblewrap; `null` starts the program on the open machine. */
  readonly bubblewrap: readonly string[] | null;
  /** Of the program, when there is no bubblewrap. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
}

const limited = (argv: readonly string[], processesMax: number | null): string[] => [
  'prlimit',
  `--fsize=${AGENT_FILE_BYTES_MAX}`,
  '--core=0',
  ...(processesMax === null ? [] : [`--nproc=${processesMax}`]),
  ...argv,
];

const startArguments = (bounds: Bounds, program: readonly string[]): readonly string[] => [
  ...['-c', JOIN_GROUPS, 'sh', ...bounds.folders, '--', ...program],
];

/** What bubblewrap wrote: the first process of the namespace as this machine numbers it, and the exit code if the program ever ran. */
const parseReport = (report: string): { readonly first: number | null; readonly exitCode: number | null } => {
  const field = (name: string): number | null => {
    const found = new RegExp(`"${name}": (\\d+)`).exec(report)?.[1];
    return found === undefined ? null : Number(found);
  };
  return { first: field('child-pid'), exitCode: field('exit-code') };
};

const startInside = (bubblewrap: readonly string[], { argv, bounds, id }: EnclosureOptions): Enclosed => {
  const subprocess = execa(
    '/bin/sh',
    // The number of processes is counted by user and user namespace: set inside, so that only the agent's own count.
    startArguments(bounds, ['bwrap', '--args', `${OPTIONS_FD}`, '--', ...limited(argv, AGENT_PROCESSES_MAX)]),
    {
      cwd: '/',
      env: { PATH: STARTER_PATH, [RUN_MARKER]: id },
      extendEnv: false,
      stdio: ['pipe', 'pipe', 'pipe', Buffer.from(bubblewrap.map((option) => `${option}\0`).join('')), 'pipe'],
      buffer: false,
      reject: false,
    },
  );
  const gone = endedWithMarked(subprocess.nodeChildProcess, id);
  let report = '';
  let namespace: Promise<{ readonly first: number; readonly start: string | null } | null> = Promise.resolve(null);
  subprocess.stdio[STATUS_FD].on('data', (chunk: Buffer) => {
    if (report.length > REPORT_BYTES_MAX) return;
    const before = parseReport(report).first;
    report += chunk.toString('latin1');
    const { first } = parseReport(report);
    if (before === null && first !== null) namespace = startOf(first).then((started) => ({ first, start: started }));
  });

  const end = async (): Promise<Ending> => {
    await gone;
    await subprocess;
    const found = await namespace;
    if (found !== null && found.start !== null) await untilGone(found.first, found.start);
    const { exitCode } = parseReport(report);
    return { exitCode, ran: exitCode !== null };
  };
  return {
    stdin: subprocess.stdin,
    stdout: subprocess.stdout,
    stderr: subprocess.stderr,
    ended: end(),
    // The namespace dies with the process that made it.
    kill: () => void subprocess.kill('SIGKILL'),
  };
};

const startInTheOpen = ({ argv, bounds, id, environment, folder }: EnclosureOptions): Enclosed => {
  const subprocess = execa('/bin/sh', startArguments(bounds, limited(argv, null)), {
    cwd: folder,
    env: { ...environment, [RUN_MARKER]: id },
    extendEnv: false,
    stdio: ['pipe', 'pipe', 'pipe'],
    buffer: false,
    reject: false,
    detached: true,
  });
  const everything = async (): Promise<readonly number[]> => [...(await bounds.members()), ...(await markedProcesses(id))];
  const exited = new Promise<Ending>((resolve) => {
    subprocess.nodeChildProcess.once('exit', (exitCode) => resolve({ exitCode, ran: true }));
    subprocess.nodeChildProcess.once('error', () => resolve({ exitCode: null, ran: false }));
  });
  const end = async (): Promise<Ending> => {
    const ending = await exited;
    await killAll(everything);
    // What hid from us may hold the output open for ever: after a while nobody listens to it.
    const deaf = setTimeout(
      () => [subprocess.stdout, subprocess.stderr].forEach((stream) => void stream.destroy()),
      DRAIN_TIMEOUT_MS,
    );
    await subprocess;
    clearTimeout(deaf);
    return ending;
  };
  return {
    stdin: subprocess.stdin,
    stdout: subprocess.stdout,
    stderr: subprocess.stderr,
    ended: end(),
    kill: () => {
      if (subprocess.pid !== undefined) killQuietly(-subprocess.pid);
    },
  };
};

/** Starts a program with a clean environment. The caller reads both outputs to their end. */
export const startEnclosed = (options: EnclosureOptions): Enclosed =>
  options.bubblewrap === null ? startInTheOpen(options) : startInside(options.bubblewrap, options);
