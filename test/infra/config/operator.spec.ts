import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../../src/domain/limits.ts';
import { compileGlob } from '../../../src/domain/policy/glob.ts';
import { defaultPolicy } from '../../../src/domain/policy/policy.ts';
import { type Configuration, secretsOf } from '../../../src/infra/config/configuration.ts';
import { readConfiguration } from '../../../src/infra/config/operator.ts';
import { prefixGlob } from '../../../src/infra/config/operator-defaults.ts';
import { TABLE } from '../../../src/infra/config/table.ts';

type Variables = Readonly<Record<string, string>>;

const read = (env: Variables, dotenv?: string): Configuration => {
  const result = readConfiguration(env, dotenv);
  if ('faults' in result) throw new Error(result.faults.join('\n'));
  return result.configuration;
};

const faults = (env: Variables): readonly string[] => {
  const result = readConfiguration(env);
  return 'faults' in result ? result.faults : [];
};

describe('The configuration', () => {
  it('is complete when nothing is set', () => {
    expect(read({})).toMatchObject({
      host: '127.0.0.1',
      port: 3_000,
      eventStoreUrl: null,
      dataFolder: `${process.cwd()}/data`,
      artifactFolder: `${process.cwd()}/data/artifacts`,
      auditFile: `${process.cwd()}/data/audit.jsonl`,
      forge: { kind: 'local', host: 'github.com', token: null },
      agent: { provider: 'codex', isolation: 'bubblewrap', authMode: 'session' },
      operator: {
        image: 'node:22-bookworm-slim',
        allowedImages: ['node:22-bookworm-slim'],
        testCommand: 'npm test',
        allowedTestCommands: ['npm test'],
        policy: defaultPolicy,
        limits: DEFAULT_LIMITS,
      },
      approvalTtlMs: 86_400_000,
      telegram: { botToken: null },
    });
  });

  it('takes the real environment before .env, and an empty value for none', () => {
    expect(read({ PORT: '4000', HOST: '' }, 'PORT=5000\nHOST=0.0.0.0\nBASE_BRANCH="trunk" # ours').port).toBe(4_000);
    expect(read({ HOST: '' }, 'HOST=0.0.0.0').host).toBe('0.0.0.0');
    expect(read({ PORT: ' ' }).port).toBe(3_000);
  });

  it('reads the names of an OkayDokki .env', () => {
    const dotenv = `PORT=3000
DATABASE_PATH=./data/okaydokki.db
AUDIT_LOG_PATH=./audit.jsonl
REPO_SNAPSHOT_ROOT=./repos
DEFAULT_REPO=org/name
BASE_BRANCH=main
SANDBOX_IMAGE=node:22-bookworm-slim
DEFAULT_TEST_COMMAND=npm test
ALLOWED_TEST_COMMANDS=npm test,npm run lint
BLOCKED_PATH_PREFIXES=.github/workflows/,secrets/
MAX_CHANGED_FILES=200
MAX_DIFF_BYTES=500000
DISALLOW_BINARY_PATCH=true
AGENT_PROVIDER=codex
AGENT_AUTH_MODE=session
AGENT_SESSION_CHECK_CMD=codex login status
TASK_TEST_LOG_TAIL_LINES=12
DELIVERY_STRATEGY=rolling
CHAT_MAX_TURNS=5
`;
    const { operator, agent, repositories } = read({}, dotenv);
    expect(operator).toMatchObject({
      allowedTestCommands: ['npm test', 'npm run lint'],
      policy: { filesMax: 200, patchBytesMax: 500_000 },
    });
    expect(operator.policy.blockedPaths).toEqual([...defaultPolicy.blockedPaths, '/.github/workflows/', '/secrets/']);
    expect(agent.sessionCheckCommand).toBe('codex login status');
    expect(repositories.defaultRepository).toBe('org/name');
  });

  it('notes what has no effect, by name only', () => {
    const result = readConfiguration({ HOSTNAME: 'x' }, 'MAX_FILES=3\nTELEGRAM_NOTIFY_CHAT=-1001234567890/7');
    expect(result).toHaveProperty('notes', [
      'MAX_FILES in .env is not a variable of this service; check its spelling.',
      expect.stringContaining('TELEGRAM_NOTIFY_CHAT has no effect'),
    ]);
  });

  it('says every fault at once', () => {
    const found = faults({
      PORT: 'http',
      MAX_DIFF_BYTES: '500k',
      PATCH_GATE: 'sometimes',
      GH_TOKEN: 'replace_me',
      SANDBOX: 'bubblewrap',
      WEAK_SANDBOX: 'refuse',
    });
    expect(found).toEqual([
      'PORT must be a whole number from 0 to 65535, in digits only.',
      'GH_TOKEN still holds a placeholder: set it, or take the line out.',
      'MAX_DIFF_BYTES must be a whole number from 1 to 10485760, in digits only.',
      'PATCH_GATE must be always or risky or never.',
      'SANDBOX=bubblewrap and WEAK_SANDBOX=refuse leave no sandbox: change one of them.',
    ]);
  });
});

describe('A limit', () => {
  const limits = Object.entries(TABLE).filter(([, { fallback }]) => /^[0-9]+(\.[0-9]+)?$/.test(fallback ?? ''));

  it.each(limits)('%s that cannot be read stops the start', (name) => {
    for (const text of [
      '500k',
      '1e3',
      '0x10',
      '1_000',
      '1,000',
      '-1',
      '+1',
      'NaN',
      'Infinity',
      '٣',
      '1.5.1',
      'ten',
      '9'.repeat(30),
      '08',
      '1 0',
    ]) {
      expect(faults({ [name]: text })).toHaveLength(1);
    }
  });

  it('of nothing stops the start', () => {
    for (const [name] of limits) if (name !== 'PORT') expect(faults({ [name]: '0' })).toHaveLength(1);
  });
});

describe('A mode', () => {
  it.each([
    'PATCH_GATE',
    'SANDBOX',
    'WEAK_SANDBOX',
    'FORGE',
    'AGENT_ISOLATION',
    'AGENT_AUTH_MODE',
    'AGENT_PROVIDER',
    'TELEGRAM_MODE',
    'LOG_LEVEL',
    'DISALLOW_BINARY_PATCH',
  ])('%s that nobody knows stops the start', (name) => {
    for (const text of ['Always', 'yes', '1', 'docker,bubblewrap', 'true ok']) expect(faults({ [name]: text })).toHaveLength(1);
  });
});

describe('A faulty value', () => {
  it.each(['replace_me', 'REPLACE_ME', 'changeme', 'change-me', '<your token>', 'replace_me_with_a_token'])(
    'that is a placeholder is refused: %s',
    (text) => {
      for (const name of ['GH_TOKEN', 'TELEGRAM_BOT_TOKEN', 'DEFAULT_REPO', 'AGENT_CLI_TEMPLATE', 'EVENTSTORE_URL']) {
        expect(faults({ [name]: text })).toEqual([`${name} still holds a placeholder: set it, or take the line out.`]);
      }
    },
  );

  it('is never repeated, whatever it is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(TABLE)), fc.stringMatching(/^[a-z]{3}\u2603[a-z]{9}$/), (name, text) => {
        for (const fault of faults({ [name]: text })) expect(fault).not.toContain(text);
      }),
    );
  });

  it.each([
    ['DEFAULT_REPO', '../x'],
    ['DEFAULT_REPO', 'a/b/c'],
    ['BASE_BRANCH', '--upload-pack=x'],
    ['HOST', '127.0.0.1:80'],
    ['EVENTSTORE_URL', 'http://localhost:2113'],
    ['SANDBOX_IMAGE', '--privileged'],
    ['ALLOWED_TEST_COMMANDS', 'npm test,\u0007bad'],
    ['AGENT_LOGIN_PATHS', 'relative/path'],
    ['AGENT_CONFIG_FILE', 'config.toml'],
    ['AGENT_EGRESS', 'https://example.com'],
    ['AGENT_CLI_TEMPLATE', 'run {{secret}}'],
    ['AGENT_ENV_PASS', 'A=B'],
    ['BLOCKED_PATHS', '!.env'],
    ['GH_TOKEN', 'short'],
    ['BASE_URL', 'javascript:alert(1)'],
  ])('is refused: %s', (name, text) => expect(faults({ [name]: text })).toHaveLength(1));

  it.each(['esdb://ops:50%@log:2113', 'kurrentdb://o%ps:word@log:2113', 'esdb://ops:%ff@log:2113'])(
    'is refused with how a percent sign is written: EVENTSTORE_URL=%s',
    (text) =>
      expect(faults({ EVENTSTORE_URL: text })).toEqual([
        'EVENTSTORE_URL has a percent sign that stands for nothing: in a user or password it is written %25.',
      ]),
  );

  it('never makes the reader throw', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(TABLE), '__proto__', 'toString'), fc.string({ unit: 'binary' })),
        fc.string(),
        (env, dotenv) => {
          readConfiguration(env, dotenv);
        },
      ),
    );
  });
});

describe('The agent’s environment', () => {
  const api = { AGENT_AUTH_MODE: 'api', AGENT_API_KEY_VARS: 'OPENAI_API_KEY' };

  it('holds the named variables and nothing else', () => {
    const { agent } = read({
      ...api,
      OPENAI_API_KEY: 'sk-12345678',
      AGENT_ENV_PASS: 'LANG',
      LANG: 'C',
      GH_TOKEN: 'ghp_12345678',
      OTHER: 'x',
    });
    expect(agent.environment).toEqual({ OPENAI_API_KEY: 'sk-12345678', LANG: 'C' });
  });

  it('holds no key in session mode', () => {
    expect(read({ AGENT_API_KEY_VARS: 'OPENAI_API_KEY', OPENAI_API_KEY: 'sk-12345678' }).agent.environment).toEqual({});
  });

  it.each([
    'GH_TOKEN',
    'TELEGRAM_BOT_TOKEN',
    'EVENTSTORE_URL',
    'SSH_AUTH_SOCK',
    'LD_PRELOAD',
    'OKD_INTENT',
    'PATH',
    'NODE_OPTIONS',
  ])('can never hold %s', (name) =>
    expect(faults({ AGENT_ENV_PASS: name })).toEqual([expect.stringContaining('never handed to an agent')]),
  );

  it.each([
    [{ AGENT_AUTH_MODE: 'api' }, 'needs AGENT_API_KEY_VARS'],
    [api, 'which is not set'],
    [{ ...api, OPENAI_API_KEY: 'replace_me' }, 'placeholder'],
    [{ ...api, OPENAI_API_KEY: 'short' }, 'at least 8 characters'],
    [{ AGENT_PROVIDER: 'gemini' }, 'AGENT_CLI_TEMPLATE'],
  ])('is asked for when it is missing (%#)', (env: Variables, sentence) =>
    expect(faults(env)).toEqual([expect.stringContaining(sentence)]),
  );

  it('may come with a command of one’s own and its login', () => {
    const { agent } = read({
      HOME: '/home/x',
      AGENT_PROVIDER: 'claude',
      AGENT_CLI_TEMPLATE: 'claude -p {{intent}}',
      AGENT_LOGIN_PATHS: '~/.claude, /etc/login',
    });
    expect(agent).toMatchObject({ template: 'claude -p {{intent}}', loginPaths: ['/home/x/.claude', '/etc/login'] });
  });

  it('may have a configuration file of its own where it is codex', () => {
    const named = { HOME: '/home/x', AGENT_CONFIG_FILE: '~/codex.toml' };
    expect(read(named).agent.configFile).toBe('/home/x/codex.toml');
    expect(faults({ ...named, AGENT_CLI_TEMPLATE: 'claude -p {{intent}}' })).toEqual([
      expect.stringMatching(/^AGENT_CONFIG_FILE is for .* codex/),
    ]);
  });
});

const BOT_TOKEN = `12345678:${'aB3-_'.repeat(7)}`;

describe('Telegram', () => {
  const webhook = { TELEGRAM_BOT_TOKEN: BOT_TOKEN, TELEGRAM_MODE: 'webhook', TELEGRAM_WEBHOOK_SECRET: 'webhook-secret' };

  it('is on with a token, and polls unless told otherwise', () => {
    expect(read({ TELEGRAM_BOT_TOKEN: BOT_TOKEN, TELEGRAM_NOTIFY_CHAT: '-1001234567890/7' }).telegram).toEqual({
      botToken: BOT_TOKEN,
      mode: 'polling',
      webhookSecret: null,
      apiRoot: null,
      baseUrl: null,
      notifyPlace: { chat: '-1001234567890', thread: 7 },
    });
    for (const BASE_URL of ['https://bot.example.com', 'http://127.0.0.1:3000', 'http://localhost:3000'])
      expect(read({ ...webhook, BASE_URL }).telegram.baseUrl).toBe(BASE_URL);
  });

  it.each([
    [{ TELEGRAM_BOT_TOKEN: '12345678:short' }, 'a token as @BotFather shows it'],
    [{ TELEGRAM_WEBHOOK_SECRET: 'with spaces in it' }, 'letters, digits, dashes and underscores'],
    [{ TELEGRAM_NOTIFY_CHAT: '1234567890' }, 'the id of a group'],
    [{ TELEGRAM_NOTIFY_CHAT: '@a_group' }, 'the id of a group'],
    [{ ...webhook, BASE_URL: 'http://bot.example.com' }, 'must begin with https://'],
    [{ ...webhook }, 'needs BASE_URL'],
    [{ TELEGRAM_BOT_TOKEN: BOT_TOKEN, TELEGRAM_MODE: 'webhook', BASE_URL: 'https://a.example' }, 'needs TELEGRAM_WEBHOOK_SECRET'],
  ])('is refused with what to do when it cannot work (%#)', (env: Variables, sentence) => {
    const found = faults(env);
    expect(found).toEqual([expect.stringContaining(sentence)]);
    expect(found.join('')).not.toContain('12345678:');
  });
});

describe('The secrets of a configuration', () => {
  it('are all of them, the password of a connection string included', () => {
    const configuration = read({
      GH_TOKEN: 'ghp_12345678',
      TELEGRAM_BOT_TOKEN: BOT_TOKEN,
      TELEGRAM_WEBHOOK_SECRET: 'webhook-secret',
      EVENTSTORE_URL: 'esdb://admin:p%40ssw0rd@localhost:2113?tls=false',
      HTTPS_PROXY: 'http://user:proxy-word@proxy:3128',
      ARTIFACT_STORE: 's3://bucket/prefix',
      ARTIFACT_STORE_KEY_ID: 'AKIA12345678',
      ARTIFACT_STORE_SECRET: 'artifact-secret',
      AGENT_AUTH_MODE: 'api',
      AGENT_API_KEY_VARS: 'KEY',
      KEY: 'model-key-1',
    });
    expect(secretsOf(configuration).toSorted()).toEqual(
      [
        ...[BOT_TOKEN, 'ghp_12345678', 'model-key-1', 'p%40ssw0rd', 'p@ssw0rd', 'proxy-word', 'webhook-secret'],
        ...['AKIA12345678', 'artifact-secret'],
      ].toSorted(),
    );
  });
});

describe('A prefix of blocked paths', () => {
  const blocks = (prefix: string, path: string): boolean => compileGlob(prefixGlob(prefix)).matches(path.split('/'));

  it('blocks what begins with it, from the root', () => {
    expect(blocks('secrets/', 'secrets/a/b')).toBe(true);
    expect(blocks('./secrets/', 'secrets/a')).toBe(true);
    expect(blocks('db/mig', 'db/migrations/1.sql')).toBe(true);
    expect(blocks('.env', '.env.local')).toBe(true);
  });

  it('blocks nothing else', () => {
    expect(blocks('secrets/', 'a/secrets/b')).toBe(false);
    expect(blocks('secrets/', 'secrets.md')).toBe(false);
  });
});
