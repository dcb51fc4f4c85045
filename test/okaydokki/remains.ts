import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export type OldRow = Readonly<Record<string, string | null>>;

export const FIRST = '0d1c2b3a-0000-4000-8000-000000000001';
export const SECOND = '0d1c2b3a-0000-4000-8000-000000000002';

/** A row of its table `tasks`. */
export const oldRow = (over: OldRow = {}): OldRow => ({
  task_id: FIRST,
  source_im: 'telegram',
  trigger_user: 'tg:4711',
  repo: 'acme/widgets',
  branch: 'agent/1739650000000',
  intent: 'Fix login 500.',
  agent: 'codex',
  status: 'COMPLETED',
  created_at: '2026-02-15T09:00:00.000Z',
  approved_by: 'tg:4712',
  delivery_strategy: 'rolling',
  base_branch: 'main',
  ...over,
});

/** A line of its audit. */
export const oldLine = (over: object = {}): object => ({
  auditVersion: '1.0',
  timestamp: '2026-02-15T09:00:00.000Z',
  taskId: FIRST,
  triggerUser: 'tg:4711',
  eventType: 'REQUEST',
  message: 'Fix login 500.',
  ...over,
});

/** What a task leaves in the audit from the request to the pull request. */
export const OLD_STORY: readonly object[] = [
  oldLine(),
  oldLine({
    timestamp: '2026-02-15T09:01:00.000Z',
    eventType: 'APPROVE',
    approvalDecision: 'APPROVE',
    message: 'Approved by tg:4712',
  }),
  oldLine({
    timestamp: '2026-02-15T09:02:00.000Z',
    eventType: 'RUN',
    message: undefined,
    diffHash: 'abc123',
    testsResult: 'PASS',
    agentLogs: ['reading\nwriting\ndone'],
  }),
  oldLine({
    timestamp: '2026-02-15T09:03:00.000Z',
    eventType: 'PR_CREATED',
    message: undefined,
    prLink: 'https://github.com/acme/widgets/pull/7',
  }),
];

/** The database of an OkayDokki that ran in `folder`; a table without `columns` is one of an older version. */
export const writeOldDatabase = (folder: string, rows: readonly OldRow[], columns = Object.keys(oldRow())): string => {
  const file = join(folder, 'okaydokki.db');
  const database = new DatabaseSync(file);
  database.exec(
    `CREATE TABLE tasks (${columns.map((name) => (name === 'task_id' ? 'task_id TEXT PRIMARY KEY' : name)).join(', ')})`,
  );
  const insert = database.prepare(`INSERT INTO tasks VALUES (${columns.map(() => '?').join(', ')})`);
  for (const row of rows) insert.run(...columns.map((name) => row[name] ?? null));
  database.close();
  return file;
};

/** Its audit; what is no object is written as it is. */
export const writeOldAudit = (folder: string, lines: readonly (object | string)[], name = 'audit-of-okaydokki.jsonl'): string => {
  const file = join(folder, name);
  writeFileSync(file, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return file;
};

/** Every variable that OkayDokki reads, as a team would have set them. */
export const OLD_ENV = `
TELEGRAM_MODE=polling
REPO_SNAPSHOT_ROOT=./repos
DEFAULT_REPO=okd-sandbox
AGENT_PROVIDER=codex
AGENT_CLI_TEMPLATE=codex exec --skip-git-repo-check "$OKD_INTENT"
AGENT_AUTH_MODE=session
AGENT_SESSION_CHECK_CMD=
CHAT_HISTORY_TURNS=6
CHAT_MAX_PROMPT_CHARS=1200
CHAT_TIMEOUT_MS=45000
TASK_TEST_LOG_TAIL_LINES=12
DELIVERY_STRATEGY=rolling
BASE_BRANCH=main
PORT=3000
DATABASE_PATH=./okaydokki.db
AUDIT_LOG_PATH=./audit.jsonl
SANDBOX_IMAGE=node:22-bookworm-slim
DEFAULT_TEST_COMMAND=npm test
ALLOWED_TEST_COMMANDS=npm test,npm run test
BLOCKED_PATH_PREFIXES=.github/workflows/,secrets/
MAX_CHANGED_FILES=200
MAX_DIFF_BYTES=500000
DISALLOW_BINARY_PATCH=true
`;

/** The same before anybody filled it in. */
export const OLD_ENV_EXAMPLE = OLD_ENV.replace(/AGENT_CLI_TEMPLATE=.*/, 'AGENT_CLI_TEMPLATE=__SET_FROM_PROVIDER_PRESET__').concat(
  'TELEGRAM_BOT_TOKEN=replace_me\n',
);
