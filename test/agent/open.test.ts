import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openWorkbench, templateAgent } from './workbench.ts';

const open = { isolation: 'none' } as const;

describe('An agent without isolation', () => {
  it('keeps the contract, in the folders as they are', async () => {
    await using bench = await openWorkbench();
    const intent = '$(touch harm)';
    const result = await bench.run(
      bench.agents(
        templateAgent(
          `pwd; git log --format=%s; echo {{intent}} > "$OKD_OUTDIR/intent"; echo "$HOME"; env | grep -c TOKEN; exit 4`,
        ),
        open,
      ),
      { intent },
    );
    expect(result).toMatchObject({ outcome: 'failed', exitCode: 4 });
    expect(result.log.toString().split('\n').slice(0, 4)).toEqual([
      bench.workFolder,
      'Starting tree',
      expect.stringMatching(/\/data\/run\/agent\/[0-9a-f-]+\/home$/),
      '0',
    ]);
    expect(await readFile(join(bench.outFolder, 'intent'), 'utf8')).toBe(`${intent}\n`);
    expect(bench.agents(templateAgent('true'), open).list()).toMatchObject([
      { name: 'scripted', model: 'none', isolation: 'none' },
    ]);
  });

  it('leaves no daemon behind, at its end, at its time limit and when it is cancelled', async () => {
    await using bench = await openWorkbench();
    const seconds = `4${process.pid}`;
    const daemon = `setsid -f sleep ${seconds}`;
    const running = async () => {
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
      const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')));
      return lines.filter((line) => line.split('\0').includes(seconds)).length;
    };

    expect((await bench.sh(daemon, {}, open)).outcome).toBe('finished');
    expect(await running()).toBe(0);
    const timedOut = await bench.sh(`${daemon}; trap '' TERM; sleep ${seconds}`, { limits: { agentTimeoutMs: 500 } }, open);
    expect(timedOut.outcome).toBe('timed_out');
    expect(await running()).toBe(0);
    const controller = new AbortController();
    const cancelled = bench.sh(
      `${daemon}; echo up; sleep ${seconds}`,
      { signal: controller.signal, onProgress: () => controller.abort('stop') },
      open,
    );
    await expect(cancelled).rejects.toBe('stop');
    expect(await running()).toBe(0);
  });
});
