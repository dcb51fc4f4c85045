import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import type { SandboxRequest } from '../../commands/ports/sandbox.ts';
import type { Limits } from '../../domain/limits.ts';
import { HOSTS, OPEN_FILES_MAX, SANDBOX_UID, SHM_BYTES, TEST_SCRIPT, TMP_BYTES, testArguments } from './test-run.ts';

/** Where the programs of this machine are; relative entries have no place in it. */
export const HOST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Where the Node of this project is inside. */
const NODE_FOLDER = '/opt/countersign/bin';

/** Descriptors the command expects, besides the usual three: `life` stays open as long as anything lives inside, `info` tells its process id. */
const DESCRIPTORS = { life: 3, info: 4, passwd: 5, group: 6, hosts: 7 };
export const DESCRIPTOR_LAST = 7;

/** What is read from the descriptors of those names: enough of `/etc` for names to resolve, and nothing of this machine's. */
export const ETC = {
  passwd: Buffer.from(`nobody:x:${SANDBOX_UID}:${SANDBOX_UID}:nobody:/tmp:/bin/sh\n`),
  group: Buffer.from(`nogroup:x:${SANDBOX_UID}:\n`),
  hosts: Buffer.from(HOSTS),
};

/** `/bin`, `/lib` and so on as they are here: links into `/usr` on most systems, folders on some. */
const systemFolders = (): readonly string[] =>
  ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
    .filter(existsSync)
    .flatMap((path) => (lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]));

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const walls = (limits: Limits): readonly string[] =>
  words(`
    --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup --disable-userns
    --uid ${SANDBOX_UID} --gid ${SANDBOX_UID} --cap-drop ALL --hostname sandbox --new-session
    --die-with-parent --sync-fd ${DESCRIPTORS.life} --info-fd ${DESCRIPTORS.info}
    --clearenv --setenv HOME /tmp --setenv PATH ${NODE_FOLDER}:${HOST_PATH}
    --ro-bind /usr /usr --ro-bind-try /etc/alternatives /etc/alternatives --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache
    --ro-bind-data ${DESCRIPTORS.passwd} /etc/passwd --ro-bind-data ${DESCRIPTORS.group} /etc/group
    --ro-bind-data ${DESCRIPTORS.hosts} /etc/hosts --proc /proc
    --dev /dev --size ${SHM_BYTES} --tmpfs /dev/shm --remount-ro /dev
    --size ${TMP_BYTES} --tmpfs /tmp --size ${limits.sandboxScratchBytes} --tmpfs /work`);

const bubblewrap = (tree: string, node: string, limits: Limits): readonly string[] => [
  ...['bwrap', ...walls(limits), ...systemFolders(), '--ro-bind', tree, '/repo', '--ro-bind', node, `${NODE_FOLDER}/node`],
  ...['--remount-ro', '/', '--chdir', '/', '--'],
];

/** Set inside, where the kernel counts the processes of this sandbox alone. It takes the sandbox first when the machine has no memory left. */
const limited = (limits: Limits): readonly string[] =>
  words(`prlimit --core=0 --nofile=${OPEN_FILES_MAX} --nproc=${limits.sandboxProcesses} -- choom -n 1000 --`);

/**
 * A service that runs as root gives root up first: inside, its files would be root's, and the kernel does not count root's processes.
 * The tree and Node may stand below folders closed to others, so both are shown on /sys, where nothing of ours can be, in a mount
 * namespace of this process alone.
 */
const AS_NOBODY = `mount -t tmpfs -o size=64k,mode=755 none /sys && mkdir /sys/repo && : >/sys/node &&
mount --bind "$1" /sys/repo && mount --bind "$2" /sys/node && shift 2 || exit 1
exec setpriv --reuid ${SANDBOX_UID} --regid ${SANDBOX_UID} --clear-groups "$@"`;

/** The whole command line, program first. */
export const bubblewrapCommand = (request: SandboxRequest, asRoot: boolean): readonly string[] => {
  const { treeFolder, limits } = request;
  const node = process.execPath;
  const test = [...limited(limits), '/bin/sh', '-c', TEST_SCRIPT, 'sh', ...testArguments(request)];
  if (!asRoot) return [...bubblewrap(treeFolder, node, limits), ...test];

  const asNobody = [...words('unshare --mount --propagation private -- /bin/sh -c'), AS_NOBODY, 'sh', treeFolder, node];
  return [...asNobody, ...bubblewrap('/sys/repo', '/sys/node', limits), ...test];
};
