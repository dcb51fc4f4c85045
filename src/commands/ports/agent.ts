import type { Digest } from '../../domain/canonical.ts';
import type { Limits } from '../../domain/limits.ts';

/** What the card shows about an agent, and what an approval covers. */
export interface AgentIdentity {
  readonly name: string;
  readonly model: string;
  readonly isolation: 'bubblewrap' | 'none';
  /** Digest of everything else the operator says about it: command, login, keys, variables, hosts. */
  readonly profile: Digest;
}

export interface AgentRequest {
  /** Names folders, processes and logs; unique for each execution. */
  readonly key: string;
  readonly agent: string;
  /** Absolute; made, empty. */
  readonly workFolder: string;
  /** Puts the starting tree into the work folder, without `.git`; called once everything else gets ready. The runner adds the throw-away history. */
  readonly fill: () => Promise<void>;
  /** Absolute; made, empty, writable by the agent only. Holds the old patch on a merge conflict. */
  readonly outFolder: string;
  readonly taskId: string;
  readonly repository: string;
  readonly branch: string;
  readonly triggerUser: string;
  readonly intent: string;
  readonly feedback?: string;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  /** One short line of what the agent is doing now, already redacted. */
  readonly onProgress: (line: string) => void;
  /** Takes what is left to tidy up once the outcome is recorded: folders, never a process. */
  readonly afterwards: (work: () => Promise<void>) => void;
}

export interface AgentResult {
  readonly outcome: 'finished' | 'failed' | 'timed_out';
  readonly exitCode: number | null;
  /** A sentence a person can act on, when it did not finish. */
  readonly sentence?: string;
  /** Redacted output, standard output and error together, cut at the limit. */
  readonly log: Buffer;
  readonly durationMs: number;
  /** `agent.meta.json`: flat strings, or what the profile read from the CLI's own events (`session`, `model`, `tokens_in`, `tokens_out`). */
  readonly meta: Readonly<Record<string, string>>;
  /** `host:port` the agent asked for, and whether the proxy let it. At most 100. */
  readonly egress: readonly { readonly host: string; readonly allowed: boolean }[];
}

/** Runs a coding agent on a folder. Everything it starts is gone when `run` resolves or rejects (aborting `signal` rejects with its reason). */
export interface Agents {
  list(): readonly AgentIdentity[];
  run(request: AgentRequest): Promise<AgentResult>;
  /** Ends and removes what an earlier process of this machine left. */
  reap(): Promise<void>;
}
