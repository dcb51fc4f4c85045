import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, type RunningService, startService } from './workbench.ts';

const CUPS = 'Three cups cost as much as one.';

/** Changes one byte of the first place where `needle` stands. */
const flip = async (file: string, needle: string): Promise<void> => {
  const at = (await readFile(file)).indexOf(needle);
  expect(at).toBeGreaterThan(0);
  const handle = await open(file, 'r+');
  await handle.write('#', at);
  await handle.close();
};

describe('A backup', () => {
  let service: RunningService;
  let elsewhere: string;
  let archive: string;
  let taskId: string;
  beforeAll(async () => {
    service = await startService('echo changed > note.txt');
    elsewhere = await mkdtemp(join(tmpdir(), 'countersign-restored-'));
    archive = join(service.folder, 'saved.tar');
    await service.json('repo', 'add', service.origin, '--name', 'example/shop');
    const { task } = (await service.json('task', 'add', CUPS)) as {
      task: { taskId: string; approval: { digest: string } };
    };
    ({ taskId } = task);
    await service.run('task', 'approve', taskId, task.approval.digest, '--watch');
  });
  afterAll(async () => {
    await service.remove();
    await rm(elsewhere, { recursive: true, force: true });
  });

  it('is taken while requests are filed, is looked through, and leaves nothing beside it', async () => {
    let filing = true;
    const load = (async () => {
      while (filing) await service.json('task', 'add', CUPS);
    })();
    const report = await service.json('backup', archive);
    filing = false;
    await load;
    expect(report).toMatchObject({ format: 2, log: { events: expect.any(Number) } });
    expect(Number(report.artifacts)).toBeGreaterThanOrEqual(3);
    expect((await stat(archive)).mode & 0o777).toBe(0o600);
    expect((await readdir(service.folder)).filter((name) => name.startsWith('saved'))).toEqual(['saved.tar']);
    expect((await readdir(join(service.folder, 'data'))).filter((name) => name.startsWith('backup-'))).toEqual([]);
  });

  it('overwrites nothing', async () => {
    const { code, stderr } = await service.run('backup', archive);
    expect(code).toBe(1);
    expect(stderr).toContain('There is a file of that name already.');
  });

  it('comes back as it was, and views and audit are made again', async () => {
    const restored = await countersign(['restore', archive, '--json'], { cwd: elsewhere });
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(restored.stdout)).toMatchObject({ missing: [] });
    expect(await countersign(['projections', 'rebuild'], { cwd: elsewhere })).toMatchObject({ code: 0 });
    const [then, now] = await Promise.all(
      [elsewhere, service.folder].map((folder) => readFile(join(folder, 'data', 'audit.jsonl'), 'utf8')),
    );
    expect(then?.length).toBeGreaterThan(1_000);
    expect(now?.startsWith(then ?? 'nothing')).toBe(true);
    expect(await countersign(['replay', '--json'], { cwd: elsewhere })).toMatchObject({ code: 0 });
    expect((await readdir(elsewhere)).filter((name) => name.includes('unpacked'))).toEqual([]);
  });

  it('comes back with the names of artifacts that it lacks, when an open task names them', async () => {
    await service.run('task', 'rerun', taskId);
    const file = join(elsewhere, 'lacking.tar');
    await service.json('backup', file);
    const { stdout: names } = await execa('tar', ['--list', '--file', file]);
    const [path = '', digest] = /artifacts\/\w\w\/(\w{64})/.exec(names) ?? [];
    await execa('tar', ['--delete', '--file', file, path]);

    const cwd = await mkdtemp(join(elsewhere, 'try-'));
    const { code, stdout } = await countersign(['restore', file], { cwd });
    expect(code).toBe(0);
    expect(stdout).toContain('Named by open tasks, but not there: 1 artifact.');
    expect(stdout).toContain(`${digest} of task ${taskId}`);
  });

  it('never goes into a data folder that holds anything', async () => {
    const { code, stderr } = await countersign(['restore', archive], { cwd: elsewhere });
    expect(code).toBe(1);
    expect(stderr).toContain('is not empty');
  });

  it.each([
    ['cut short', (file: string) => truncate(file, 20_000)],
    ['no backup at all', (file: string) => writeFile(file, 'Dear diary')],
    ['changed in its log', (file: string) => flip(file, CUPS)],
    ['changed in an artifact', (file: string) => flip(file, '+changed')],
  ])('is refused when it was %s, and no data folder is made', async (_, damage) => {
    const cwd = await mkdtemp(join(elsewhere, 'try-'));
    const copy = join(cwd, 'copy.tar');
    await writeFile(copy, await readFile(archive));
    await damage(copy);
    const { code, stderr } = await countersign(['restore', copy], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/damaged|no backup|does not hold/);
    expect(await readdir(cwd)).toEqual(['copy.tar']);
  });

  it('is for administrators only, and one at a time', async () => {
    await service.json('person', 'add', 'Ada');
    await service.json('person', 'grant', 'Ada', 'approver');
    const { token } = await service.json('token', 'issue', 'Ada');
    const { url } = JSON.parse(await readFile(join(service.folder, 'data', 'service.json'), 'utf8')) as { url: string };
    const cwd = join(elsewhere, 'ada');
    await mkdir(cwd);
    const refused = await countersign(['backup', 'mine.tar', '--url', url], { cwd, env: { COUNTERSIGN_TOKEN: String(token) } });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('You may not do this here.');
    expect(await readdir(cwd)).toEqual([]);
  });
});
