import type { OperatorDefaults } from '../../domain/repository-config.ts';
import type { Retention } from '../artifact-retention.ts';
import type { S3Place } from '../s3-artifacts.ts';
import type { Place } from '../telegram/place.ts';

/** Everything the operator says, parsed once at the start and passed on as values. Folders and files are absolute. Holds secrets: never logged. */
export interface Configuration {
  /** What this process does: everything, answer people, or carry out tasks. All but `all` share a log on a server. */
  readonly role: 'all' | 'api' | 'worker';
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly dataFolder: string;
  readonly artifactFolder: string;
  /** `null`: artifacts are files in `artifactFolder`. */
  readonly artifactStore: S3Place | null;
  readonly artifactRetention: Retention;
  readonly auditFile: string;
  /** `null`: an SQLite file in the data folder. May hold a password. */
  readonly eventStoreUrl: string | null;
  readonly repositories: {
    readonly snapshotRoot: string;
    readonly defaultRepository: string | null;
    readonly baseBranch: string;
  };
  readonly forge: {
    readonly kind: 'local' | 'github';
    /** Host name, with a port where it is not the usual one. */
    readonly host: string;
    /** `null`: the login of `gh`. */
    readonly token: string | null;
  };
  /** For fetch and push. */
  readonly remotes: {
    readonly sshAuthSock: string | null;
    /** Proxy variables by their own names. */
    readonly variables: Readonly<Record<string, string>>;
  };
  readonly agent: {
    readonly provider: 'codex' | 'claude' | 'gemini' | 'custom';
    /** `null`: the ready profile of the provider. */
    readonly template: string | null;
    /** Empty: the agent chooses. */
    readonly model: string;
    readonly isolation: 'bubblewrap' | 'none';
    readonly authMode: 'session' | 'api';
    /** Absolute; `null`: the agent has its defaults. */
    readonly configFile: string | null;
    /** Absolute. */
    readonly loginPaths: readonly string[];
    readonly apiKeyVars: readonly string[];
    readonly envPass: readonly string[];
    /** Values of `apiKeyVars` and `envPass` only. */
    readonly environment: Readonly<Record<string, string>>;
    readonly egress: readonly string[];
    readonly sessionCheckCommand: string | null;
  };
  readonly sandbox: {
    readonly kind: 'auto' | 'docker' | 'bubblewrap';
    /** Absolute; `null`: the usual one. */
    readonly dockerSocket: string | null;
    /** Most bytes of installed packages that are kept. */
    readonly installCacheBytes: number;
  };
  /** What every repository starts from and can only narrow. */
  readonly operator: OperatorDefaults;
  readonly admission: {
    readonly runningMax: number;
    readonly runningPerRepositoryMax: number;
    /** In this process. */
    readonly runningHereMax: number;
    readonly waitingPerPersonMax: number;
  };
  readonly approvalTtlMs: number;
  readonly telegram: {
    /** `null`: Telegram is off. */
    readonly botToken: string | null;
    readonly mode: 'polling' | 'webhook';
    readonly webhookSecret: string | null;
    /** `null`: Telegram's own. */
    readonly apiRoot: string | null;
    /** Public address of this service, for the webhook. */
    readonly baseUrl: string | null;
    /** Gets the cards of tasks that were filed elsewhere. */
    readonly notifyPlace: Place | null;
  };
}

const passwordOf = (url: string | null | undefined): string[] => {
  const password = /^[a-z+]+:\/\/[^\s/@:]+:([^\s/@]+)@/.exec(url ?? '')?.[1];
  if (password === undefined) return [];
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
};

/** Every value that must never leave the process: for the redactor, and to be looked for in changes. */
export const secretsOf = ({
  eventStoreUrl,
  artifactStore,
  forge,
  remotes,
  agent,
  telegram,
}: Configuration): readonly string[] => {
  const keys = agent.apiKeyVars.map((name) => agent.environment[name]);
  const passwords = [eventStoreUrl, remotes.variables.HTTPS_PROXY].flatMap(passwordOf);
  const all = [
    artifactStore?.keyId,
    artifactStore?.secret,
    forge.token,
    telegram.botToken,
    telegram.webhookSecret,
    ...keys,
    ...passwords,
  ];
  return [...new Set(all.filter((value) => value !== null && value !== undefined))];
};
