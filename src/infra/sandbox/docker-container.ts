import type { ContainerCreateOptions, HostConfig, MountSettings } from 'dockerode';
import type { Dependency, SandboxRequest } from '../../commands/ports/sandbox.ts';
import { OPEN_FILES_MAX, SANDBOX_UID, SHM_BYTES, TEST_SCRIPT, TMP_BYTES, testArguments } from './test-run.ts';

export const OWNER_LABEL = 'countersign.owner';
export const KEY_LABEL = 'countersign.key';

/** A second execution of the same key finds the first one's container by this name. */
const containerName = (key: string): string => `countersign-${key}`;

/** Docker mounts tmpfs `noexec` unless told, and gives it the mode of a folder of that name in the image: the owner makes it writable. */
export const tmpfs = (exec: 'exec' | 'noexec', bytes: number, inodes: number): string =>
  `rw,nosuid,nodev,${exec},size=${bytes},nr_inodes=${inodes},mode=1777,uid=${SANDBOX_UID},gid=${SANDBOX_UID}`;

const TMP_INODES = 65_536;

/**
 * What tools keep among the packages while they run: without such a folder some do not start. A test that is given packages gets
 * these empty, writable and for itself.
 */
export const SCRATCH_IN_PACKAGES = ['.cache', '.vite', '.vite-temp'];

const holdsScratch = ({ path }: Pick<Dependency, 'path'>): boolean => /(?:^|\/)node_modules$/.test(path);

const foldersAbove = (path: string): readonly string[] =>
  path.split('/').flatMap((_, at, parts) => (at === 0 ? [] : [parts.slice(0, at).join('/')]));

export const bind = (folder: string, target: string, readOnly = true): MountSettings => ({
  Type: 'bind',
  Source: folder,
  Target: target,
  ReadOnly: readOnly,
  BindOptions: { Propagation: 'rprivate' },
});

/**
 * The engine makes missing places for mounts as root, where the copy of the tree could not be written: each folder above packages is
 * a tmpfs of its own. Memory bounds them together.
 */
const packagePlaces = (dependencies: readonly Dependency[], work: string): Record<string, string> =>
  Object.fromEntries([
    ...dependencies.flatMap(({ path }) => foldersAbove(path)).map((folder) => [`/work/${folder}`, work]),
    ...dependencies
      .filter(holdsScratch)
      .flatMap(({ path }) =>
        SCRATCH_IN_PACKAGES.map((name) => [`/work/${path}/${name}`, tmpfs('noexec', TMP_BYTES, TMP_INODES)]),
      ),
  ]);

export interface ContainerSettings extends ContainerCreateOptions {
  readonly HostConfig: HostConfig & { readonly CgroupnsMode: 'private' };
}

/**
 * Every line is a wall, checked from inside by test/sandbox/docker-walls.test.ts. Seccomp, masked and read-only paths of /proc are
 * left to the engine, whose own lists grow with it. `volumes` are what the image declares: each would be a writable folder on the
 * host's disk without limit, so a small tmpfs stands there.
 */
export const containerOptions = (
  request: SandboxRequest,
  volumes: readonly string[],
  runtime: string | undefined,
): ContainerSettings => {
  const { key, owner, image, treeFolder, dependencies = [], limits } = request;
  const work = tmpfs('exec', limits.sandboxScratchBytes, limits.sandboxScratchInodes);
  return {
    name: containerName(key),
    Labels: { [OWNER_LABEL]: owner, [KEY_LABEL]: key },
    Image: image.id,
    Hostname: 'sandbox',
    User: `${SANDBOX_UID}:${SANDBOX_UID}`,
    WorkingDir: '/',
    Env: ['HOME=/tmp'],
    Entrypoint: ['/bin/sh', '-c', TEST_SCRIPT, 'sh'],
    Cmd: [...testArguments(request)],
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...(runtime === undefined ? {} : { Runtime: runtime }),
      Init: true,
      NetworkMode: 'none',
      IpcMode: 'private',
      CgroupnsMode: 'private',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: limits.sandboxProcesses,
      Memory: limits.sandboxMemoryBytes,
      MemorySwap: limits.sandboxMemoryBytes,
      NanoCpus: Math.round(limits.sandboxProcessors * 1e9),
      ShmSize: SHM_BYTES,
      Ulimits: [
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'nofile', Soft: OPEN_FILES_MAX, Hard: OPEN_FILES_MAX },
      ],
      LogConfig: { Type: 'none', Config: {} },
      Tmpfs: {
        ...Object.fromEntries(volumes.map((path) => [path, tmpfs('noexec', TMP_BYTES, TMP_INODES)])),
        '/tmp': tmpfs('noexec', TMP_BYTES, TMP_INODES),
        '/work': work,
        ...packagePlaces(dependencies, work),
      },
      Mounts: [bind(treeFolder, '/repo'), ...dependencies.map(({ folder, path }) => bind(folder, `/work/${path}`))],
    },
  };
};

/**
 * A container to which the engine attaches no network, not even the empty one that `NetworkMode: 'none'` asks for and that takes it 100 ms to
 * make: in its namespace is the kernel's own loopback, up, and nothing else. An engine that passed over the one would obey the other. Since
 * the engine then writes no `/etc/hosts`, `hostsFile` stands there; of the machine's name servers nothing is shown.
 */
export const unattached = (options: ContainerSettings, hostsFile: string): ContainerSettings => ({
  ...options,
  NetworkDisabled: true,
  HostConfig: { ...options.HostConfig, Mounts: [...(options.HostConfig.Mounts ?? []), bind(hostsFile, '/etc/hosts')] },
});
