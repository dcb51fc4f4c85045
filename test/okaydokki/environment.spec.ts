import { describe, expect, it } from 'vitest';
import { readConfiguration } from '../../src/infra/config/operator.ts';
import { OLD_ENV, OLD_ENV_EXAMPLE } from './remains.ts';

const notes = (dotenv: string): readonly string[] => {
  const read = readConfiguration({}, dotenv);
  if ('faults' in read) throw new Error(read.faults.join('\n'));
  return read.notes;
};

describe('The .env of an OkayDokki', () => {
  it('is understood, and every difference is said', () => {
    expect(notes(OLD_ENV)).toEqual([
      expect.stringContaining('docs/migration-okaydokki.md'),
      expect.stringMatching(/^FORGE is not set.*FORGE=github/),
      expect.stringMatching(/^AGENT_CLI_TEMPLATE.*AGENT_LOGIN_PATHS and .* AGENT_EGRESS.*For codex/),
      expect.stringMatching(/^BLOCKED_PATH_PREFIXES adds/),
      expect.stringMatching(/^MAX_CHANGED_FILES and MAX_DIFF_BYTES hold.*50 and 1048576/),
      expect.stringContaining('countersign token issue'),
      ...['CHAT_HISTORY_TURNS', 'CHAT_MAX_PROMPT_CHARS', 'CHAT_TIMEOUT_MS'].map((name) =>
        expect.stringMatching(new RegExp(`^${name} in .env has no effect here: `)),
      ),
      expect.stringMatching(/^DATABASE_PATH in .env has no effect here: .*countersign import okaydokki --db/),
      expect.stringMatching(/^DELIVERY_STRATEGY in .env has no effect here: .*from its base/),
      expect.stringMatching(/^TASK_TEST_LOG_TAIL_LINES in .env has no effect here: /),
    ]);
  });

  it('keeps its names and values', () => {
    const read = readConfiguration({}, OLD_ENV);
    expect(read).toMatchObject({
      configuration: {
        port: 3_000,
        auditFile: `${process.cwd()}/audit.jsonl`,
        repositories: { snapshotRoot: `${process.cwd()}/repos`, defaultRepository: 'okd-sandbox', baseBranch: 'main' },
        agent: { provider: 'codex', template: 'codex exec --skip-git-repo-check "$OKD_INTENT"', authMode: 'session' },
        operator: {
          image: 'node:22-bookworm-slim',
          testCommand: 'npm test',
          allowedTestCommands: ['npm test', 'npm run test'],
          policy: { filesMax: 200, patchBytesMax: 500_000, binaryFiles: 'block' },
        },
      },
    });
  });

  it('says no more once it is one of ours', () => {
    const ours = OLD_ENV.replaceAll(/^(CHAT_.*|TASK_.*|DELIVERY_.*|DATABASE_.*)\n/gm, '');
    expect(notes(ours)).toEqual([]);
    const mended = `${OLD_ENV}\nFORGE=github\nAGENT_LOGIN_PATHS=~/.codex\nAGENT_EGRESS=api.example.test\n`;
    expect(notes(mended).filter((note) => /^(FORGE|AGENT)/.test(note))).toEqual([]);
  });

  it('is asked about a template that never says what to do', () => {
    const template = (command: string) => notes(`AGENT_CLI_TEMPLATE=${command}`);
    expect(template('codex exec')).toEqual([
      expect.stringMatching(/^AGENT_CLI_TEMPLATE names neither "\$OKD_INTENT" nor \{\{intent\}\}/),
    ]);
    for (const command of ['codex exec "$OKD_INTENT"', 'codex exec {{intent}}']) expect(template(command)).toEqual([]);
  });

  it('that was never filled in is refused, every placeholder at once', () => {
    const read = readConfiguration({}, OLD_ENV_EXAMPLE);
    expect(read).toEqual({
      faults: expect.arrayContaining([
        expect.stringMatching(/^TELEGRAM_BOT_TOKEN still holds a placeholder/),
        expect.stringMatching(/^AGENT_CLI_TEMPLATE still holds a placeholder/),
      ]),
    });
  });

  it('with unknown modes and numbers that are none is refused, all of them at once', () => {
    const wrong = {
      TELEGRAM_MODE: 'push',
      AGENT_AUTH_MODE: 'none',
      AGENT_PROVIDER: 'gpt',
      PORT: 'NaN',
      MAX_CHANGED_FILES: 'many',
      MAX_DIFF_BYTES: '5e5',
      DISALLOW_BINARY_PATCH: 'yes',
    };
    const read = readConfiguration(wrong, OLD_ENV);
    const faults = 'faults' in read ? read.faults : [];
    expect(faults.map((fault) => fault.split(' ')[0]).sort()).toEqual(Object.keys(wrong).sort());
  });
});
