/** A file or folder of this machine that the agent sees read-only. `to` is a path below `/opt/` inside. */
export interface AgentMount {
  readonly from: string;
  readonly to: string;
}

export interface AgentProfileConfig {
  readonly name: string;
  readonly kind: 'codex' | 'template';
  /** `codex`: the CLI's name or absolute path. `template`: the shell command with its placeholders. */
  readonly command: string;
  /** Shown on the card and approved. For `codex` also what the CLI is told; empty leaves the choice to the CLI. */
  readonly model: string;
  /** More arguments for the `codex` CLI, such as `-c key=value`. */
  readonly extraArguments?: readonly string[];
  /** Absolute; the `config.toml` that the `codex` CLI gets. Copied like a login, however it signs in; the agent can read it. */
  readonly configFile?: string;
  /** Absolute; the files and folders that make the login. Copied into the private home for the run, never written back. */
  readonly loginPaths: readonly string[];
  /** `host`, `host:port`, `*.suffix` or `*.suffix:port`; port 443 unless said. */
  readonly allowedHosts: readonly string[];
  /** `session`: the login paths and no key. `api`: the variables named in `apiKeyVars` and no login. */
  readonly authMode: 'session' | 'api';
  readonly apiKeyVars: readonly string[];
  readonly mounts?: readonly AgentMount[];
  /** Shell command that exits 0 when the login works; preflight runs it where the agent runs. */
  readonly sessionCheckCommand?: string;
}

export interface AgentsConfig {
  /** Absolute; never visible to an agent. Sockets and private homes of runs stand in its `run/agent`. */
  readonly dataFolder: string;
  readonly profiles: readonly AgentProfileConfig[];
  readonly isolation: 'bubblewrap' | 'none';
  /** Names of variables every agent gets from `environment`. */
  readonly envPass: readonly string[];
  /** The operator's own list, written as `allowedHosts`. Only here does `host:port` allow a private address or a literal one. */
  readonly egressHosts: readonly string[];
  /** The service's environment: values are picked by name, nothing else of it is handed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** In front of the log, progress, meta data and sentences. */
  readonly redact: (text: string) => string;
}
