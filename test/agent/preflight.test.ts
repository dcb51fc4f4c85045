import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CODEX_COMMAND } from '../support/codex.ts';
import { MODEL_KEY, openWorkbench, templateAgent } from './workbench.ts';

const codex = {
  name: 'codex',
  kind: 'codex',
  model: '',
  allowedHosts: [],
  loginPaths: [],
  apiKeyVars: ['MODEL_KEY'],
  authMode: 'api',
} as const;

describe('Asking an agent before it is needed', () => {
  it('gives the version the real CLI answers from inside', async () => {
    await using bench = await openWorkbench();
    expect(await bench.agents({ ...codex, command: CODEX_COMMAND }).probeAgent('codex')).toEqual([
      { name: 'isolation', verdict: 'pass', sentence: expect.stringContaining('bubblewrap') },
      { name: 'program', verdict: 'pass', sentence: expect.stringMatching(/^Agent codex: codex-cli \d+\.\d+\.\d+\.$/) },
      { name: 'login', verdict: 'pass', sentence: 'Agent codex signs in with MODEL_KEY.' },
    ]);
    expect(await readdir(join(bench.dataFolder, 'run'))).toEqual(['agent']);
  });

  it('says what is missing', async () => {
    await using bench = await openWorkbench();
    const agents = bench.agents({ ...codex, command: 'codex-that-is-absent' }, { environment: { PATH: '/usr/bin' } });
    expect(await agents.probeAgent('codex')).toMatchObject([
      { name: 'isolation', verdict: 'pass' },
      { name: 'program', verdict: 'fail', sentence: expect.stringContaining('install it') },
      { name: 'login', verdict: 'fail', sentence: expect.stringContaining('has no MODEL_KEY') },
    ]);
    expect(await bench.run(agents)).toMatchObject({
      outcome: 'failed',
      sentence: expect.stringContaining('is not on this machine'),
    });
  });

  it('asks the login with the command of the operator, where the agent will be', async () => {
    await using bench = await openWorkbench();
    const login = join(bench.root, 'home', '.tool');
    await mkdir(login, { recursive: true });
    const verdict = async (sessionCheckCommand: string, loginPaths = [login]) => {
      const checks = await bench.agents(templateAgent('sh', { sessionCheckCommand, loginPaths })).probeAgent('scripted');
      return checks.at(-1)?.verdict;
    };
    await writeFile(join(login, 'token'), MODEL_KEY);
    expect(await verdict('test -s ~/.tool/token && test ! -e /root')).toBe('pass');
    expect(await verdict('exit 1')).toBe('fail');
    expect(await verdict('true', [join(bench.root, 'absent')])).toBe('fail');
    expect(await verdict('true', [])).toBe('warn');
  });

  it('warns of agents without isolation', async () => {
    await using bench = await openWorkbench();
    const checks = await bench.agents(templateAgent('sh'), { isolation: 'none' }).probeAgent('scripted');
    expect(checks[0]).toMatchObject({
      name: 'isolation',
      verdict: 'warn',
      sentence: expect.stringContaining('AGENT_ISOLATION=bubblewrap'),
    });
  });

  it('says so when bubblewrap does not work', async () => {
    await using bench = await openWorkbench();
    const agents = bench.agents(templateAgent('sh', { mounts: [{ from: join(bench.root, 'absent'), to: '/opt/absent' }] }));
    expect(await agents.probeAgent('scripted')).toEqual([
      { name: 'isolation', verdict: 'fail', sentence: expect.stringContaining('bubblewrap does not work here') },
    ]);
    await expect(bench.run(agents)).rejects.toMatchObject({
      name: 'OutsideFailure',
      message: expect.not.stringContaining(bench.root),
    });
  });

  it('finds a program that stands outside the system folders, and shows nothing beside it', async () => {
    await using bench = await openWorkbench();
    const bin = join(bench.root, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'my-agent'), '#!/usr/bin/env node\nconsole.log("mine", process.argv[1]);\n');
    await chmod(join(bin, 'my-agent'), 0o755);
    await writeFile(join(bin, 'other'), 'secret');
    const result = await bench.run(bench.agents(templateAgent('my-agent'), { environment: { PATH: `${bin}:/usr/bin:/bin` } }));
    expect(result.log.toString()).toBe('mine /opt/countersign/bin/my-agent\n');
  });
});
