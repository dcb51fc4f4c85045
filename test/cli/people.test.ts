import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, onTerminal, type RunningService, startService } from './workbench.ts';

describe('People and chats on the command line', () => {
  let service: RunningService;
  let ada: string;
  beforeAll(async () => {
    service = await startService('true');
    ada = String((await service.json('person', 'add', 'Ada')).person_id);
  });
  afterAll(() => service.remove());

  it('links an account to a person, and tells of another person’s', async () => {
    await service.json('person', 'grant', 'Ada', 'approver', 'example/*');
    expect((await service.run('person', 'link', 'Ada', 'telegram', '4711')).stdout).toContain('4711 is Ada from now on.');
    await service.json('person', 'add', 'Bob');
    const taken = await service.run('person', 'link', 'Bob', 'telegram', '4711');
    expect(taken).toMatchObject({ code: 1, stdout: '' });
    expect(taken.stderr).toContain('countersign person unlink');
    const { stdout } = await service.run('person', 'show', 'Ada');
    expect(stdout).toContain('approver of example/*');
    expect(stdout).toContain('telegram 4711');
    expect((await service.run('person', 'unlink', 'Ada', 'telegram', '4711')).stdout).toContain('no longer Ada');
  });

  it('prints what to send to the bot, once', async () => {
    const { stdout } = await service.run('person', 'invite', 'Ada', '--hours', '2');
    const [said = '', code = ''] = /\/start ([0-9A-Z-]{14})/.exec(stdout) ?? [];
    expect(said).not.toBe('');
    expect(stdout).toContain('works once, and holds until');
    const shown = await service.run('person', 'show', 'Ada');
    expect(shown.stdout).toMatch(/open codes +telegram, until/);
    expect(shown.stdout).not.toContain(code);
  });

  it('says who one is, and when a token was last used', async () => {
    const { token } = await service.json('token', 'issue', 'Ada', '--name', 'phone');
    const { url } = JSON.parse(await readFile(join(service.folder, 'data', 'service.json'), 'utf8')) as { url: string };
    const asAda = await countersign(['whoami', '--url', url], { cwd: tmpdir(), env: { COUNTERSIGN_TOKEN: String(token) } });
    expect(asAda.stdout).toMatch(/name +Ada\n/);
    const listed = async () => (await service.run('token', 'list', 'Ada')).stdout;
    await expect.poll(listed, { timeout: 20_000 }).toMatch(/phone .* never +\d{4}-\d\d-\d\d/);
  });

  it('allows and forbids groups', async () => {
    expect((await service.run('chat', 'allow', '-1001234567890', '--title', 'Engine room')).code).toBe(0);
    expect((await service.run('chat', 'forbid', '-1001234567890')).stdout).toContain('Nothing is answered');
    expect((await service.run('chat', 'list')).stdout).toMatch(/Engine room +telegram +-1001234567890 +forbidden since/);
    expect((await service.run('chat', 'forbid', '-1')).stderr).toContain('countersign chat list');
  });

  it('erases a person only when told so, twice or by --yes', async () => {
    const cwd = service.folder;
    const unasked = await service.run('person', 'erase', 'Ada');
    expect(unasked).toMatchObject({ code: 1, stdout: '' });
    expect(unasked.stderr).toContain('--yes');
    const declined = await onTerminal(['person', 'erase', 'Ada'], { cwd, input: 'n\n' });
    expect(declined.code).toBe(1);
    expect(declined.stdout).toContain('Nothing was erased.');
    const allowed = await onTerminal(['person', 'erase', 'Ada'], { cwd, input: 'y\n' });
    expect(allowed.stdout).toContain('is nobody here any more.');
    const { stdout } = await service.run('person', 'list');
    expect(stdout).not.toContain('Ada');
    expect(stdout).toMatch(new RegExp(`erased +\\(none\\) +0 +${ada}`));
    expect((await service.run('person', 'erase', 'Bob', '--yes')).code).toBe(0);
    expect((await service.run('person', 'erase', 'Local administrator', '--yes')).stderr).toContain(
      'Nobody ends their own right',
    );
  });
});
