import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeExampleRepository } from '../../../src/infra/cli/demo/example-repository.ts';
import { startTelegram, type Telegram } from '../../support/telegram/index.ts';
import { COUNTERSIGN, countersign } from '../workbench.ts';

const PATH = process.env.PATH ?? '';

/** A command whose output can be waited for. */
const typed = (args: readonly string[], cwd: string, env: Record<string, string>) => {
  const child: ChildProcess = spawn(COUNTERSIGN, args, {
    cwd,
    env: { PATH, HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    code,
    said: () => said,
    until: (what: RegExp) => vi.waitUntil(() => what.exec(said), { timeout: 60_000, interval: 20 }),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await code;
    },
  };
};

/** Lines of the session in the documentation that are the same on every machine, without their columns. */
const told = async (): Promise<readonly string[]> => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/setup.md'), 'utf8');
  const same =
    /^ {2}(?:PASS {2}(?:configuration|service|event store|agent isolation|forge {2}|fetch:|push:)|Agent custom|Written to|Ada admin|Paired|It is tested)/;
  return page
    .split('\n')
    .filter((line) => same.test(line))
    .map(squeezed);
};

const squeezed = (text: string): string => text.replaceAll(/ +/g, ' ');

describe('Setting up from an empty folder', () => {
  let folder: string;
  let tg: Telegram;
  let env: Record<string, string>;
  let ada: ReturnType<Telegram['person']>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-setup-'));
    tg = await startTelegram();
    ada = tg.person({ id: 4711, firstName: 'Ada' });
    env = { TELEGRAM_BOT_TOKEN: tg.token, TELEGRAM_API_ROOT: tg.apiRoot, PORT: '0', SANDBOX: 'bubblewrap' };
    await makeExampleRepository(join(folder, 'remote'));
    await mkdir(join(folder, 'new'));
  });
  afterAll(async () => {
    await tg.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('says what is missing instead of asking where nobody can answer', async () => {
    const { code, stderr } = await countersign(['setup', '--yes', '--no-telegram', '--agent', 'custom'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('Give --agent-command');
    const nowhere = await countersign(['setup', '--yes', '--no-telegram', '--agent', 'hal'], { cwd: folder });
    expect(nowhere.stderr).toContain('codex, claude, gemini or custom');
  });

  it('refuses a token that Telegram does not know, and writes nothing', async () => {
    const wrong = { ...env, TELEGRAM_BOT_TOKEN: `1${tg.token}` };
    const { code, stderr } = await countersign(['setup', '--yes', '--agent-command', 'echo "$OKD_INTENT"'], {
      cwd: folder,
      env: wrong,
    });
    expect(code).toBe(1);
    expect(stderr).toContain('Telegram does not know this token.');
    expect(stderr).not.toContain(tg.token);
    await expect(stat(join(folder, '.env'))).rejects.toThrow();
  });

  it('ends with an administrator, a paired phone, a repository, and every component asked', async () => {
    const cwd = join(folder, 'new');
    const chat = tg.privateChat(ada);
    await using setup = typed(
      [
        ...['setup', '--yes', '--name', 'Ada', '--wait', '60'],
        ...[
          '--agent-command',
          'echo "$OKD_INTENT" > note.txt',
          '--repo',
          join(folder, 'remote', 'origin.git'),
          '--repo-name',
          'example/shop',
        ],
      ],
      cwd,
      env,
    );
    const [, code = ''] = (await setup.until(/(\/start \S+)/)) ?? [];
    tg.as(ada).send(chat, code);
    expect(await setup.code, setup.said()).toBe(0);
    for (const part of [
      'Paired.',
      'example/shop can be asked for now.',
      /PASS {2}push/,
      'It is tested as is configured here: npm test in',
      /PASS {2}telegram/,
      '/task repo=example/shop',
    ])
      expect(setup.said()).toMatch(part);
    const lines = await told();
    expect(lines).toHaveLength(11);
    for (const line of lines) expect(squeezed(setup.said())).toContain(line);
    expect(setup.said().match(/cst_\w+/g)).toHaveLength(1);
    const file = join(cwd, '.env');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(parseEnv(await readFile(file, 'utf8'))).toEqual({
      AGENT_PROVIDER: 'custom',
      AGENT_CLI_TEMPLATE: 'echo "$OKD_INTENT" > note.txt',
      FORGE: 'local',
      DEFAULT_REPO: 'example/shop',
    });
    await tg.waitForMessage(chat, ({ from, text }) => from.id === tg.bot.id && text.includes('Ada'));
  });

  it('finds everything when it is run again, and sends the phone a message', async () => {
    const cwd = join(folder, 'new');
    const { code, stdout } = await countersign(['setup', '--yes'], { cwd, env });
    expect(code, stdout).toBe(0);
    for (const part of [
      'All of it stands in .env',
      'Ada administers this service.',
      'a message is on your phone',
      'example/shop can be asked for',
    ])
      expect(stdout).toContain(part);
    expect(stdout).not.toContain('cst_');
    await tg.waitForMessage(tg.privateChat(ada), ({ text }) => text === 'Countersign can reach you here.');
  });

  it('leaves no command of another agent behind, and ends with 1 when something is not there', async () => {
    const cwd = join(folder, 'new');
    const before = await readFile(join(cwd, '.env'));
    const { code, stdout } = await countersign(['setup', '--yes', '--agent', 'codex'], { cwd, env });
    expect(code, stdout).toBe(1);
    expect(stdout).toMatch(/Mend what failed \(\d\), and run setup again/);
    const { AGENT_PROVIDER, AGENT_CLI_TEMPLATE } = parseEnv(await readFile(join(cwd, '.env'), 'utf8'));
    expect({ AGENT_PROVIDER, AGENT_CLI_TEMPLATE }).toEqual({ AGENT_PROVIDER: 'codex', AGENT_CLI_TEMPLATE: '' });
    await writeFile(join(cwd, '.env'), before);
  });

  it('leads to a Draft pull request by chat', async () => {
    const cwd = join(folder, 'new');
    await using service = typed(['serve'], cwd, { ...env, DEFAULT_TEST_COMMAND: 'true' });
    await service.until(/listens on/);
    const chat = tg.privateChat(ada);
    tg.as(ada).send(chat, '/task Three cups cost as much as one.');
    const card = await tg.waitForMessage(
      chat,
      ({ buttons }) => buttons.flat().some(({ text }) => text.includes('Approve')),
      30_000,
    );
    await tg.as(ada).press(card, 'Approve');
    await tg.waitForMessage(chat, ({ text }) => /Draft pull request/.test(text) && /#\d+/.test(text), 60_000);
  });
});
