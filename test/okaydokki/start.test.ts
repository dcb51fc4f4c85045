import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeExampleRepository } from '../../src/infra/cli/demo/example-repository.ts';
import { addRepository } from '../../src/infra/git/snapshots.ts';
import { countersign } from '../cli/workbench.ts';
import { OLD_ENV, OLD_STORY, writeOldAudit } from './remains.ts';

const CHECKOUT = join(import.meta.dirname, '..', '..');

/** What a test may not leave to chance: a free port, and a home of its own. */
const surroundings = (folder: string) => ({ PATH: process.env.PATH ?? '', HOME: folder, PORT: '0', SANDBOX: 'bubblewrap' });

describe('A folder in which OkayDokki ran', () => {
  let folder: string;
  let running: ChildProcess | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-moved-'));
    await writeFile(join(folder, '.env'), OLD_ENV);
    const { origin } = await makeExampleRepository(join(folder, 'remote'));
    await addRepository({ url: origin, name: 'okd-sandbox', snapshotRoot: join(folder, 'repos') });
    await rename(writeOldAudit(folder, OLD_STORY), join(folder, 'audit.jsonl'));
  });
  afterAll(async () => {
    if (running?.exitCode === null) {
      running.kill('SIGTERM');
      await once(running, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  });

  const run = (...args: readonly string[]) => countersign(args, { cwd: folder, env: surroundings(folder) });

  /** Everything that `serve` says until it listens or ends. */
  const serve = async (): Promise<string> => {
    const child = spawn(join(CHECKOUT, 'bin', 'countersign'), ['serve'], { cwd: folder, env: surroundings(folder) });
    running = child;
    let said = '';
    return new Promise((resolve) => {
      const hear = (text: string): void => {
        said += text;
        if (said.includes('Countersign listens')) resolve(said);
      };
      child.stdout.setEncoding('utf8').on('data', hear);
      child.stderr.setEncoding('utf8').on('data', hear);
      child.once('close', () => resolve(said));
    });
  };

  it('keeps its audit: the service does not start over it, and says what to do', async () => {
    const before = await readFile(join(folder, 'audit.jsonl'), 'utf8');
    expect(await serve()).toContain('AUDIT_LOG_PATH names a file that another program wrote');
    const { code, stdout } = await run('preflight');
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL {2}audit +AUDIT_LOG_PATH names a file/);
    expect(await readFile(join(folder, 'audit.jsonl'), 'utf8')).toBe(before);
    await rename(join(folder, 'audit.jsonl'), join(folder, 'okaydokki-audit.jsonl'));
  });

  it('starts the service with the .env as it is, and hears at the start what is different', async () => {
    const said = await serve();
    expect(said).toContain('Countersign listens on http://127.0.0.1:');
    for (const note of [
      'This .env is one of OkayDokki',
      'FORGE=github',
      'DATABASE_PATH in .env has no effect here',
      'AGENT_LOGIN_PATHS',
      'MAX_CHANGED_FILES',
    ])
      expect(said).toContain(note);
  });

  it('passes preflight but for what is said there, with the snapshot found where it was', async () => {
    const { stdout } = await run('preflight');
    expect(stdout).toMatch(/WARN {2}configuration +DATABASE_PATH in .env has no effect here/);
    expect(stdout).toMatch(/PASS {2}okd-sandbox \(fetch\)/);
    expect(stdout).toMatch(/\d+ passed, \d+ warnings, \d+ failed/);
  });

  it('brings its audit in beside the one that begins now', async () => {
    const { stdout } = await run('import', 'okaydokki', '--audit', join(folder, 'okaydokki-audit.jsonl'), '--json');
    expect(JSON.parse(stdout)).toMatchObject({ audit: { added: OLD_STORY.length, known: 0 } });
    expect(await readFile(join(folder, 'audit.jsonl'), 'utf8')).toMatch(/^\{"auditVersion":"2.0"/);
  });
});

describe('The commands of npm that OkayDokki has', () => {
  const npm = async (script: string): Promise<string> => {
    const child = spawn('npm', ['run', '--silent', script], { cwd: CHECKOUT, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await once(child, 'close');
    return said;
  };

  it('are all here', async () => {
    const { scripts } = JSON.parse(await readFile(join(CHECKOUT, 'package.json'), 'utf8'));
    expect(scripts).toMatchObject({
      dev: 'bin/countersign serve',
      preflight: 'bin/countersign preflight',
      'audit:task': 'bin/countersign audit show --task',
      test: expect.anything(),
    });
  });

  it('say that a database need not be made', async () => {
    expect(await npm('db:init')).toMatch(/Nothing to do: the data folder makes itself/);
  });
});
