/** What the launcher is told by one line of JSON on its standard input. */
export interface LaunchOrder {
  readonly argv: readonly string[];
  /** What makes the throw-away history in `folder` before anything else runs there; `null` where there is nothing to work on. */
  readonly history: { readonly script: string; readonly environment: Readonly<Record<string, string>> } | null;
  /** The agent's whole environment but for the proxy variables, which only the launcher knows. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** The agent's standard input; empty closes it. */
  readonly input: string;
  readonly login: readonly { readonly from: string; readonly to: string }[];
  /** From the wish to end until the agent's group is killed, when nobody outside is left to do it. */
  readonly graceMs: number;
}
