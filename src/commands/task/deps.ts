import type { EffectiveConfiguration, OperatorDefaults, RepositoryConfig } from '../../domain/repository-config.ts';
import type { Agents } from '../ports/agent.ts';
import type { Artifacts } from '../ports/artifacts.ts';
import type { Clock } from '../ports/clock.ts';
import type { Forge } from '../ports/forge.ts';
import type { Installs } from '../ports/installs.ts';
import type { Repositories } from '../ports/repositories.ts';
import type { Sandboxes } from '../ports/sandbox.ts';
import type { Workspaces } from '../ports/workspaces.ts';

/** The parts of the outside that a task's stages work with. */
export interface TaskPorts {
  readonly repositories: Repositories;
  readonly agents: Agents;
  readonly sandboxes: Sandboxes;
  readonly installs: Installs;
  readonly forge: Forge;
  readonly artifacts: Artifacts;
  readonly workspaces: Workspaces;
  readonly clock: Clock;
  readonly operator: OperatorDefaults;
  /** Labels containers, so that only this service's are reaped. */
  readonly owner: string;
  readonly approvalTtlMs: number;
  /** What the repository's own file says; its faults as sentences. */
  readonly parseRepositoryFile: (
    bytes: Buffer,
    flavour: 'countersign' | 'okaydokki',
  ) => { readonly config: RepositoryConfig } | { readonly faults: readonly string[] };
}

export type Configured = { readonly ok: EffectiveConfiguration } | { readonly faults: readonly string[] };
