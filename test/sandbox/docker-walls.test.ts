import { beforeAll, describe, expect, it } from 'vitest';
import { createDockerSandbox } from '../../src/infra/sandbox/docker.ts';
import { SANDBOX_UID, TMP_BYTES } from '../../src/infra/sandbox/test-run.ts';
import { ensureDocker } from '../support/docker-daemon.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import { lookAround } from './contract.ts';
import { LIMITS } from './limits.ts';
import { type Workbench, workbench } from './workbench.ts';

const MiB = 1024 * 1024;
let bench: Workbench;

beforeAll(async () => {
  const sandbox = createDockerSandbox();
  bench = workbench(sandbox, await sandbox.resolveImage(await ensureTestImage()));
});

describe('From inside a container, a test sees', () => {
  it('the filter of system calls, no new privileges, no capabilities, nobody', async () => {
    expect(await lookAround(bench)).toMatchObject({ seccomp: '2', noNewPrivileges: '1', uid: 65534, gid: 65534 });
  });

  it('the mounts as they were asked for', async () => {
    const mounts = new Map(
      (await bench.output('cat /proc/mounts')).split('\n').map((line) => [line.split(' ')[1], line.split(' ')[3]]),
    );
    const options = (path: string) => mounts.get(path)?.split(',') ?? [];
    expect(options('/')).toContain('ro');
    expect(options('/repo')).toContain('ro');
    expect(options('/work')).toEqual(
      expect.arrayContaining([
        'rw',
        'nosuid',
        'nodev',
        `size=${LIMITS.sandboxScratchBytes / 1024}k`,
        `nr_inodes=${LIMITS.sandboxScratchInodes}`,
      ]),
    );
    expect(options('/work')).not.toContain('noexec');
    expect(options('/tmp')).toEqual(expect.arrayContaining(['rw', 'nosuid', 'nodev', 'noexec', 'size=65536k']));
    expect(options('/dev/shm')).toEqual(expect.arrayContaining(['nosuid', 'nodev', 'noexec', 'size=16384k']));
    expect(options('/proc/sys')).toContain('ro');
  });

  it('no network of the engine, and no name server of the machine', async () => {
    const docker = await ensureDocker();
    const key = `unattached-${process.pid}`;
    let looked: Promise<unknown> = Promise.resolve();
    const onProgress = () => {
      looked = docker.getContainer(`countersign-${key}`).inspect();
    };
    expect(await bench.output('wc -c < /etc/resolv.conf; sleep 0.3', { key, onProgress })).toBe('0\n');
    expect(await looked).toMatchObject({
      HostConfig: {
        NetworkMode: 'none',
        Init: true,
        LogConfig: { Type: 'none' },
        Tmpfs: {
          '/tmp': `rw,nosuid,nodev,noexec,size=${TMP_BYTES},nr_inodes=65536,mode=1777,uid=${SANDBOX_UID},gid=${SANDBOX_UID}`,
        },
      },
      NetworkSettings: { Networks: {}, SandboxKey: '' },
    });
    expect(await looked).not.toHaveProperty('NetworkSettings.Networks.none');
  });

  it('masked paths of /proc and no memory of the kernel', async () => {
    const masked =
      'cat /proc/kcore 2>/dev/null | head -c 1 | wc -c; cat /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls -A /sys/firmware /proc/acpi | grep -v : | wc -w';
    expect((await bench.output(masked)).trim().split('\n').map(Number)).toEqual([0, 0, 0]);
    expect(await bench.run('echo 1 > /proc/sys/kernel/panic || echo b > /proc/sysrq-trigger')).not.toMatchObject({
      outcome: 'passed',
    });
  });

  it('no way to mount, to become root, or to make a namespace', async () => {
    const tries =
      'mount -t tmpfs none /tmp; mount -o remount,rw /; mount -o remount,rw /repo; touch /x /repo/x /etc/x; test -e /x -o -e /repo/x -o -e /etc/x';
    expect(await bench.run(tries)).toMatchObject({ outcome: 'tests_failed', exitCode: 1 });
  });

  it('only so many files in its scratch space', async () => {
    const files = LIMITS.sandboxScratchInodes + 100;
    const result = await bench.run('node many.cjs', {
      files: { 'many.cjs': `for (let i = 0; i < ${files}; i++) require('fs').writeFileSync('f' + i, '');` },
    });
    expect(result.outcome).toBe('tests_failed');
    expect(result.log.toString()).toContain('ENOSPC');
  });

  it('programs in /tmp that do not run', async () => {
    expect(await bench.run('cp /bin/true /tmp/true && /tmp/true')).toMatchObject({ outcome: 'tests_failed', exitCode: 126 });
  });

  it('its limits in its control group', async () => {
    const names =
      (await bench.output('test -d /sys/fs/cgroup/memory && echo v1 || echo v2')) === 'v1\n'
        ? 'memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes pids/pids.max cpu/cpu.cfs_quota_us'
        : 'memory.max memory.swap.max pids.max cpu.max';
    const [memory, swap, processes, processors] = (await bench.output(`cd /sys/fs/cgroup; cat ${names}`)).split('\n');
    expect(Number(memory)).toBe(LIMITS.sandboxMemoryBytes);
    expect([0, LIMITS.sandboxMemoryBytes]).toContain(Number(swap));
    expect(Number(processes)).toBe(LIMITS.sandboxProcesses);
    expect(Number(processors?.split(' ')[0])).toBe(LIMITS.sandboxProcessors * 100_000);
    expect(await bench.output('ulimit -n; ulimit -Hn')).toBe('16384\n16384\n');
  });
});

describe('Out of memory in a container', () => {
  const bomb = 'const held = []; for (;;) held.push(Buffer.alloc(16 * 1024 * 1024, 1));';

  it('is told from other kills', async () => {
    expect(await bench.run('exec node bomb.cjs', { files: { 'bomb.cjs': bomb } })).toMatchObject({
      outcome: 'out_of_memory',
      exitCode: 137,
    });
    expect(await bench.run('kill -9 $$')).toMatchObject({ outcome: 'tests_failed', exitCode: 137 });
  });

  it('of a child counts, also when the command then ends with 0', async () => {
    expect(await bench.run('node bomb.cjs; exit 0', { files: { 'bomb.cjs': bomb } })).toMatchObject({
      outcome: 'out_of_memory',
      exitCode: 0,
    });
  });

  it('includes what is kept in scratch space', async () => {
    const limits = { sandboxMemoryBytes: 64 * MiB, sandboxScratchBytes: 512 * MiB };
    expect((await bench.run('dd if=/dev/zero of=big bs=1M count=200', { limits })).outcome).toBe('out_of_memory');
  });
});
