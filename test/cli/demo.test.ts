import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, onTerminal } from './workbench.ts';

const git = async (folder: string, ...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)('git', ['--git-dir', folder, ...args])).stdout.trim();

interface Outcome {
  readonly status: string;
  readonly pullRequest: {
    readonly number: number;
    readonly url: string;
    readonly draft: boolean;
    readonly branch: string;
    readonly head: string;
  };
  readonly trees: { readonly tested: string; readonly allowed: string; readonly delivered: string };
  readonly sandbox: string;
  readonly events: number;
  readonly auditLines: number;
  readonly auditValid: boolean;
  readonly ms: number;
}

describe('The demo', () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'countersign-demo-'));
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  it('opens a Draft pull request with the tested tree, and proves it in one line of JSON', async () => {
    const { code, stdout, stderr } = await countersign(['demo', '--yes', '--json'], { cwd });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const outcome = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Outcome;
    expect(outcome).toMatchObject({
      status: 'COMPLETED',
      pullRequest: { number: 1, draft: true, url: expect.stringMatching(/./) },
      sandbox: 'docker',
      auditValid: true,
    });
    expect(outcome.ms).toBeGreaterThan(0);
    expect(outcome.ms).toBeLessThan(60_000);
    const { tested, allowed, delivered } = outcome.trees;
    expect([allowed, delivered]).toEqual([tested, tested]);
    expect(outcome.auditLines).toBeGreaterThan(outcome.events);

    const folder = /stands in (\S+) until/.exec(stderr)?.[1] ?? '';
    const origin = join(cwd, folder, 'origin.git');
    expect(await git(origin, 'rev-parse', outcome.pullRequest.branch)).toBe(outcome.pullRequest.head);
    expect(await git(origin, 'rev-parse', `${outcome.pullRequest.branch}^{tree}`)).toBe(tested);
    const shown = await countersign(['audit', 'verify', '--json'], { cwd, env: { DATA_DIR: join(cwd, folder, 'data') } });
    expect(JSON.parse(shown.stdout)).toMatchObject({ valid: true, lines: outcome.auditLines });
  });

  it('tests in bubblewrap where no Docker engine answers, says what that means, and delivers all the same', async () => {
    const env = { DOCKER_HOST: `unix://${cwd}/no-engine.sock` };
    const { code, stdout, stderr } = await countersign(['demo', '--yes', '--json'], { cwd, env });
    expect(code, stderr).toBe(0);
    const outcome = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Outcome;
    expect(outcome).toMatchObject({ status: 'COMPLETED', sandbox: 'bubblewrap', pullRequest: { number: 1 }, auditValid: true });
    expect(outcome.trees.delivered).toBe(outcome.trees.tested);
    const page = stderr.replace(/\s+/g, ' ');
    expect(page).toContain('tests run in bubblewrap, because no Docker engine answers');
    expect(page).toContain('but weaker (no filter of system calls, memory only watched)');
    expect(page).toContain('image the programs of this machine, in bubblewrap without network: weaker than Docker');
  });

  it('is the same page for a script that allows it, and what it says to type next can be typed', async () => {
    const { code, stdout: page } = await countersign(['demo', '--yes'], { cwd });
    expect(code).toBe(0);
    for (const part of [
      'Allow exactly this? [y/n] y   (--yes)',
      /^ {2}[\d:]{8} {2}The request was allowed to run, by the person who asked for it\.$/m,
      /^ {2}[\d:]{8} {2}Draft pull request #1 was opened\.$/m,
      /^ {2}state {3}draft, open$/m,
      /^ {4}- {2}const sum = .*\n {4}\+ {2}const sum = /m,
      /^ {2}7 +TaskApproved +a person +[0-9a-f]{12}$/m,
      /^ {4}bin\/countersign setup /m,
    ])
      expect(page).toMatch(part);
    await symlink(join(import.meta.dirname, '..', '..', 'bin'), join(cwd, 'bin'));
    const [show = '', audit = ''] = Array.from(page.matchAll(/^ {4}((?:git|DATA_DIR=).*)$/gm), ([, command]) => command);
    const type = async (command: string) =>
      (await promisify(execFile)('sh', ['-c', command], { cwd, env: { PATH: process.env.PATH } })).stdout;
    expect(await type(show)).toContain('+  const sum = items.reduce(');
    expect(await type(audit)).toContain('TaskCompleted');
  });

  it('is a page a person reads: the card, their yes, the story, the pull request, the diff, the proof and what is next', async () => {
    const { code, stdout } = await onTerminal(['demo'], { cwd, input: 'y\n', env: { NO_COLOR: '1' } });
    expect(code).toBe(0);
    const headings = [...stdout.matchAll(/^ {2}(\d) {2}(\S.*?)(?: {2,}.*)?\r?$/gm)].map(
      ([, number, title]) => `${number} ${title}`,
    );
    expect(headings).toEqual([
      '1 What is here',
      '2 May this run?',
      '3 What happens',
      '4 The Draft pull request',
      '5 What can be proven',
      '6 What to type next',
    ]);
    expect(stdout).toContain('a script, not a model');
    expect(stdout).toContain('2 pass, 1 fails (every piece is paid for)');
    expect(stdout).toContain('+  const sum = items.reduce((cents, item) => cents + item.price * item.quantity, 0);');
    expect(stdout).toMatch(/The audit holds: \d+ lines/);
    for (const line of stdout.split(/\r?\n/)) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('runs nothing when a person says no, or nobody answers', async () => {
    expect(await countersign(['demo'], { cwd, input: 'n\n' })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing was allowed, so nothing ran.'),
    });
    expect(await countersign(['demo'], { cwd })).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes') });
  });
});

describe('What is missing', () => {
  it('is named with one line to run where it cannot be installed', async () => {
    const bin = await mkdtemp(join(tmpdir(), 'countersign-bin-'));
    // A machine with a shell, an ordinary user and no git.
    for (const tool of ['sh', 'cat']) await symlink(`/bin/${tool}`, join(bin, tool));
    await writeFile(join(bin, 'id'), '#!/bin/sh\necho 1000\n');
    await chmod(join(bin, 'id'), 0o755);
    const need = join(import.meta.dirname, '..', '..', 'bin', 'need');
    const ran = promisify(execFile)('/bin/sh', [need, 'git git keeps repositories', 'cat coreutils shows files'], {
      env: { PATH: bin },
    });
    await expect(ran).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^countersign: git is missing; it keeps repositories\n(?:.*\n)*.*apt-get install -y --no-install-recommends git\n$/,
      ),
    });
    await rm(bin, { recursive: true, force: true });
  });
});
