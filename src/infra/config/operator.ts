import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { leftBehind, okayDokkiNotes } from '../okaydokki/environment.ts';
import type { Configuration } from './configuration.ts';
import { contradictions, PLACEHOLDER, type Said } from './contradictions.ts';
import { operatorDefaults } from './operator-defaults.ts';
import { TABLE, type Values, type VariableName } from './table.ts';

const MiB = 1024 * 1024;

export type Environment = Readonly<Record<string, string | undefined>>;

export type Reading =
  /** `notes`: sentences for the log, about what is set and has no effect. */
  { readonly configuration: Configuration; readonly notes: readonly string[] } | { readonly faults: readonly string[] };

/** Without names that have nothing in them. The real environment wins over `.env`. */
const merged = (env: Environment, dotenv: Environment): Said => {
  const said = (one: Environment) =>
    Object.entries(one).flatMap(([name, text = '']) => (text.trim() === '' ? [] : [[name, text.trim()] as const]));
  return new Map([...said(dotenv), ...said(env)]);
};

/** What is wrong with a text, without repeating it. */
const complaint = (name: VariableName, text: string): string | null => {
  if (PLACEHOLDER.test(text)) return 'still holds a placeholder: set it, or take the line out';
  if (/\p{Cc}/u.test(text)) return 'must be one line without control characters';
  const result = TABLE[name].parser.safeParse(text);
  return result.success ? null : (result.error.issues[0]?.message ?? 'is not understood');
};

const names = Object.keys(TABLE) as VariableName[]; // `Object.keys` forgets the names it was given.

/** The value of every variable, or of its default where the text is faulty, and a sentence for each that is. */
const parsed = (environment: Said): { readonly values: Values; readonly faults: ReadonlyMap<VariableName, string> } => {
  const faults = new Map<VariableName, string>();
  const values = names.map((name) => {
    const { parser, fallback } = TABLE[name];
    const text = environment.get(name);
    const fault = text === undefined ? null : complaint(name, text);
    if (fault !== null) faults.set(name, `${name} ${fault}.`);
    const good = fault === null && text !== undefined ? text : fallback;
    return [name, good === null ? null : parser.parse(good)];
  });
  return { values: Object.fromEntries(values) as Values, faults }; // Each value came from the parser that its type is read off.
};

const environmentOfAgent = (values: Values, environment: Said): Record<string, string> => {
  const keys = values.AGENT_AUTH_MODE === 'api' ? values.AGENT_API_KEY_VARS : [];
  const handed = new Set([...keys, ...values.AGENT_ENV_PASS]);
  return Object.fromEntries([...environment].filter(([name]) => handed.has(name)));
};

const defined = (variables: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));

const configurationOf = (values: Values, environment: Said): Configuration => {
  const dataFolder = resolve(values.DATA_DIR);
  const home = environment.get('HOME') ?? homedir();
  const fromHome = (path: string): string => (path.startsWith('~/') ? join(home, path.slice(2)) : path);
  return {
    role: values.ROLE,
    host: values.HOST,
    port: values.PORT,
    logLevel: values.LOG_LEVEL,
    dataFolder,
    artifactFolder: values.ARTIFACT_DIR === null ? join(dataFolder, 'artifacts') : resolve(values.ARTIFACT_DIR),
    artifactStore: values.ARTIFACT_STORE && {
      ...values.ARTIFACT_STORE,
      endpoint: values.ARTIFACT_STORE_ENDPOINT,
      region: values.ARTIFACT_STORE_REGION,
      keyId: values.ARTIFACT_STORE_KEY_ID ?? '',
      secret: values.ARTIFACT_STORE_SECRET ?? '',
    },
    artifactRetention: {
      ageMsMax: values.ARTIFACT_DAYS * 86_400_000,
      bytesMax: values.ARTIFACT_MIB * MiB,
    },
    auditFile: values.AUDIT_LOG_PATH === null ? join(dataFolder, 'audit.jsonl') : resolve(values.AUDIT_LOG_PATH),
    eventStoreUrl: values.EVENTSTORE_URL,
    repositories: {
      snapshotRoot: resolve(values.REPO_SNAPSHOT_ROOT),
      defaultRepository: values.DEFAULT_REPO,
      baseBranch: values.BASE_BRANCH,
    },
    forge: { kind: values.FORGE, host: values.GH_HOST, token: values.GH_TOKEN ?? values.GITHUB_TOKEN },
    remotes: {
      sshAuthSock: values.SSH_AUTH_SOCK,
      variables: defined({ HTTPS_PROXY: values.HTTPS_PROXY, NO_PROXY: values.NO_PROXY }),
    },
    agent: {
      provider: values.AGENT_PROVIDER,
      template: values.AGENT_CLI_TEMPLATE,
      model: values.AGENT_MODEL ?? '',
      isolation: values.AGENT_ISOLATION,
      authMode: values.AGENT_AUTH_MODE,
      configFile: values.AGENT_CONFIG_FILE === null ? null : fromHome(values.AGENT_CONFIG_FILE),
      loginPaths: values.AGENT_LOGIN_PATHS.map(fromHome),
      apiKeyVars: values.AGENT_API_KEY_VARS,
      envPass: values.AGENT_ENV_PASS,
      environment: environmentOfAgent(values, environment),
      egress: values.AGENT_EGRESS,
      sessionCheckCommand: values.AGENT_SESSION_CHECK_CMD,
    },
    sandbox: {
      kind: values.SANDBOX,
      dockerSocket: values.DOCKER_HOST,
      installCacheBytes: values.INSTALL_CACHE_MIB * MiB,
    },
    operator: operatorDefaults(values),
    admission: {
      runningMax: values.RUNNING_MAX,
      runningPerRepositoryMax: values.RUNNING_PER_REPOSITORY_MAX,
      runningHereMax: values.RUNNING_HERE_MAX ?? values.RUNNING_MAX,
      waitingPerPersonMax: values.WAITING_PER_PERSON_MAX,
    },
    approvalTtlMs: values.APPROVAL_TTL_HOURS * 3_600_000,
    telegram: {
      botToken: values.TELEGRAM_BOT_TOKEN,
      mode: values.TELEGRAM_MODE,
      webhookSecret: values.TELEGRAM_WEBHOOK_SECRET,
      apiRoot: values.TELEGRAM_API_ROOT,
      baseUrl: values.BASE_URL,
      notifyPlace: values.TELEGRAM_NOTIFY_CHAT,
    },
  };
};

/** A misspelt name would leave a limit at its default without a word. */
const notesOn = (dotenv: Environment, configuration: Configuration): string[] => {
  const { agent, telegram } = configuration;
  const names = Object.keys(dotenv);
  return [
    ...okayDokkiNotes(names, configuration),
    ...names
      .filter((name) => !Object.hasOwn(TABLE, name) && !agent.apiKeyVars.includes(name) && !agent.envPass.includes(name))
      .map((name) => {
        const known = leftBehind(name);
        return known === undefined
          ? `${name.slice(0, 100)} in .env is not a variable of this service; check its spelling.`
          : `${name} in .env ${known}`;
      }),
    ...(agent.template === null || /OKD_INTENT|\{\{intent\}\}/.test(agent.template)
      ? []
      : [
          'AGENT_CLI_TEMPLATE names neither "$OKD_INTENT" nor {{intent}}: the agent must read the variable by itself, or it never learns what to do.',
        ]),
    ...(telegram.botToken === null && telegram.notifyPlace !== null
      ? ['TELEGRAM_NOTIFY_CHAT has no effect without TELEGRAM_BOT_TOKEN.']
      : []),
  ];
};

/**
 * Reads the operator's configuration once: `env` is the real environment, `dotenvText` the content of `.env`. Either all of it is good, or
 * every fault comes back as a sentence that says what to do and never repeats a value.
 */
export const readConfiguration = (env: Environment, dotenvText = ''): Reading => {
  const dotenv: Environment = parseEnv(dotenvText.replace(/^\ufeff/, ''));
  const environment = merged(env, dotenv);
  const { values, faults } = parsed(environment);
  const together = contradictions(values, environment).filter(({ of, holds }) => holds && !of.some((name) => faults.has(name)));
  const sentences = [...faults.values(), ...together.map(({ sentence }) => sentence)];
  if (sentences.length > 0) return { faults: [...new Set(sentences)] };
  const configuration = configurationOf(values, environment);
  return { configuration, notes: notesOn(dotenv, configuration) };
};
