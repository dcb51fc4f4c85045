import { DEFAULT_LIMITS, type Limits } from '../../src/domain/limits.ts';

const MiB = 1024 * 1024;

/** Small enough that every limit is reached quickly. */
export const LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  sandboxTimeoutMs: 30_000,
  sandboxMemoryBytes: 512 * MiB,
  sandboxProcesses: 64,
  sandboxScratchBytes: 32 * MiB,
  sandboxScratchInodes: 2_000,
  sandboxOutputBytes: 64 * 1024,
};
