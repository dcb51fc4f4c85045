import { randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ListedRepositories } from '../../src/infra/cli/commands/repositories.ts';
import { AuditLine, auditLine } from '../../src/projections/audit.ts';
import { git } from '../support/git-commands.ts';
import { countersign, onTerminal, piped, type RunningService, startService } from './workbench.ts';

const STACK = /\n\s+at |node:internal|file:\/\/|\.ts:\d/;

describe('The command line without a service', () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'countersign-cli-'));
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  it.each([
    ['a command that does not exist', ['taks', 'list']],
    ['an option that does not exist', ['task', 'list', '--statsu', 'FAILED']],
    ['an argument that is missing', ['task', 'show']],
    ['an argument too much', ['task', 'show', 'abcdef', 'ghijkl']],
    ['a role that does not exist', ['person', 'grant', 'Ada', 'boss']],
    ['a time that is none', ['audit', 'show', '--since', 'yesterday']],
    ['nothing at all', []],
  ])('ends with 2 for %s, in a few words', async (_, args) => {
    const { code, stdout, stderr } = await countersign(args, { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toMatch(STACK);
    expect(stderr.length).toBeGreaterThan(10);
  });

  it('says how to start one, and ends with 1', async () => {
    const { code, stdout, stderr } = await countersign(['task', 'list'], { cwd });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('countersign serve');
    expect(stderr).not.toMatch(STACK);
  });

  it('says so when nothing answers where one was named, and never sends a token unencrypted to another machine', async () => {
    const named = await countersign(['task', 'list', '--url', 'http://127.0.0.1:1'], {
      cwd,
      env: { COUNTERSIGN_TOKEN: 'cst_x' },
    });
    expect(named).toMatchObject({ code: 1, stdout: '' });
    expect(named.stderr).toContain('No service answers at http://127.0.0.1:1.');
    const abroad = await countersign(['task', 'list', '--url', 'http://countersign.example', '--token', 'cst_x'], { cwd });
    expect(abroad.stderr).toContain('unencrypted');
    const nonsense = await countersign(['task', 'list', '--url', 'nonsense'], { cwd });
    expect(nonsense.stderr).toContain('must begin with https://');
  });

  it('sends the local token to the local service only', async () => {
    const { code, stderr } = await countersign(['task', 'list', '--url', 'https://countersign.example'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('COUNTERSIGN_TOKEN');
  });

  it('lists every fault of the configuration, and repeats no value', async () => {
    const env = { PORT: 'hunter2-port', RUNNING_MAX: 'hunter2-max' };
    const { code, stderr } = await countersign(['serve'], { cwd, env });
    expect(code).toBe(1);
    expect(stderr).toContain('PORT');
    expect(stderr).toContain('RUNNING_MAX');
    expect(stderr).not.toContain('hunter2');
    const preflight = await countersign(['preflight'], { cwd, env });
    expect(preflight.code).toBe(1);
    expect(preflight.stdout).toMatch(/FAIL {2}configuration +PORT/);
    expect(preflight.stdout).toContain('0 passed, 0 warnings, 2 failed');
  });

  it('ends quietly when nobody reads on', async () => {
    const lines = join(cwd, 'lines.jsonl');
    await writeFile(lines, '{}\n'.repeat(500_000));
    const { code, stdout, stderr } = await piped(['audit', 'export', '--file', lines], 'head -n 1', { cwd });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '{}\n', stderr: '' });
  });
});

describe('The command line beside a service', () => {
  let service: RunningService;
  beforeAll(async () => {
    service = await startService('true');
    await service.json('repo', 'add', service.origin, '--name', 'example/shop');
    await service.json('task', 'add', 'Three cups cost as much as one.');
  });
  afterAll(() => service.remove());

  it('finds it by a file that only its owner can read', async () => {
    expect((await stat(join(service.folder, 'data', 'service.json'))).mode & 0o777).toBe(0o600);
  });

  it('gives people roles and tokens, which work at once and end at once', async () => {
    const { person_id: id } = await service.json('person', 'add', 'Ada');
    await service.json('person', 'grant', 'Ada', 'viewer', 'example/*');
    const { token, token_id: tokenId } = await service.json('token', 'issue', String(id), '--name', 'laptop', '--days', '1');
    const { url } = JSON.parse(await readFile(join(service.folder, 'data', 'service.json'), 'utf8')) as { url: string };
    const asAda = (...args: readonly string[]) =>
      countersign([...args, '--url', url], { cwd: tmpdir(), env: { COUNTERSIGN_TOKEN: String(token) } });

    expect((await asAda('task', 'list')).stdout).toContain('Three cups');
    expect(await asAda('person', 'list')).toMatchObject({ code: 1, stdout: '' });
    expect((await service.run('person', 'list')).stdout).toContain('viewer of example/*');
    const listed = await service.run('token', 'list', 'Ada');
    expect(listed.stdout).toContain('laptop');
    expect(listed.stdout).not.toContain('cst_');
    expect(await service.json('token', 'list', 'Ada')).toMatchObject({ tokens: [{ token_id: tokenId, name: 'laptop' }] });
    await service.json('token', 'revoke', 'Ada', String(tokenId));
    expect((await asAda('task', 'list')).stderr).toContain('Send a valid token');
  });

  it('lists repositories, and refuses what it cannot reach in a sentence', async () => {
    expect((await service.run('repo', 'list')).stdout).toMatch(/example\/shop +\//);
    const refused = await service.run('repo', 'add', join(service.folder, 'nothing-here'), '--name', 'example/nothing');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).not.toMatch(STACK);
    expect((await service.run('repo', 'remove', 'example/nothing')).stderr).toContain('There is no such repository.');
  });

  it('forgets repositories and leaves their remote as it is', async () => {
    const listed = async () => {
      const { repositories } = ListedRepositories.parse(await service.json('repo', 'list'));
      return repositories.map(({ name }) => name);
    };
    const heads = await git(service.origin, ['for-each-ref']);
    const [second, third] = ['example/second', 'example/third'];
    for (const name of [second, third]) await service.json('repo', 'add', service.origin, '--name', name);
    expect(await listed()).toEqual([second, 'example/shop', third]);
    expect((await service.run('repo', 'remove', second)).stdout).toContain(`${second} is gone from here.`);
    expect(await service.json('repo', 'remove', third)).toEqual({ removed: third });
    expect(await listed()).toEqual(['example/shop']);
    expect(await git(service.origin, ['for-each-ref'])).toBe(heads);
  });

  it('asks every component for real, and counts', async () => {
    const { stdout } = await service.run('preflight');
    expect(stdout).toMatch(/PASS {2}service +It runs at http/);
    expect(stdout).toMatch(/PASS {2}agent isolation/);
    expect(stdout).toMatch(/\d+ passed, \d+ warnings?, \d+ failed/);
  });

  it('builds the views anew, with a bar for a person and lines for a log', async () => {
    const { folder: cwd } = service;
    expect((await onTerminal(['projections', 'rebuild'], { cwd })).stdout).toMatch(/━.* 100 %/);
    expect((await service.run('projections', 'rebuild')).stdout).toMatch(/events read: \d+ of \d+\n/);
    expect(await service.json('projections', 'rebuild')).toMatchObject({ rebuilt: true });
    expect(await service.json('projections', 'resume')).toEqual({ resumed: 0, parked: [] });
    expect((await service.run('task', 'list')).stdout).toContain('Three cups');
  });

  it('leaves a folder to the service that works in it', async () => {
    const env = { AGENT_CLI_TEMPLATE: 'true {{intent}}' };
    for (const command of ['replay', 'serve']) {
      const { code, stderr } = await countersign([command], { cwd: service.folder, env });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^countersign: Another countersign process works in this data folder\./);
    }
  });
});

describe('What is left when the service has stopped', () => {
  let service: RunningService;
  let audit: string;
  beforeAll(async () => {
    service = await startService('true');
    await service.json('repo', 'add', service.origin, '--name', 'example/shop');
    await service.json('task', 'add', 'Three cups cost as much as one.');
    audit = join(service.folder, 'copy.jsonl');
    await service.run('audit', 'export', '--output', audit);
    expect(await service.stop()).toBe(0);
  });
  afterAll(() => service.remove());

  it('can be verified from the file alone, and shows a line that was changed, cut off or moved', async () => {
    const verified = await countersign(['audit', 'verify', '--file', audit, '--json'], { cwd: tmpdir() });
    const { valid, lines, head } = JSON.parse(verified.stdout) as { valid: boolean; lines: number; head: { lineHash: string } };
    expect({ code: verified.code, valid }).toEqual({ code: 0, valid: true });

    const text = await readFile(audit, 'utf8');
    const [first = '', second = '', ...rest] = text.trimEnd().split('\n');
    const noted = `${lines}:${head.lineHash}`;
    const forged = {
      changed: [text.replace('Three cups', 'Three cats')],
      moved: [[second, first, ...rest, ''].join('\n')],
      torn: [text.slice(0, -20)],
      shortened: [`${[first, second, ...rest].slice(0, -1).join('\n')}\n`, '--head', noted],
    };
    const copy = join(service.folder, 'forged.jsonl');
    for (const [how, [content = '', ...more]] of Object.entries(forged)) {
      await writeFile(copy, content);
      const { code, stdout } = await countersign(['audit', 'verify', '--file', copy, ...more], { cwd: tmpdir() });
      expect({ how, code }).toEqual({ how, code: 1 });
      expect(stdout).toContain('The audit does not hold.');
    }
  });

  it('is judged to its end when somebody else wrote a line of it, which is named', async () => {
    const lines = (await readFile(audit, 'utf8')).trimEnd().split('\n');
    const foreign = {
      stream: `task-${randomUUID()}`,
      revision: 0,
      id: randomUUID(),
      type: 'TaskApproved',
      data: null,
      metadata: {},
    };
    const { text, head } = auditLine(foreign, AuditLine.parse(JSON.parse(lines.at(-1) ?? '')));
    const copy = join(service.folder, 'foreign.jsonl');
    await writeFile(copy, [...lines, text, ''].join('\n'));
    const noted = `${head.sequence}:${head.lineHash}`;
    const { code, stdout } = await countersign(['audit', 'verify', '--file', copy, '--head', noted], { cwd: tmpdir() });
    expect(code).toBe(1);
    expect(stdout).toContain(`Line ${head.sequence} (${foreign.stream}, revision 0) was written by somebody else`);
    expect(stdout).toContain(`are one chain, and the other ${lines.length} hold.\n  head ${noted}`);
  });

  it('can be read: as a table, one task, as lines, in the older form', async () => {
    const table = await service.run('audit', 'show', '--type', 'TaskCreated');
    expect(table.stdout).toMatch(/TaskCreated +person-\w{8} \(http\) +task-\w{8}/);
    expect(table.stdout).not.toContain('PersonAdded');
    const older = await service.run('audit', 'export', '--format', 'okaydokki-1.0');
    expect(JSON.parse(older.stdout.split('\n')[0] ?? '')).toMatchObject({ auditVersion: '1.0', eventType: 'REQUEST' });
    expect((await service.run('audit', 'export')).stdout).toBe(await readFile(audit, 'utf8'));
  });

  it('can be folded, hashed and rebuilt', async () => {
    expect(await service.json('replay')).toMatchObject({ faults: [] });
    const { auditFile, copy } = {
      auditFile: join(service.folder, 'data', 'audit.jsonl'),
      copy: join(service.folder, 'before.jsonl'),
    };
    await copyFile(auditFile, copy);
    expect((await service.run('projections', 'rebuild')).stdout).toContain('Every view was built anew');
    expect(await readFile(auditFile, 'utf8')).toBe(await readFile(copy, 'utf8'));
  });
});
