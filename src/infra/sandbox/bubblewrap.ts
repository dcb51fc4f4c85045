import { randomUUID } from 'node:crypto';
import { closeSync, constants } from 'node:fs';
import { finished } from 'node:stream/promises';
import { execa } from 'execa';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import { ImageMissing, type Sandboxes, type SandboxRequest, type SandboxResult } from '../../commands/ports/sandbox.ts';
import { endedWithMarked, RUN_MARKER } from '../agent/leftovers.ts';
import { bubblewrapCommand, DESCRIPTOR_LAST, ETC, HOST_PATH } from './bubblewrap-command.ts';
import { highestInheritedDescriptor } from './inherited.ts';
import { watchMemory } from './memory-watch.ts';
import { createOutputLines } from './output-log.ts';
import { clearPipes, openDescriptor, openPipe } from './pipe.ts';
import { createTestOutput, openTree, resultOf } from './test-run.ts';

/** What a person is told wherever this sandbox is used. */
export const WEAKER =
  'Tests run in bubblewrap, which is weaker than Docker: no filter of system calls, memory is watched and not held by the ' +
  'kernel, processors and the number of files are not limited, and the programs are those of this machine.';

interface Execution {
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly outOfMemory: boolean;
  readonly cause: unknown;
}

/** Starts it all and resolves when nothing inside lives any more. `onStdout` and `onStderr` have had everything by then. */
const execute = async (
  request: SandboxRequest,
  onStdout: (chunk: Buffer) => void,
  onStderr: (chunk: Buffer) => void,
): Promise<Execution> => {
  const { limits, signal } = request;
  const { reader, writeDescriptor } = await openPipe();
  reader.on('data', onStdout);
  const nothing = openDescriptor('/dev/null', constants.O_RDONLY);
  const overInherited = Array.from({ length: Math.max(0, highestInheritedDescriptor() - DESCRIPTOR_LAST) }, () => nothing);
  const [file = '', ...args] = bubblewrapCommand(request, process.getuid?.() === 0);
  const id = `sandbox-${randomUUID()}`;
  const sandbox = execa(file, args, {
    extendEnv: false,
    env: { PATH: HOST_PATH, [RUN_MARKER]: id },
    cwd: '/',
    stdio: ['ignore', writeDescriptor, 'pipe', 'pipe', 'pipe', ETC.passwd, ETC.group, ETC.hosts, ...overInherited],
    buffer: false,
    reject: false,
    timeout: limits.sandboxTimeoutMs,
    killSignal: 'SIGKILL',
    cancelSignal: signal,
  });
  const gone = endedWithMarked(sandbox.nodeChildProcess, id);
  closeSync(writeDescriptor);
  closeSync(nothing);
  const [, , stderr, life, info] = sandbox.stdio;
  stderr.on('data', onStderr);
  life.resume();

  let outOfMemory = false;
  let stopWatching = () => {};
  info.once('data', (chunk: Buffer) => {
    const [, pid] = /"child-pid": (\d+)/.exec(chunk.toString()) ?? [];
    if (pid === undefined) return;
    stopWatching = watchMemory(pid, limits.sandboxMemoryBytes, () => {
      outOfMemory = sandbox.kill('SIGKILL');
    });
  });

  const [{ exitCode = null, timedOut, cause }] = await Promise.all([sandbox, finished(reader), gone]);
  stopWatching();
  return { exitCode, timedOut, outOfMemory, cause };
};

const run = async (request: SandboxRequest): Promise<SandboxResult> => {
  const { image, signal, limits } = request;
  signal.throwIfAborted();
  if (image.kind !== 'bubblewrap')
    throw new ImageMissing('This was approved for another sandbox than bubblewrap. Ask for it again.');
  if (request.dependencies !== undefined && request.dependencies.length > 0)
    throw new RangeError('bubblewrap mounts no installed packages');
  await openTree(request.treeFolder);
  await request.fill?.();

  const output = createTestOutput(request);
  // The tools that set it up name folders of this machine in their complaints: only what the copy says is kept.
  let copyComplained = false;
  const complaints = createOutputLines((line) => {
    if (!line.startsWith('cp: ')) return;
    copyComplained = true;
    output.stderr(Buffer.from(`${line}\n`));
  });

  const startedAt = performance.now();
  const { cause, ...ended } = await execute(request, output.stdout, complaints.write);
  const durationMs = performance.now() - startedAt;
  complaints.end();

  signal.throwIfAborted();
  if (!output.started() && !copyComplained && !ended.timedOut && !ended.outOfMemory) {
    const sentence = 'bubblewrap could not set up the sandbox. It needs bubblewrap 0.8, util-linux and user namespaces.';
    throw new OutsideFailure(sentence, { cause });
  }
  return resultOf({ output, ...ended, durationMs }, limits);
};

/**
 * What runs inside never outlives the one that started it: at most a name is left to reap. A service that is itself killed in the milliseconds in
 * which bubblewrap makes its namespace leaves a process that waits for ever and does nothing.
 */
export const createBubblewrapSandbox = (): Sandboxes => ({
  kind: 'bubblewrap',
  resolveImage: async () => ({ kind: 'bubblewrap', reference: 'host', id: 'host' }),
  run,
  reap: clearPipes,
});
