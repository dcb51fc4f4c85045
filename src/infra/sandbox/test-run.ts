import { chmod } from 'node:fs/promises';
import { constants } from 'node:os';
import type { SandboxRequest, SandboxResult } from '../../commands/ports/sandbox.ts';
import type { Limits } from '../../domain/limits.ts';
import { createOutputLines, createOutputLog } from './output-log.ts';

/** Who the test is inside: nobody, in every sandbox. */
export const SANDBOX_UID = 65_534;

/** Size of `/tmp` inside, in bytes. The tree and what is built from it stand in `/work`, which the request limits. */
export const TMP_BYTES = 64 * 1024 * 1024;
export const SHM_BYTES = 16 * 1024 * 1024;
export const OPEN_FILES_MAX = 16_384;

/** `/etc/hosts` inside: the names of the loopback, which is all there is. */
export const HOSTS = '127.0.0.1 localhost\n::1 localhost\n';

/** Written on standard output by the script below between the copy and the test. */
const STARTED = 1;

/**
 * Runs inside; its arguments are the test command and the folder of the tree where that runs. Nothing but the mark reaches standard
 * output before the test starts, so its first byte tells a copy that failed from a test that failed, and no name in the tree and
 * nothing a test prints can forge it: a test that runs has been started. Whether it passed is said by the exit status alone. The
 * test's two outputs are one, to keep their order.
 */
export const TEST_SCRIPT = `umask 022
cp -RP /repo/. /work/ >&2 && cd /work || exit 1
printf '\\00${STARTED}'
cd -- "$2" 2>&1 || exit 1
exec /bin/sh -c "$1" 2>&1`;

/** The arguments of the script above. */
export const testArguments = ({ command, path }: Pick<SandboxRequest, 'command' | 'path'>): readonly [string, string] => [
  command,
  path ?? '.',
];

/** Lets the user inside enter the tree. A mount shows this folder alone, so the folders above it may stay closed. */
export const openTree = (treeFolder: string): Promise<void> => chmod(treeFolder, 0o755);

export interface TestOutput {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
  /** Whether the copy was whole and the test began. */
  started(): boolean;
  log(): Buffer;
}

export const createTestOutput = ({ limits, onProgress }: Pick<SandboxRequest, 'limits' | 'onProgress'>): TestOutput => {
  const log = createOutputLog(limits.sandboxOutputBytes);
  const lines = createOutputLines(onProgress);
  let first: number | undefined;

  const stdout = (chunk: Buffer): void => {
    const rest = first === undefined && chunk[0] === STARTED ? chunk.subarray(1) : chunk;
    first ??= chunk[0];
    log.write(rest);
    lines.write(rest);
  };

  return {
    stdout,
    stderr: log.write,
    started: () => first === STARTED,
    log: () => {
      lines.end();
      return log.bytes();
    },
  };
};

export interface Ending {
  readonly output: TestOutput;
  /** Read by the host from the engine. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly outOfMemory: boolean;
  readonly durationMs: number;
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MiB`;

const signalOf = (exitCode: number): string | undefined =>
  Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];

const failure = (exitCode: number | null): string => {
  if (exitCode === 126) return 'The test command ended with exit code 126: something in it cannot be executed.';
  if (exitCode === 127) return 'The test command ended with exit code 127: a program it names is not in the image.';
  const signal = exitCode === null ? undefined : signalOf(exitCode);
  return `The test command ended with exit code ${exitCode}${signal === undefined ? '' : ` (${signal})`}.`;
};

const verdict = (ending: Ending, limits: Limits): Pick<SandboxResult, 'outcome' | 'sentence'> => {
  if (ending.timedOut) {
    const seconds = limits.sandboxTimeoutMs / 1000;
    return { outcome: 'timed_out', sentence: `The test command was still running after ${seconds} s and was stopped.` };
  }
  if (ending.outOfMemory) {
    const memory = mebibytes(limits.sandboxMemoryBytes);
    return {
      outcome: 'out_of_memory',
      sentence: `The test used more than ${memory} of memory (with Docker, what it keeps in /work counts).`,
    };
  }
  if (!ending.output.started()) {
    const scratch = `${mebibytes(limits.sandboxScratchBytes)}, ${limits.sandboxScratchInodes} files`;
    return { outcome: 'sandbox_failed', sentence: `The tree could not be copied to /work (${scratch}); the log says why.` };
  }
  return ending.exitCode === 0 ? { outcome: 'passed' } : { outcome: 'tests_failed', sentence: failure(ending.exitCode) };
};

/** The one place where an ending becomes a verdict. Fails closed: only a test that began and ended with 0 within its limits passed. */
export const resultOf = (ending: Ending, limits: Limits): SandboxResult => ({
  ...verdict(ending, limits),
  exitCode: ending.exitCode,
  log: ending.output.log(),
  durationMs: Math.round(ending.durationMs),
});
