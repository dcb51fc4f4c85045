import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_HOME, OURS_INSIDE } from './places.ts';

export interface Bind {
  readonly from: string;
  readonly to: string;
}

const MiB = 1024 * 1024;
/** In-memory folders, in bytes: what stands in them counts against the machine's memory. */
const HOME_BYTES_MAX = 1024 * MiB;
const TEMPORARY_BYTES_MAX = 1024 * MiB;
const SHARED_MEMORY_BYTES_MAX = 64 * MiB;

const AGENT_UID = 1000;

/** Parts of the machine's system that programs are made of. */
export const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'] as const;

/** Of `/etc` only what programs need to run and to trust certificates: no accounts, keys or addresses of this machine. */
const ETC_NEEDED = [
  'alternatives',
  'ca-certificates.conf',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'pki/ca-trust/extracted',
  'pki/tls/certs',
  'ssl/cert.pem',
  'ssl/certs',
  'ssl/openssl.cnf',
];

/** Written for each run; bound over the empty `/etc`. */
export const ETC_FILES: Readonly<Record<string, string>> = {
  passwd: `agent:x:${AGENT_UID}:${AGENT_UID}::${AGENT_HOME}:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n`,
  group: `agent:x:${AGENT_UID}:\nnogroup:x:65534:\n`,
  hosts: '127.0.0.1 localhost\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

/** Links stay links (`/bin` on a merged system), folders are shown read-only. */
const systemArguments = async (): Promise<string[]> => {
  const each = SYSTEM_FOLDERS.map(async (folder) => {
    const found = await lstat(folder).catch(() => null);
    if (found === null) return [];
    return found.isSymbolicLink() ? ['--symlink', await readlink(folder), folder] : ['--ro-bind', folder, folder];
  });
  return (await Promise.all(each)).flat();
};

/**
 * The kernel lets the user that is root outside write settings of the whole machine under `/proc/sys` and the like without any capability, also from
 * inside: `core_pattern` names a program it starts as root. What is not about a process is read-only, what only root may read is empty.
 */
const procArguments = async (): Promise<string[]> => {
  const names = (await readdir('/proc')).filter((name) => !/^\d+$/.test(name)).map((name) => join('/proc', name));
  const each = names.map(async (path) => {
    const found = await lstat(path).catch(() => null);
    if (found === null || found.isSymbolicLink()) return [];
    if ((found.mode & 0o004) === 0) return ['--ro-bind-try', '/dev/null', path];
    return found.isDirectory() || (found.mode & 0o222) !== 0 ? ['--ro-bind-try', path, path] : [];
  });
  return ['--proc', '/proc', ...(await Promise.all(each)).flat()];
};

export const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

export interface BubblewrapOptions {
  readonly workFolder: string;
  readonly outFolder: string;
  /** Holds `ETC_FILES`. */
  readonly etcFolder: string;
  readonly readOnly: readonly Bind[];
  readonly links: readonly { readonly target: string; readonly at: string }[];
  /** Real paths of this machine that stay out of sight even where they stand below a system folder. */
  readonly hidden: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Descriptor that bubblewrap reports to. */
  readonly statusFd: number;
}

/**
 * The options of bubblewrap (0.8 or newer) for one program: namespaces of its own for everything, no capabilities, no further user
 * namespaces, and a file system of which only the work, out, home and temporary folders can be written. Pass them by `--args`, so that no
 * path or value stands in a command line, and start bubblewrap itself with a clean environment: both can be read inside at `/proc/1`.
 */
export const bubblewrapArguments = async (options: BubblewrapOptions): Promise<readonly string[]> => [
  ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net', '--unshare-cgroup-try'],
  ...['--disable-userns', '--uid', `${AGENT_UID}`, '--gid', `${AGENT_UID}`, '--cap-drop', 'ALL'],
  ...['--new-session', '--die-with-parent', '--hostname', 'countersign'],
  ...(await systemArguments()),
  ...options.hidden
    .filter((path) => SYSTEM_FOLDERS.some((folder) => isBelow(path, folder)))
    .flatMap((path) => ['--tmpfs', path, '--remount-ro', path]),
  ...ETC_NEEDED.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
  ...Object.keys(ETC_FILES).flatMap((name) => ['--ro-bind', `${options.etcFolder}/${name}`, `/etc/${name}`]),
  ...(await procArguments()),
  ...['--dev', '/dev', '--size', `${SHARED_MEMORY_BYTES_MAX}`, '--tmpfs', '/dev/shm', '--remount-ro', '/dev'],
  ...[
    '--perms',
    '1777',
    '--size',
    `${TEMPORARY_BYTES_MAX}`,
    '--tmpfs',
    '/tmp',
    '--symlink',
    '../tmp',
    '/var/tmp',
    '--dir',
    '/run',
  ],
  ...['--perms', '0700', '--size', `${HOME_BYTES_MAX}`, '--tmpfs', AGENT_HOME],
  ...['--bind', options.workFolder, '/work', '--bind', options.outFolder, '/out', '--chdir', '/work'],
  ...['--dir', OURS_INSIDE, ...options.readOnly.flatMap(({ from, to }) => ['--ro-bind', from, to])],
  ...options.links.flatMap(({ target, at }) => ['--symlink', target, at]),
  ...['--remount-ro', '/', '--clearenv'],
  ...Object.entries(options.environment).flatMap(([name, value]) => ['--setenv', name, value]),
  ...['--json-status-fd', `${options.statusFd}`],
];
