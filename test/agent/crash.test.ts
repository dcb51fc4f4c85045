import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { openWorkbench, templateAgent } from './workbench.ts';

const runningWith = async (argument: string): Promise<number> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')));
  return lines.filter((line) => line.split('\0').includes(argument)).length;
};

const untilRunning = async (argument: string, count: number): Promise<void> => {
  for (let i = 0; i < 400 && (await runningWith(argument)) !== count; i++) await sleep(25);
  expect(await runningWith(argument)).toBe(count);
};

/** A service of its own that runs one agent, to be killed. */
const service = (options: {
  readonly data: string;
  readonly work: string;
  readonly out: string;
  readonly command: string;
  readonly isolation: string;
}) =>
  execa(process.execPath, [join(import.meta.dirname, 'interrupted-run.ts')], {
    env: { PATH: process.env.PATH, OPTIONS: JSON.stringify(options) },
    extendEnv: false,
    reject: false,
    stdout: 'ignore',
    stderr: 'inherit',
  });

describe.each(['bubblewrap', 'none'] as const)('A service killed while an agent runs (isolation %s)', (isolation) => {
  it('takes the agent and its daemons with it, and the next start clears the rest away', async () => {
    await using bench = await openWorkbench();
    const seconds = `${isolation === 'none' ? 5 : 6}${process.pid}`;
    const command = `setsid -f sleep ${seconds}; trap '' TERM; sleep ${seconds}; sleep ${seconds}`;
    const killed = service({ data: bench.dataFolder, work: bench.workFolder, out: bench.outFolder, command, isolation });
    await untilRunning(seconds, 2);
    killed.kill('SIGKILL');
    await once(killed.nodeChildProcess, 'exit');

    if (isolation === 'bubblewrap') await untilRunning(seconds, 0); // Without anybody's doing.
    expect(await readdir(join(bench.dataFolder, 'run', 'agent'))).toHaveLength(1);
    await mkdir(join(bench.dataFolder, 'run', 'agent', 'older'), { recursive: true });
    await writeFile(join(bench.dataFolder, 'run', 'agent', 'older', 'egress'), '');
    const next = bench.agents(templateAgent('true'), { isolation });
    await next.reap();
    expect(await runningWith(seconds)).toBe(0);
    expect(await readdir(join(bench.dataFolder, 'run', 'agent'))).toEqual([]);
    await next.reap();
  });
});

describe('Reaping', () => {
  it('leaves a run of this process and the runs of another data folder alone', async () => {
    await using bench = await openWorkbench();
    await using other = await openWorkbench();
    const agents = bench.agents(templateAgent('sleep 1; echo done'));
    const running = bench.run(agents);
    const elsewhere = other.sh('sleep 1; echo done');
    await sleep(500);
    await agents.reap();
    expect((await running).log.toString()).toBe('done\n');
    expect((await elsewhere).log.toString()).toBe('done\n');
  });
});
