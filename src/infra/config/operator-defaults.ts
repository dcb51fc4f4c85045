import { narrow } from '../../domain/policy/policy.ts';
import type { Policy } from '../../domain/policy/shapes.ts';
import type { OperatorDefaults } from '../../domain/repository-config.ts';
import type { Values } from './table.ts';

const MiB = 1024 * 1024;

/** A beginning of paths as globs from the root: `secrets/` is all in that folder, `db/mig` also `db/migrations/1.sql`. */
export const prefixGlob = (prefix: string): string => {
  const rooted = `/${prefix.replace(/^(?:\.?\/)+/, '')}`;
  return rooted.endsWith('/') ? rooted : `${rooted}*`;
};

const policyOf = (values: Values): Policy => {
  const policy: Policy = {
    blockedPaths: values.BLOCKED_PATHS,
    binaryFiles: values.DISALLOW_BINARY_PATCH ? 'block' : 'allow',
    filesMax: values.MAX_CHANGED_FILES,
    changedLinesMax: values.MAX_CHANGED_LINES,
    patchBytesMax: values.MAX_DIFF_BYTES,
    patchGate: values.PATCH_GATE,
    weakSandbox: values.WEAK_SANDBOX,
  };
  return narrow(policy, { blockedPaths: values.BLOCKED_PATH_PREFIXES.map(prefixGlob) });
};

const withOwn = (own: string | null, others: readonly string[]): string[] => [
  ...new Set(own === null ? others : [own, ...others]),
];

export const operatorDefaults = (values: Values): OperatorDefaults => ({
  image: values.SANDBOX_IMAGE,
  allowedImages: withOwn(values.SANDBOX_IMAGE, values.ALLOWED_SANDBOX_IMAGES),
  testCommand: values.DEFAULT_TEST_COMMAND,
  allowedTestCommands: withOwn(values.DEFAULT_TEST_COMMAND, values.ALLOWED_TEST_COMMANDS),
  policy: policyOf(values),
  limits: {
    agentTimeoutMs: values.AGENT_TIMEOUT_SECONDS * 1_000,
    agentOutputBytes: values.AGENT_OUTPUT_MIB * MiB,
    sandboxTimeoutMs: values.SANDBOX_TIMEOUT_SECONDS * 1_000,
    sandboxMemoryBytes: values.SANDBOX_MEMORY_MIB * MiB,
    sandboxProcessors: values.SANDBOX_PROCESSORS,
    sandboxProcesses: values.SANDBOX_PROCESSES,
    sandboxScratchBytes: values.SANDBOX_SCRATCH_MIB * MiB,
    sandboxScratchInodes: values.SANDBOX_SCRATCH_INODES,
    sandboxOutputBytes: values.SANDBOX_OUTPUT_MIB * MiB,
  },
  installs: {
    allowedCommands: values.ALLOWED_INSTALL_COMMANDS,
    hosts: values.INSTALL_EGRESS,
    fromChangedInputs: values.INSTALL_FROM_CHANGED_INPUTS === 'allow',
  },
});
