import { existsSync } from 'node:fs';
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBubblewrapSandbox } from '../../src/infra/sandbox/bubblewrap.ts';
import { describeSandbox } from './contract.ts';
import { makeTree, type Workbench, workbench } from './workbench.ts';

const sandbox = createBubblewrapSandbox();
let bench: Workbench;

const open = async (): Promise<Workbench> => workbench(sandbox, await sandbox.resolveImage('node:24'));

beforeAll(async () => {
  bench = await open();
});

describeSandbox('bubblewrap', open);

describe('In bubblewrap, a test', () => {
  it('sees the programs of this machine and nothing else of it', async () => {
    expect(await bench.output('ls -A / /etc')).toMatch(
      /^\/:\n(bin|dev|etc|lib\w*|opt|proc|repo|sbin|tmp|usr|work|\n)+\n\/etc:\n(alternatives|group|hosts|ld\.so\.cache|passwd|\n)+$/,
    );
    expect(await bench.output('cat /etc/passwd; cat /etc/hosts')).toBe(
      'nobody:x:65534:65534:nobody:/tmp:/bin/sh\n127.0.0.1 localhost\n::1 localhost\n',
    );
  });

  it('runs under the Node of this project', async () => {
    expect(await bench.output('node -p process.version')).toBe(`${process.version}\n`);
  });

  it('does not write settings of the kernel, and makes no namespace', async () => {
    for (const attempt of [
      'echo x > /proc/sys/kernel/core_pattern',
      'echo 1 > /proc/sys/vm/drop_caches',
      'unshare --user true',
      'unshare --mount true',
    ]) {
      expect(await bench.run(attempt), attempt).toMatchObject({ outcome: 'tests_failed' });
    }
  });

  it('has nothing open that the service was started with', async () => {
    const script = `exec 9</etc/hostname; exec "${process.execPath}" "${import.meta.dirname}/leaky-start.ts"`;
    const { stdout } = await execa('bash', ['-c', `exec 77</etc/hostname; ${script}`]);
    expect(stdout).toContain('/dev/null');
    expect(stdout).not.toContain('hostname');
    expect(
      stdout.split('\n').filter((target) => target !== '/dev/null' && !/^(pipe:|\/proc\/|\/tmp\/countersign-pipe-)/.test(target)),
    ).toEqual([]);
  });

  it('leaves no name of a pipe behind, once it is old, when the service was killed', async () => {
    const make = (): Promise<string> => mkdtemp(join(tmpdir(), 'countersign-pipe-'));
    const [old, fresh] = [await make(), await make()];
    onTestFinished(() => rm(fresh, { recursive: true }));
    await utimes(old, 1, 1);
    await sandbox.reap('nobody');
    expect([existsSync(old), existsSync(fresh)]).toEqual([false, true]);
  });

  it('ends whenever it is cancelled, also while its namespace is being made', { timeout: 60_000 }, async () => {
    const treeFolder = await makeTree({});
    for (let round = 0; round < 60; round++) {
      const signal = AbortSignal.timeout(round);
      const settled = bench.run('sleep 60', { treeFolder, signal }).catch((error: unknown) => error === signal.reason);
      expect([round, await Promise.race([settled, pause(5_000, 'hangs')])]).toEqual([round, true]);
    }
  });

  it('has the machine itself as its image', async () => {
    expect(bench.image).toEqual({ kind: 'bubblewrap', reference: 'host', id: 'host' });
  });
});
