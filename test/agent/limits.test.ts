import { execFileSync } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BOT_TOKEN, openWorkbench } from './workbench.ts';

const runningWith = async (argument: string): Promise<readonly string[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')));
  return lines.filter((line) => line.split('\0').includes(argument));
};

describe('An agent at its limits', () => {
  it('is ended at its time limit, with what ignores SIGTERM', async () => {
    await using bench = await openWorkbench();
    const seconds = `8${process.pid}`;
    const result = await bench.sh(`echo begun; (trap '' TERM; setsid sleep ${seconds}) & trap '' TERM; sleep ${seconds}`, {
      limits: { agentTimeoutMs: 700 },
    });
    expect(result).toMatchObject({
      outcome: 'timed_out',
      exitCode: null,
      sentence: expect.stringContaining('still at work after 1 s'),
    });
    expect(result.log.toString()).toMatch(/^begun\n/);
    expect(result.durationMs).toBeLessThan(10_000);
    expect(await runningWith(seconds)).toEqual([]);
  });

  it('may put its things away on SIGTERM', async () => {
    await using bench = await openWorkbench();
    const result = await bench.sh("trap 'echo tidy > /out/tidy; exit 0' TERM; sleep 100 & wait", {
      limits: { agentTimeoutMs: 700 },
    });
    expect(result.outcome).toBe('timed_out');
    expect(await readFile(join(bench.outFolder, 'tidy'), 'utf8')).toBe('tidy\n');
  });

  it('is stopped with everything it started when its task is cancelled', async () => {
    await using bench = await openWorkbench();
    const seconds = `7${process.pid}`;
    const cancelled = new Error('cancelled');
    const controller = new AbortController();
    const running = bench.sh(`setsid -f sleep ${seconds}; echo up; sleep ${seconds}`, {
      signal: controller.signal,
      onProgress: () => controller.abort(cancelled),
    });
    await expect(running).rejects.toBe(cancelled);
    expect(await runningWith(seconds)).toEqual([]);
    expect(await readdir(join(bench.dataFolder, 'run', 'agent'))).toEqual([]);
  });

  it('is ended before it has used up the disk', async () => {
    await using bench = await openWorkbench();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=0777', 'tmpfs', bench.workFolder]);
    try {
      const result = await bench.sh('for part in 1 2 3 4 5 6; do head -c 10m /dev/zero > $part; sleep 0.3; done; sleep 100');
      expect(result).toMatchObject({ outcome: 'failed', sentence: expect.stringContaining('used up the disk') });
    } finally {
      execFileSync('umount', [bench.workFolder]);
    }
  });

  it('does not start when its task is cancelled already', async () => {
    await using bench = await openWorkbench();
    const cancelled = new Error('cancelled');
    await expect(bench.sh('touch /out/ran', { signal: AbortSignal.abort(cancelled) })).rejects.toBe(cancelled);
    await expect(stat(join(bench.outFolder, 'ran'))).rejects.toThrow('ENOENT');
  });

  it('may print what it likes: the log is cut, says so, and memory stays flat', async () => {
    await using bench = await openWorkbench();
    const before = process.memoryUsage().rss;
    const result = await bench.sh('head -c 150000000 /dev/zero; yes "loud and louder" | head -c 150000000; echo end', {
      limits: { agentOutputBytes: 100_000 },
    });
    expect(result.outcome).toBe('finished');
    expect(result.log.length).toBeLessThanOrEqual(100_000);
    expect(result.log.toString().slice(-300)).toMatch(/went on beyond the limit of 100000 bytes; \d+ bytes were left out/);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 ** 2);
  });

  it('cannot flood the machine with processes', async () => {
    await using bench = await openWorkbench();
    const result = await bench.sh(
      `i=0; while [ $i -lt 3000 ]; do sleep 30 & i=$((i+1)); done 2>/dev/null; echo never; sleep 30`,
      { limits: { agentTimeoutMs: 8_000 } },
    );
    expect(result.outcome === 'failed' || result.outcome === 'timed_out').toBe(true);
    expect(result.log.toString()).not.toContain('never');
  });

  it('cannot write one endless file', async () => {
    await using bench = await openWorkbench();
    const result = await bench.sh('truncate -s 5G /work/big || echo refused; head -c 2G /dev/zero > /tmp/big || echo full');
    expect(result.log.toString()).toContain('refused');
    expect(result.log.toString()).toContain('full');
  });

  it('tells what it is doing, at most twice a second, in short plain lines without secrets', async () => {
    await using bench = await openWorkbench();
    const lines: { readonly line: string; readonly at: number }[] = [];
    await bench.sh(
      `i=0; while [ $i -lt 300 ]; do echo "step $i"; i=$((i+1)); done; sleep 0.8; printf '\\033[31mred\\033[0m \\342\\200\\256${BOT_TOKEN} %0300d\\n' 7; sleep 0.7`,
      { onProgress: (line) => lines.push({ line, at: performance.now() }) },
    );
    expect(lines.map(({ line }) => line).slice(0, 2)).toEqual([expect.stringMatching(/^step \d+$/), 'step 299']);
    expect(lines[2]?.line).toMatch(/^red \[redacted\] 0+…$/);
    expect(lines[2]?.line).toHaveLength(200);
    const gaps = lines.slice(1).map(({ at }, index) => at - (lines[index]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(450);
  });

  it('cannot print a secret in pieces', async () => {
    await using bench = await openWorkbench();
    const [one, two] = [BOT_TOKEN.slice(0, 17), BOT_TOKEN.slice(17)];
    const result = await bench.sh(
      `printf 'token ${one}'; sleep 0.4; printf '${two} end\\n'; printf '${one}' >&2; sleep 0.3; printf '${two}' >&2`,
    );
    expect(result.log.toString().split('\n').sort()).toEqual(['', '[redacted]', 'token [redacted] end']);
  });
});
