/** What the launcher is told by one line of JSON on its standard input. */
export interface LaunchOrder {
  readonly argv: readonly string[];
  /** The agent's whole environment but for the proxy variables, which only the launcher knows. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** The agent's standard input; empty closes it. */
  readonly input: string;
  readonly login: readonly { readonly from: string; readonly to: string }[];
  readonly egressSocket: string;
  /** Port of the agent's loopback to listen on; 0 takes a free one. */
  readonly egressPort: number;
  /** From the wish to end until the agent's group is killed, when nobody outside is left to do it. */
  readonly graceMs: number;
}
