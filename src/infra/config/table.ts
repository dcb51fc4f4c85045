import type { z } from 'zod';
import { BranchName, RepositoryName } from '../../domain/ids.ts';
import { CommandLine } from '../../domain/install-step.ts';
import {
  APPROVAL_TTL_MS,
  ARTIFACT_BYTES_MAX,
  DEFAULT_LIMITS,
  RUNNING_MAX,
  RUNNING_PER_REPOSITORY_MAX,
  WAITING_PER_PERSON_MAX,
} from '../../domain/limits.ts';
import { defaultPolicy } from '../../domain/policy/policy.ts';
import { ENTRIES_JUDGED_MAX } from '../../domain/policy/violations.ts';
import { BlockedPath, ImageReference, TestCommand } from '../../domain/repository-config.ts';
import {
  agentModel,
  agentTemplate,
  botToken,
  connectionString,
  dockerSocket,
  egressHost,
  filePath,
  listenAddress,
  loginPath,
  objectStore,
  serverName,
  telegramPlace,
  webAddress,
  webhookSecret,
} from './values.ts';
import {
  decimalNumber,
  list,
  oneLine,
  oneOf,
  optional,
  orNone,
  secret,
  variableName,
  wholeNumber,
  withDefault,
  yesOrNo,
} from './variable.ts';

const MiB = 1024 * 1024;
const DAY_SECONDS = 86_400;

const service = {
  DATA_DIR: withDefault(
    './data',
    oneLine,
    'Folder for the log, the views, artifacts, mirrors and keys. Only the service may read it.',
  ),
  HOST: withDefault(
    '127.0.0.1',
    listenAddress,
    'Address to listen on. Anything but 127.0.0.1 lets other machines in: put TLS in front.',
  ),
  PORT: withDefault('3000', wholeNumber(0, 65_535), 'Port to listen on; 0 takes a free one.'),
  LOG_LEVEL: withDefault(
    'info',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'What is logged: trace, debug, info, warn, error, fatal or silent. Stack traces appear from debug on.',
  ),
  EVENTSTORE_URL: optional(
    connectionString,
    'Connection string of EventStoreDB or KurrentDB, such as esdb://localhost:2113?tls=false, or kurrentdb://… for the newer client. Without it the log is an SQLite file in DATA_DIR.',
  ),
  ROLE: withDefault(
    'all',
    oneOf('all', 'api', 'worker'),
    'What this process does: answer people (api), carry out tasks (worker), or both. Several processes need EVENTSTORE_URL.',
  ),
  ARTIFACT_DIR: optional(
    oneLine,
    'Folder for patches, logs and reports; processes on one event store share it. Default: artifacts inside DATA_DIR.',
  ),
  ARTIFACT_STORE: optional(
    objectStore,
    'A bucket that speaks S3, as s3://bucket/prefix, instead of ARTIFACT_DIR: for processes on several machines.',
  ),
  ARTIFACT_STORE_ENDPOINT: optional(
    webAddress,
    'Address of an S3 server that is not Amazon’s, such as https://minio.example:9000.',
  ),
  ARTIFACT_STORE_REGION: withDefault('us-east-1', serverName, 'Region of the bucket.'),
  ARTIFACT_STORE_KEY_ID: secret('Id of the key that may list, read, write and delete below the prefix.'),
  ARTIFACT_STORE_SECRET: secret('The secret of that key.'),
  ARTIFACT_DAYS: withDefault(
    '90',
    wholeNumber(1, 36_500),
    'How long patches and logs of a task that is over are kept. The log of events is kept for ever.',
  ),
  ARTIFACT_MIB: withDefault(
    '10240',
    wholeNumber(1, 1_073_741_824),
    'Space for all patches and logs; the oldest of tasks that are over go first.',
  ),
  AUDIT_LOG_PATH: optional(oneLine, 'The audit file. Default: audit.jsonl inside DATA_DIR.'),
};

const repositories = {
  REPO_SNAPSHOT_ROOT: withDefault(
    './repos',
    oneLine,
    'Folder with the repositories that can be asked for, as <org>/<name> or <name>.',
  ),
  DEFAULT_REPO: optional(RepositoryName, 'Repository of a request that names none: name or org/name.'),
  BASE_BRANCH: withDefault('main', BranchName, 'Branch a change starts from when a request names none.'),
  FORGE: withDefault(
    'local',
    oneOf('local', 'github'),
    'Where Draft pull requests are opened: github, or local (a record next to a bare repository, to try things out).',
  ),
  GH_TOKEN: secret('Token for GitHub with rights on contents and pull requests. Without it: the login of the gh CLI.'),
  GITHUB_TOKEN: secret('Read where GH_TOKEN is not set.'),
  GH_HOST: withDefault('github.com', serverName, 'The GitHub server.'),
};

const agent = {
  AGENT_PROVIDER: withDefault(
    'codex',
    oneOf('codex', 'claude', 'gemini', 'custom'),
    'The coding agent, as the approval card names it: codex, claude, gemini, or custom for any other. For all but codex set AGENT_CLI_TEMPLATE too.',
  ),
  AGENT_CLI_TEMPLATE: optional(
    agentTemplate,
    'Shell command that runs an agent of your own; it reads $OKD_INTENT and edits the current folder. Placeholders, quoted for you: {{task_id}} {{intent}} {{repo}} {{branch}} {{trigger_user}}.',
  ),
  AGENT_MODEL: optional(
    agentModel,
    'Model the agent is told to use; it stands on the approval card. Without it the agent chooses.',
  ),
  AGENT_CONFIG_FILE: optional(
    filePath,
    'The config.toml that codex is given, absolute or ~/…, say to use another provider of models; list its host in AGENT_EGRESS. The agent can read it: no secret belongs there.',
  ),
  AGENT_AUTH_MODE: withDefault(
    'session',
    oneOf('session', 'api'),
    'How the agent logs in at its model: session hands over its login files and nothing else, api the variables of AGENT_API_KEY_VARS and nothing else.',
  ),
  AGENT_LOGIN_PATHS: withDefault(
    'none',
    list(loginPath),
    'Files and folders that make the agent’s login, absolute or ~/…, separated by commas. Without it codex has ~/.codex/auth.json, any other agent none.',
  ),
  AGENT_API_KEY_VARS: withDefault(
    'none',
    list(variableName),
    'Names of the variables that hold the model’s key, for AGENT_AUTH_MODE=api.',
  ),
  AGENT_ENV_PASS: withDefault(
    'none',
    list(variableName),
    'Names of other variables the agent may see. No secret of this service can be named.',
  ),
  AGENT_EGRESS: withDefault(
    'none',
    list(egressHost),
    'Hosts the agent may reach besides those of its provider: name, name:port, *.suffix.',
  ),
  AGENT_SESSION_CHECK_CMD: optional(oneLine, 'Shell command that succeeds when the agent is logged in; preflight runs it.'),
  AGENT_ISOLATION: withDefault(
    'bubblewrap',
    oneOf('bubblewrap', 'none'),
    'none runs the agent without isolation: it can then read everything this service can, and use the network freely. It stands on every approval card.',
  ),
  AGENT_TIMEOUT_SECONDS: withDefault(
    String(DEFAULT_LIMITS.agentTimeoutMs / 1_000),
    wholeNumber(1, DAY_SECONDS),
    'Longest run of an agent.',
  ),
  AGENT_OUTPUT_MIB: withDefault(
    String(DEFAULT_LIMITS.agentOutputBytes / MiB),
    wholeNumber(1, ARTIFACT_BYTES_MAX / MiB),
    'Most output of an agent that is kept.',
  ),
};

const sandbox = {
  SANDBOX: withDefault(
    'auto',
    oneOf('auto', 'docker', 'bubblewrap'),
    'Where tests run: docker, bubblewrap, or auto: Docker when a daemon answers, else bubblewrap, which is weaker and says so.',
  ),
  WEAK_SANDBOX: withDefault('allow', oneOf('allow', 'refuse'), 'Whether bubblewrap may stand in for Docker: allow or refuse.'),
  DOCKER_HOST: optional(dockerSocket, 'Socket of the Docker daemon, as `unix:///…`. Default: the usual one.'),
  SANDBOX_IMAGE: withDefault(
    'node:22-bookworm-slim',
    orNone(ImageReference),
    'Image tests run in; none: every repository must name its own.',
  ),
  ALLOWED_SANDBOX_IMAGES: withDefault(
    'none',
    list(ImageReference),
    'Images a repository may name besides SANDBOX_IMAGE, separated by commas.',
  ),
  DEFAULT_TEST_COMMAND: withDefault(
    'npm test',
    orNone(TestCommand),
    'The test command; none: every repository must name its own.',
  ),
  ALLOWED_TEST_COMMANDS: withDefault(
    'none',
    list(TestCommand),
    'Commands that may be named besides DEFAULT_TEST_COMMAND: exact strings, separated by commas.',
  ),
  ALLOWED_INSTALL_COMMANDS: withDefault(
    'npm ci --ignore-scripts,pnpm install --frozen-lockfile --ignore-scripts,yarn install --frozen-lockfile --ignore-scripts',
    list(CommandLine),
    'Commands a repository may name to install what its tests need: exact strings, separated by commas; none: no repository may. The approval card shows the one that runs.',
  ),
  INSTALL_EGRESS: withDefault(
    'registry.npmjs.org,registry.yarnpkg.com',
    list(egressHost),
    'Hosts an install command may reach, through the egress proxy: name, name:port, *.suffix; none: it has no network. Tests never have one.',
  ),
  INSTALL_FROM_CHANGED_INPUTS: withDefault(
    'refuse',
    oneOf('refuse', 'allow'),
    'Whether a change may touch a file that an install command reads: refuse, or allow, and packages are then installed as the change says.',
  ),
  INSTALL_CACHE_MIB: withDefault(
    '10240',
    wholeNumber(1, 1_048_576),
    'Space for installed packages in DATA_DIR; what was not used for longest goes first.',
  ),
  SANDBOX_TIMEOUT_SECONDS: withDefault(
    String(DEFAULT_LIMITS.sandboxTimeoutMs / 1_000),
    wholeNumber(1, DAY_SECONDS),
    'Longest run of the tests.',
  ),
  SANDBOX_MEMORY_MIB: withDefault(
    String(DEFAULT_LIMITS.sandboxMemoryBytes / MiB),
    wholeNumber(64, 1_048_576),
    'Memory of the tests, scratch space included.',
  ),
  SANDBOX_PROCESSORS: withDefault(
    String(DEFAULT_LIMITS.sandboxProcessors),
    decimalNumber(0.1, 1_024),
    'Processors the tests may use.',
  ),
  SANDBOX_PROCESSES: withDefault(
    String(DEFAULT_LIMITS.sandboxProcesses),
    wholeNumber(8, 512),
    'Processes and threads the tests may have at once.',
  ),
  SANDBOX_SCRATCH_MIB: withDefault(
    String(DEFAULT_LIMITS.sandboxScratchBytes / MiB),
    wholeNumber(16, 1_048_576),
    'Writable space of the tests.',
  ),
  SANDBOX_SCRATCH_INODES: withDefault(
    String(DEFAULT_LIMITS.sandboxScratchInodes),
    wholeNumber(1_000, 100_000_000),
    'Files in the writable space.',
  ),
  SANDBOX_OUTPUT_MIB: withDefault(
    String(DEFAULT_LIMITS.sandboxOutputBytes / MiB),
    wholeNumber(1, ARTIFACT_BYTES_MAX / MiB),
    'Most output of the tests that is kept.',
  ),
};

const policy = {
  BLOCKED_PATHS: withDefault(
    defaultPolicy.blockedPaths.join(','),
    list(BlockedPath),
    'Globs no change may touch, separated by commas. Setting it replaces this list; git’s own files stay refused.',
  ),
  BLOCKED_PATH_PREFIXES: withDefault(
    'none',
    list(BlockedPath),
    'Beginnings of paths no change may touch, besides BLOCKED_PATHS.',
  ),
  MAX_CHANGED_FILES: withDefault(String(defaultPolicy.filesMax), wholeNumber(1, ENTRIES_JUDGED_MAX), 'Most files of a change.'),
  MAX_CHANGED_LINES: withDefault(
    String(defaultPolicy.changedLinesMax),
    wholeNumber(1, 1_000_000),
    'Most lines of a change, added and removed.',
  ),
  MAX_DIFF_BYTES: withDefault(String(defaultPolicy.patchBytesMax), wholeNumber(1, ARTIFACT_BYTES_MAX), 'Most bytes of a patch.'),
  DISALLOW_BINARY_PATCH: withDefault('true', yesOrNo, 'Whether a change of a binary file is refused.'),
  PATCH_GATE: withDefault(
    defaultPolicy.patchGate,
    oneOf('always', 'risky', 'never'),
    'Whether a person must allow the finished patch too: always, when the policy warns (risky), or never.',
  ),
};

const admission = {
  APPROVAL_TTL_HOURS: withDefault(
    String(APPROVAL_TTL_MS / 3_600_000),
    wholeNumber(1, 720),
    'How long an approval can be given, and holds until its run begins.',
  ),
  RUNNING_MAX: withDefault(
    String(RUNNING_MAX),
    wholeNumber(1, 64),
    'Tasks that run at once, in all processes on one event store together.',
  ),
  RUNNING_PER_REPOSITORY_MAX: withDefault(
    String(RUNNING_PER_REPOSITORY_MAX),
    wholeNumber(1, 64),
    'Tasks that run at once on one repository.',
  ),
  RUNNING_HERE_MAX: optional(
    wholeNumber(1, 64),
    'Of the tasks that run at once, those in this process. Default: RUNNING_MAX. With several workers: what this machine can bear.',
  ),
  WAITING_PER_PERSON_MAX: withDefault(
    String(WAITING_PER_PERSON_MAX),
    wholeNumber(1, 1_000_000),
    'Requests of one person that may wait at once.',
  ),
};

const remotes = {
  SSH_AUTH_SOCK: optional(oneLine, 'Socket of an ssh agent, for remotes over ssh.'),
  HTTPS_PROXY: optional(oneLine, 'Proxy for fetch and push over HTTPS.'),
  NO_PROXY: optional(oneLine, 'Hosts reached without the proxy.'),
};

const chat = {
  TELEGRAM_BOT_TOKEN: {
    ...secret('Token of the bot, as @BotFather shows it. Without it Telegram is off.'),
    parser: botToken,
  },
  TELEGRAM_MODE: withDefault(
    'polling',
    oneOf('polling', 'webhook'),
    'How updates arrive: the service asks for them (polling; nothing has to be reachable), or Telegram sends them to BASE_URL (webhook).',
  ),
  TELEGRAM_WEBHOOK_SECRET: {
    ...secret('Secret that Telegram sends along with each update; for the webhook only. Say, 40 random letters and digits.'),
    parser: webhookSecret,
  },
  BASE_URL: optional(webAddress, 'Public https address of this service; for the webhook only.'),
  TELEGRAM_NOTIFY_CHAT: optional(
    telegramPlace,
    'Group that gets the cards of tasks that were filed elsewhere, such as -1001234567890, or -1001234567890/7 for its topic 7. An admin must have allowed it.',
  ),
  TELEGRAM_API_ROOT: optional(webAddress, 'A Bot API server of one’s own, instead of Telegram’s.'),
};

/** Every variable the service reads, by topic. */
export const TOPICS = {
  'The service': service,
  'Repositories and pull requests': repositories,
  'The coding agent': agent,
  'The sandbox for tests': sandbox,
  'Policy: what a change may be': policy,
  'How much at once': admission,
  'Reaching remotes': remotes,
  Telegram: chat,
} as const;

export const TABLE = { ...service, ...repositories, ...agent, ...sandbox, ...policy, ...admission, ...remotes, ...chat };

export type VariableName = keyof typeof TABLE;

/** The parsed value of every variable. */
export type Values = { readonly [Name in VariableName]: z.output<(typeof TABLE)[Name]['parser']> };
