import { z } from 'zod';

const bytes = z.int().min(1);
const count = z.int().min(1);

/** What one attempt may use; shown on the approval card and part of what is approved. Defaults: docs/architecture.md, "Limits". */
export const Limits = z.object({
  agentTimeoutMs: count,
  agentOutputBytes: bytes,
  sandboxTimeoutMs: count,
  sandboxMemoryBytes: bytes,
  sandboxProcessors: z.number().positive(),
  sandboxProcesses: count,
  sandboxScratchBytes: bytes,
  sandboxScratchInodes: count,
  sandboxOutputBytes: bytes,
});
export type Limits = z.infer<typeof Limits>;

const MiB = 1024 * 1024;

export const DEFAULT_LIMITS: Limits = {
  agentTimeoutMs: 30 * 60_000,
  agentOutputBytes: 10 * MiB,
  sandboxTimeoutMs: 15 * 60_000,
  sandboxMemoryBytes: 2048 * MiB,
  sandboxProcessors: 2,
  sandboxProcesses: 256,
  sandboxScratchBytes: 1024 * MiB,
  sandboxScratchInodes: 500_000,
  sandboxOutputBytes: 5 * MiB,
};

export const INTENT_CHARACTERS_MAX = 8_000;
export const APPROVAL_TTL_MS = 24 * 3_600_000;
export const EXECUTIONS_MAX = 3;
/** How long a stage waits after the first, the second, … failure of something outside, in milliseconds; the last for all that follow. */
export const RETRY_DELAYS_MS: readonly number[] = [5_000, 30_000, 120_000];
export const ATTEMPTS_MAX = 20;
export const CLARIFICATIONS_MAX = 20;
/** Of one attempt: each look costs a fetch and two events. */
export const PREPARATIONS_MAX = 100;
export const WAITING_PER_PERSON_MAX = 100;
export const RUNNING_MAX = 4;
export const RUNNING_PER_REPOSITORY_MAX = 2;
export const ARTIFACT_BYTES_MAX = 10 * MiB;
export const REQUEST_BODY_BYTES_MAX = 256 * 1024;
export const HEARTBEAT_MS = 10_000;
export const TAKEOVER_AFTER_MS = 30_000;
