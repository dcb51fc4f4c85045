import type { ChildProcess } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { ASKPASS_SCRIPT, type GitAccess, remoteEnvironment } from './access.ts';
import { GitFailure } from './failure.ts';
import type { Remote } from './remote.ts';

/** Longest a command on the service's own files may take. */
const LOCAL_TIMEOUT_MS = 5 * 60_000;
/** What a command that is read whole may print; larger answers are streamed. */
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;
const DIAGNOSIS_BYTES_MAX = 1024 * 1024;
/** From the polite signal to the last one. */
const KILL_AFTER_MS = 2_000;

/**
 * The configuration every git here runs with; no other is read, and `-c` would come too late for `safe.directory`. A remote on this
 * machine is served under it too, and its hooks are its own business: hooks are switched off in each mirror, not here.
 */
const CONFIG = `[core]
\tfsmonitor = false
\tautocrlf = false
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tquotePath = false
\tprotectHFS = true
\tprotectNTFS = true
\tsymlinks = true
\tfileMode = true
\tfsync = committed,reference
[safe]
\tdirectory = *
[protocol]
\tversion = 2
[http]
\tfollowRedirects = false
\tlowSpeedLimit = 1000
\tlowSpeedTime = 30
[fetch]
\trecurseSubmodules = false
\twriteCommitGraph = false
[submodule]
\trecurse = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[receive]
\tautogc = false
[advice]
\tdetachedHead = false
[init]
\tdefaultBranch = main
[merge]
\tdirectoryRenames = false
`;

export interface GitCall {
  /**
   * A script of `sh` that is run instead of git, with the arguments as `$1` and so on: several commands for the price of one, for to start a
   * child costs a service of this size more than most commands of git take. A constant of ours, in which the longest command stands last
   * behind `exec`: an abort ends that one, and lets a short one before it come to its own end.
   */
  readonly script?: string;
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly indexFile?: string;
  /** The command speaks with this remote: its protocol is allowed and its login at hand. */
  readonly remote?: Remote;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array | string | AsyncIterable<string | Uint8Array>;
  readonly exitCodes?: readonly number[];
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Git {
  /** Throws `GitFailure`, or the reason of the signal. */
  run(args: readonly string[], call?: GitCall): Promise<{ readonly exitCode: number; readonly stdout: Buffer }>;
  /** Standard output as it comes. Leaving the loop early ends the command. Throws like `run`, after the last chunk. */
  stream(args: readonly string[], call?: GitCall): AsyncGenerator<Buffer>;
}

/** Absolute entries only: a relative one would find a `git` in whatever folder happens to be the current one. */
const searchPath = (): string =>
  (process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin')
    .split(delimiter)
    .filter((entry) => isAbsolute(entry))
    .join(delimiter);

const baseEnvironment = (home: string): Readonly<Record<string, string>> => ({
  PATH: searchPath(),
  HOME: home,
  XDG_CONFIG_HOME: home,
  LC_ALL: 'C',
  TZ: 'UTC',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: join(home, 'config'),
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_ALLOW_PROTOCOL: '',
});

/** The name of the command, past options such as `-c key=value`. */
const commandIn = (args: readonly string[], { script }: GitCall): string =>
  script === undefined ? (args.find((arg, at) => !arg.startsWith('-') && args[at - 1] !== '-c') ?? '') : 'script';

const commandLine = (args: readonly string[], { script }: GitCall): readonly [string, readonly string[]] =>
  script === undefined ? ['git', args] : ['/bin/sh', ['-e', '-c', script, 'sh', ...args]];

/** Ends what a command that was ended leaves: git's helper for a protocol waits for the remote on its own, and holds our pipes meanwhile. */
const endTogether = ({ nodeChildProcess }: { readonly nodeChildProcess: ChildProcess }): void => {
  const { pid } = nodeChildProcess;
  nodeChildProcess.once('exit', (_, signal) => {
    if (signal === null || pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nothing is left of it.
    }
  });
};

const asInput = (input: NonNullable<GitCall['input']>): string | Uint8Array | Readable =>
  typeof input === 'string' || input instanceof Uint8Array ? input : Readable.from(input, { objectMode: false });

const writeHome = async (home: string): Promise<void> => {
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(join(home, 'config'), CONFIG, { mode: 0o600 });
  const askpass = join(home, 'askpass');
  await rm(askpass, { force: true });
  await writeFile(askpass, ASKPASS_SCRIPT, { mode: 0o700 });
  await chmod(askpass, 0o700);
};

/** Git with a configuration, a home and an environment of the service's own, in `home` (made on first use). All of it ends with `closed`. */
export const createGit = (home: string, access: GitAccess = {}, closed?: AbortSignal): Git => {
  const base = baseEnvironment(home);
  let ready: Promise<void> | undefined;

  const environmentOf = async (call: GitCall): Promise<Record<string, string>> => ({
    ...base,
    ...(call.gitDir === undefined ? {} : { GIT_DIR: call.gitDir }),
    ...(call.workTree === undefined ? {} : { GIT_WORK_TREE: call.workTree }),
    ...(call.indexFile === undefined ? {} : { GIT_INDEX_FILE: call.indexFile }),
    ...(call.remote === undefined ? {} : await remoteEnvironment(call.remote, access, join(home, 'askpass'))),
    ...call.env,
  });

  const signalOf = ({ signal }: GitCall): AbortSignal | undefined =>
    signal !== undefined && closed !== undefined ? AbortSignal.any([signal, closed]) : (signal ?? closed);

  /** Everything a child gets. It is made before the child: a promise of a child would wait for its end. */
  const optionsOf = async (call: GitCall) => {
    ready ??= writeHome(home).catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    await ready;
    const signal = signalOf(call);
    signal?.throwIfAborted();
    return {
      cwd: home,
      env: await environmentOf(call),
      extendEnv: false,
      encoding: 'buffer',
      reject: false,
      stripFinalNewline: false,
      // A group of its own, so that it can be ended as a whole.
      detached: call.remote !== undefined || call.script !== undefined,
      timeout: call.timeoutMs ?? LOCAL_TIMEOUT_MS,
      forceKillAfterDelay: KILL_AFTER_MS,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
      ...(call.input === undefined ? { stdin: 'ignore' as const } : { input: asInput(call.input) }),
    } as const;
  };

  const judged = (
    args: readonly string[],
    call: GitCall,
    result: { readonly exitCode?: number; readonly timedOut: boolean; readonly isMaxBuffer: boolean; readonly stderr: unknown },
  ): number => {
    signalOf(call)?.throwIfAborted();
    const { exitCode } = result;
    const isCutOff = result.timedOut || result.isMaxBuffer;
    if (exitCode !== undefined && (call.exitCodes ?? [0]).includes(exitCode) && !isCutOff) return exitCode;
    const diagnosis = result.stderr instanceof Uint8Array ? Buffer.from(result.stderr).toString('latin1') : '';
    throw new GitFailure(commandIn(args, call), exitCode, result.timedOut, diagnosis);
  };
  return {
    run: async (args, call = {}) => {
      const options = await optionsOf(call);
      const child = execa(...commandLine(args, call), {
        ...options,
        maxBuffer: { stdout: OUTPUT_BYTES_MAX, stderr: DIAGNOSIS_BYTES_MAX },
      });
      if (options.detached) endTogether(child);
      const result = await child;
      return { exitCode: judged(args, call, result), stdout: Buffer.from(result.stdout) };
    },
    stream: async function* (args, call = {}) {
      const options = await optionsOf(call);
      const child = execa(...commandLine(args, call), {
        ...options,
        buffer: { stdout: false },
        maxBuffer: { stderr: DIAGNOSIS_BYTES_MAX },
      });
      if (options.detached) endTogether(child);
      let isWhole = false;
      try {
        for await (const chunk of child.iterable({ from: 'stdout', binary: true, preserveNewlines: true }))
          yield Buffer.from(chunk);
        isWhole = true;
      } finally {
        if (!isWhole) child.kill();
      }
      judged(args, call, await child);
    },
  };
};
