import { closeSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { execa } from 'execa';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import { ImageMissing, type Sandboxes, type SandboxRequest, type SandboxResult } from '../../commands/ports/sandbox.ts';
import { bubblewrapCommand, ETC, HOST_PATH } from './bubblewrap-command.ts';
import { createOutputLines } from './output-log.ts';
import { openPipe } from './pipe.ts';
import { createTestOutput, openTree, resultOf } from './test-run.ts';

/** What a person is told wherever this sandbox is used. */
export const WEAKER =
  'Tests run in bubblewrap, which is weaker than Docker: no filter of system calls, memory is limited for each process and not ' +
  'together, the number of files is not limited, and the programs are those of this machine.';

/** Starts it all and resolves when nothing inside lives any more. `onStdout` and `onStderr` have had everything by then. */
const execute = async (request: SandboxRequest, onStdout: (chunk: Buffer) => void, onStderr: (chunk: Buffer) => void) => {
  const { reader, writeDescriptor } = await openPipe();
  reader.on('data', onStdout);
  const [file = '', ...args] = bubblewrapCommand(request, process.getuid?.() === 0);
  const sandbox = execa(file, args, {
    extendEnv: false,
    env: { PATH: HOST_PATH },
    cwd: '/',
    stdio: ['ignore', writeDescriptor, 'pipe', 'pipe', ETC.passwd, ETC.group, ETC.hosts],
    buffer: false,
    reject: false,
    timeout: request.limits.sandboxTimeoutMs,
    killSignal: 'SIGKILL',
    cancelSignal: request.signal,
  });
  closeSync(writeDescriptor);
  sandbox.stderr.on('data', onStderr);
  sandbox.stdio[3].resume();
  const [ended] = await Promise.all([sandbox, finished(reader)]);
  return ended;
};

const run = async (request: SandboxRequest): Promise<SandboxResult> => {
  const { image, signal, limits } = request;
  signal.throwIfAborted();
  if (image.kind !== 'bubblewrap')
    throw new ImageMissing('This was approved for another sandbox than bubblewrap. Ask for it again.');
  await openTree(request.treeFolder);

  const output = createTestOutput(request);
  // The tools that set it up name folders of this machine in their complaints: only what the copy says is kept.
  let copyComplained = false;
  const complaints = createOutputLines((line) => {
    if (!line.startsWith('cp: ')) return;
    copyComplained = true;
    output.stderr(Buffer.from(`${line}\n`));
  });

  const startedAt = performance.now();
  const { exitCode = null, timedOut, cause } = await execute(request, output.stdout, complaints.write);
  const durationMs = performance.now() - startedAt;
  complaints.end();

  signal.throwIfAborted();
  if (!output.started() && !copyComplained && !timedOut) {
    const sentence = 'bubblewrap could not set up the sandbox. It needs bubblewrap 0.8, util-linux and user namespaces.';
    throw new OutsideFailure(sentence, { cause });
  }
  return resultOf({ output, exitCode, timedOut, outOfMemory: false, durationMs }, limits);
};

/** Nothing of it outlives the process that started it, so there is nothing to reap. */
export const createBubblewrapSandbox = (): Sandboxes => ({
  kind: 'bubblewrap',
  resolveImage: async () => ({ kind: 'bubblewrap', reference: 'host', id: 'host' }),
  run,
  reap: async () => {},
});
