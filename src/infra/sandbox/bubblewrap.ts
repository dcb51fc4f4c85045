import { closeSync, existsSync, lstatSync, readlinkSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { execa } from 'execa';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import { ImageMissing, type Sandboxes, type SandboxRequest, type SandboxResult } from '../../commands/ports/sandbox.ts';
import type { Limits } from '../../domain/limits.ts';
import { createOutputLines } from './output-log.ts';
import {
  createTestOutput,
  OPEN_FILES_MAX,
  openTree,
  resultOf,
  SANDBOX_UID,
  SHM_BYTES,
  TEST_SCRIPT,
  TMP_BYTES,
} from './test-run.ts';

/** What a person is told wherever this sandbox is used. */
export const WEAKER =
  'Tests run in bubblewrap, which is weaker than Docker: no filter of system calls, memory is limited for each process and not ' +
  'together, the number of files is not limited, and the programs are those of this machine.';

const HOST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Static parts of `/etc`, so that names resolve inside and nothing of the machine's own is shown. Fed through file descriptors. */
const ETC = {
  '/etc/passwd': `nobody:x:${SANDBOX_UID}:${SANDBOX_UID}:nobody:/tmp:/bin/sh\n`,
  '/etc/group': `nogroup:x:${SANDBOX_UID}:\n`,
  '/etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
};
const FIRST_ETC_DESCRIPTOR = 4;
/** Stays open as long as anything lives inside. */
const LIFE_DESCRIPTOR = 3;

/** `/bin`, `/lib` and so on as they are here: links into `/usr` on most systems, folders on some. */
const systemFolders = (): readonly string[] =>
  ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
    .filter(existsSync)
    .flatMap((path) => (lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]));

const SEALED = [
  ...[
    '--unshare-user',
    '--unshare-pid',
    '--unshare-net',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-cgroup',
    '--disable-userns',
  ],
  ...['--uid', `${SANDBOX_UID}`, '--gid', `${SANDBOX_UID}`, '--cap-drop', 'ALL', '--hostname', 'sandbox'],
  ...['--die-with-parent', '--new-session', '--clearenv', '--sync-fd', `${LIFE_DESCRIPTOR}`],
];

const bubblewrapArguments = (tree: string, node: string, limits: Limits): readonly string[] => [
  ...SEALED,
  ...['--setenv', 'PATH', `/opt/countersign/bin:${HOST_PATH}`, '--setenv', 'HOME', '/tmp'],
  ...['--ro-bind', '/usr', '/usr', ...systemFolders(), '--ro-bind-try', '/etc/alternatives', '/etc/alternatives'],
  ...['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
  ...Object.keys(ETC).flatMap((path, index) => ['--perms', '0444', '--ro-bind-data', `${FIRST_ETC_DESCRIPTOR + index}`, path]),
  ...['--proc', '/proc', '--dev', '/dev', '--size', `${SHM_BYTES}`, '--tmpfs', '/dev/shm', '--remount-ro', '/dev'],
  ...['--size', `${TMP_BYTES}`, '--tmpfs', '/tmp', '--size', `${limits.sandboxScratchBytes}`, '--tmpfs', '/work'],
  ...['--ro-bind', tree, '/repo', '--ro-bind', node, '/opt/countersign/bin/node', '--remount-ro', '/', '--chdir', '/', '--'],
];

/**
 * Set inside, where the kernel counts the processes of this sandbox alone. `data` rather than the address space, of which Node
 * reserves far more than it uses. The kernel is told to take the sandbox first when the machine runs out of memory.
 */
const limitArguments = (limits: Limits): readonly string[] => [
  ...['prlimit', '--core=0', `--nofile=${OPEN_FILES_MAX}`, `--nproc=${limits.sandboxProcesses}`],
  ...[`--data=${limits.sandboxMemoryBytes}`, `--fsize=${limits.sandboxScratchBytes}`, '--', 'choom', '-n', '1000', '--'],
];

/**
 * A service that runs as root gives root up first: inside, its files would be root's, and the kernel does not count root's processes.
 * The tree and Node may stand below folders closed to others, so both are shown on /sys, where nothing of ours can be, in a mount
 * namespace of this process alone.
 */
const AS_NOBODY = `mount -t tmpfs -o size=64k,mode=755 none /sys && mkdir /sys/repo && : >/sys/node &&
mount --bind "$1" /sys/repo && mount --bind "$2" /sys/node && shift 2 || exit 1
exec setpriv --reuid ${SANDBOX_UID} --regid ${SANDBOX_UID} --clear-groups "$@"`;

const commandLine = ({ treeFolder, command, limits }: SandboxRequest, asRoot: boolean): readonly string[] => {
  const test = [...limitArguments(limits), '/bin/sh', '-c', TEST_SCRIPT, 'sh', command];
  if (!asRoot) return ['bwrap', ...bubblewrapArguments(treeFolder, process.execPath, limits), ...test];

  const wrapped = ['bwrap', ...bubblewrapArguments('/sys/repo', '/sys/node', limits), ...test];
  return [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--',
    '/bin/sh',
    '-c',
    AS_NOBODY,
    'sh',
    treeFolder,
    process.execPath,
    ...wrapped,
  ];
};

/** Nothing outlives the process that started it, so there is nothing to reap. `asRoot` is for tests. */
export const createBubblewrapSandbox = ({ asRoot = process.getuid?.() === 0 }: { readonly asRoot?: boolean } = {}): Sandboxes => {
  const run = async (request: SandboxRequest): Promise<SandboxResult> => {
    const { image, signal, limits } = request;
    signal.throwIfAborted();
    if (image.kind !== 'bubblewrap')
      throw new ImageMissing('This was approved for another sandbox than bubblewrap. Ask for it again.');

    const output = createTestOutput(request);
    // Complaints of the tools that set it up name folders of this machine: only what the copy says inside is kept.
    let copyFailed = false;
    const complaints = createOutputLines((line) => {
      if (!line.startsWith('cp: ')) return;
      copyFailed = true;
      output.stderr(Buffer.from(`${line}\n`));
    });

    await openTree(request.treeFolder);
    const { reader, writeDescriptor } = await openPipe();
    reader.on('data', output.stdout);
    const drained = finished(reader);
    const startedAt = performance.now();
    const [file = '', ...args] = commandLine(request, asRoot);
    const sandbox = execa(file, args, {
      extendEnv: false,
      env: { PATH: HOST_PATH },
      cwd: '/',
      stdio: ['ignore', writeDescriptor, 'pipe', 'pipe', ...Object.values(ETC).map((text) => Buffer.from(text))],
      buffer: false,
      reject: false,
      timeout: limits.sandboxTimeoutMs,
      killSignal: 'SIGKILL',
      cancelSignal: signal,
    });
    closeSync(writeDescriptor);
    sandbox.stderr.on('data', complaints.write);
    sandbox.stdio[LIFE_DESCRIPTOR].resume();
    // Waits for the descriptor that lives as long as anything inside.
    const [ended] = await Promise.all([sandbox, drained]);
    complaints.end();

    signal.throwIfAborted();
    if (!output.started() && !copyFailed && !ended.timedOut) {
      throw new OutsideFailure(
        'bubblewrap could not set up the sandbox. It needs the packages bubblewrap and util-linux, and user namespaces.',
        {
          cause: ended,
        },
      );
    }
    const exitCode = ended.exitCode ?? null;
    const durationMs = performance.now() - startedAt;
    return resultOf({ output, exitCode, timedOut: ended.timedOut, outOfMemory: false, durationMs }, limits);
  };

  return {
    kind: 'bubblewrap',
    resolveImage: async () => ({ kind: 'bubblewrap', reference: 'host', id: 'host' }),
    run,
    reap: async () => {},
  };
};
