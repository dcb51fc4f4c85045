import type { ContainerCreateOptions } from 'dockerode';
import type { SandboxRequest } from '../../commands/ports/sandbox.ts';
import { OPEN_FILES_MAX, SANDBOX_UID, SHM_BYTES, TEST_SCRIPT, TMP_BYTES } from './test-run.ts';

export const OWNER_LABEL = 'countersign.owner';
export const KEY_LABEL = 'countersign.key';

/** A second execution of the same key finds the first one's container by this name. */
export const containerName = (key: string): string => `countersign-${key}`;

/** Docker mounts tmpfs `noexec` unless told, and gives it the mode of a folder of that name in the image: the owner makes it writable. */
const tmpfs = (exec: 'exec' | 'noexec', bytes: number, inodes: number): string =>
  `rw,nosuid,nodev,${exec},size=${bytes},nr_inodes=${inodes},mode=1777,uid=${SANDBOX_UID},gid=${SANDBOX_UID}`;

const TMP_INODES = 65_536;

/**
 * Every line is a wall, checked from inside by test/sandbox/docker-walls.test.ts. Seccomp, masked and read-only paths of /proc are
 * left to the engine, whose own lists grow with it. `volumes` are what the image declares: each would be a writable folder on the
 * host's disk without limit, so a small tmpfs stands there.
 */
export const containerOptions = (
  { key, owner, image, treeFolder, command, limits }: SandboxRequest,
  volumes: readonly string[],
  runtime: string | undefined,
): ContainerCreateOptions & { readonly HostConfig: { readonly CgroupnsMode: 'private' } } => ({
  name: containerName(key),
  Labels: { [OWNER_LABEL]: owner, [KEY_LABEL]: key },
  Image: image.id,
  Hostname: 'sandbox',
  User: `${SANDBOX_UID}:${SANDBOX_UID}`,
  WorkingDir: '/',
  Env: ['HOME=/tmp'],
  Entrypoint: ['/bin/sh', '-c', TEST_SCRIPT, 'sh'],
  Cmd: [command],
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
      '/work': tmpfs('exec', limits.sandboxScratchBytes, limits.sandboxScratchInodes),
    },
    Mounts: [
      {
        Type: 'bind',
        Source: treeFolder,
        Target: '/repo',
        ReadOnly: true,
        BindOptions: { Propagation: 'rprivate' },
      },
    ],
  },
});
