import { z } from 'zod';
import { CommandLine, type InstallStep, InstallWish, RelativePath } from './install-step.ts';
import type { Limits } from './limits.ts';
import { narrow, type PolicyWish } from './policy/policy.ts';
import { GateMode, type Policy } from './policy/shapes.ts';

const MiB = 1024 * 1024;

/** Compared whole with what the operator allows, run by a shell in the sandbox only. */
export const TestCommand = CommandLine;

/** A reference such as `node:22-bookworm-slim` or `registry.example/team/image@sha256:…`; never an option. */
export const ImageReference = z
  .string()
  .max(300)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._\-/:@]*$/, { error: 'must be an image reference, for example node:22-bookworm-slim' });

/** See `compileGlob`. */
export const BlockedPath = z
  .string()
  .min(1)
  .max(400)
  .regex(/^[^!\p{Cc}][^\p{Cc}]*$/u, { error: 'must be a glob in one line; there is no negation' });

/** Most globs of one side, so that both together stay within the policy's bound. */
const BLOCKED_PATHS_MAX = 250;

const wholeNumber = z.int({ error: 'must be a whole number' }).min(1, { error: 'must be at least 1' });

const PolicyFile = z.strictObject({
  blocked_paths: z.array(BlockedPath).max(BLOCKED_PATHS_MAX).optional(),
  max_files: wholeNumber.optional(),
  max_changed_lines: wholeNumber.optional(),
  max_patch_bytes: wholeNumber.optional(),
  binary_files: z.enum(['block', 'allow'], { error: 'must be block or allow' }).optional(),
  patch_gate: z.enum(GateMode.options, { error: 'must be always, risky or never' }).optional(),
  weak_sandbox: z.enum(['allow', 'refuse'], { error: 'must be allow or refuse' }).optional(),
});

const LimitsFile = z.strictObject({
  agent_timeout_seconds: wholeNumber.optional(),
  agent_output_mib: wholeNumber.optional(),
  sandbox_timeout_seconds: wholeNumber.optional(),
  sandbox_memory_mib: wholeNumber.optional(),
  sandbox_processors: z.number({ error: 'must be a number' }).positive({ error: 'must be more than 0' }).optional(),
  sandbox_processes: wholeNumber.optional(),
  sandbox_scratch_mib: wholeNumber.optional(),
  sandbox_scratch_inodes: wholeNumber.optional(),
  sandbox_output_mib: wholeNumber.optional(),
});

type LimitsWish = { readonly [Key in keyof Limits]?: Limits[Key] | undefined };

/** What a repository says about itself at the base commit, whichever file it used. */
export interface RepositoryConfig {
  readonly image?: string | undefined;
  readonly testCommand?: string | undefined;
  readonly allowedTestCommands?: readonly string[] | undefined;
  readonly policy?: PolicyWish | undefined;
  readonly limits?: LimitsWish | undefined;
  readonly install?: InstallWish | undefined;
  /** Folder in which the test command runs, and from which the paths of `install` start. */
  readonly path?: string | undefined;
}

const scaled = (amount: number | undefined, unit: number): number | undefined =>
  amount === undefined ? undefined : amount * unit;

const policyWish = (file: z.infer<typeof PolicyFile>): PolicyWish => ({
  blockedPaths: file.blocked_paths,
  filesMax: file.max_files,
  changedLinesMax: file.max_changed_lines,
  patchBytesMax: file.max_patch_bytes,
  binaryFiles: file.binary_files,
  patchGate: file.patch_gate,
  weakSandbox: file.weak_sandbox,
});

const limitsWish = (file: z.infer<typeof LimitsFile>): LimitsWish => ({
  agentTimeoutMs: scaled(file.agent_timeout_seconds, 1_000),
  agentOutputBytes: scaled(file.agent_output_mib, MiB),
  sandboxTimeoutMs: scaled(file.sandbox_timeout_seconds, 1_000),
  sandboxMemoryBytes: scaled(file.sandbox_memory_mib, MiB),
  sandboxProcessors: file.sandbox_processors,
  sandboxProcesses: file.sandbox_processes,
  sandboxScratchBytes: scaled(file.sandbox_scratch_mib, MiB),
  sandboxScratchInodes: file.sandbox_scratch_inodes,
  sandboxOutputBytes: scaled(file.sandbox_output_mib, MiB),
});

/** `.countersign.yml` */
export const CountersignFile = z
  .strictObject({
    image: ImageReference.optional(),
    test: TestCommand.optional(),
    allowed_test_commands: z.array(TestCommand).min(1).max(100).optional(),
    policy: PolicyFile.optional(),
    limits: LimitsFile.optional(),
    install: InstallWish.optional(),
    path: RelativePath.optional(),
  })
  .transform(
    (file): RepositoryConfig => ({
      image: file.image,
      testCommand: file.test,
      allowedTestCommands: file.allowed_test_commands,
      policy: policyWish(file.policy ?? {}),
      limits: limitsWish(file.limits ?? {}),
      install: file.install,
      path: file.path,
    }),
  );

/** `okaydokki.yaml`, the older file, read where the new one is absent. */
export const OkaydokkiFile = z
  .strictObject({
    sandbox_image: ImageReference.optional(),
    test_command: TestCommand.optional(),
    allowed_test_commands: z.array(TestCommand).min(1).max(100).optional(),
  })
  .transform(
    (file): RepositoryConfig => ({
      image: file.sandbox_image,
      testCommand: file.test_command,
      allowedTestCommands: file.allowed_test_commands,
    }),
  );

/** What holds for every repository, and the most any of them may have. */
export interface OperatorDefaults {
  /** `null`: each repository must name its own. */
  readonly image: string | null;
  /** Holds `image`. */
  readonly allowedImages: readonly string[];
  /** `null`: each repository must name its own. */
  readonly testCommand: string | null;
  /** Holds `testCommand`. */
  readonly allowedTestCommands: readonly string[];
  readonly policy: Policy;
  readonly limits: Limits;
  readonly installs: {
    /** Exact commands; empty: no repository may install anything. */
    readonly allowedCommands: readonly string[];
  } & Pick<InstallStep, 'hosts' | 'fromChangedInputs'>;
}

export interface EffectiveConfiguration {
  readonly image: string;
  readonly testCommand: string;
  /** Holds `testCommand`. */
  readonly allowedTestCommands: readonly string[];
  readonly policy: Policy;
  readonly limits: Limits;
  /** `null`: the tests need nothing but the image and the tree. */
  readonly install: InstallStep | null;
  /** Folder in which the test command runs; `null`: the root. */
  readonly path: string | null;
}

/** Limit for limit the tighter of both. */
const tighter = (limits: Limits, wish: LimitsWish): Limits => {
  const least = (key: keyof Limits): number => Math.min(limits[key], wish[key] ?? Number.POSITIVE_INFINITY);
  return {
    agentTimeoutMs: least('agentTimeoutMs'),
    agentOutputBytes: least('agentOutputBytes'),
    sandboxTimeoutMs: least('sandboxTimeoutMs'),
    sandboxMemoryBytes: least('sandboxMemoryBytes'),
    sandboxProcessors: least('sandboxProcessors'),
    sandboxProcesses: least('sandboxProcesses'),
    sandboxScratchBytes: least('sandboxScratchBytes'),
    sandboxScratchInodes: least('sandboxScratchInodes'),
    sandboxOutputBytes: least('sandboxOutputBytes'),
  };
};

const ANOTHER_COMMAND = 'use one of those, or have the operator add it to ALLOWED_TEST_COMMANDS';
const ANOTHER_INSTALL = 'use one of those, or have the operator add it to ALLOWED_INSTALL_COMMANDS';
const ANOTHER_IMAGE = 'use one of those, or have the operator add it to ALLOWED_SANDBOX_IMAGES';

const quoted = (values: readonly string[]): string => values.map((value) => `"${value}"`).join(', ');

const imageFault = (image: string | null, operator: OperatorDefaults): string | null => {
  if (image === null)
    return 'No sandbox image is set: name one as `image` in .countersign.yml, or have the operator set SANDBOX_IMAGE.';
  if (operator.allowedImages.includes(image)) return null;
  return `The sandbox image is not one the operator allows (${quoted(operator.allowedImages)}): ${ANOTHER_IMAGE}.`;
};

const commandFault = (command: string | null, allowed: readonly string[], operator: OperatorDefaults): string | null => {
  if (command === null) {
    return 'No test command is set: name one as `test` in .countersign.yml, or have the operator set DEFAULT_TEST_COMMAND.';
  }
  if (allowed.includes(command)) return null;
  if (operator.allowedTestCommands.includes(command))
    return 'The test command is left out of the repository’s own `allowed_test_commands`: add it there.';
  return `The test command is not one the operator allows (${quoted(operator.allowedTestCommands)}): ${ANOTHER_COMMAND}.`;
};

const installFault = (install: InstallWish | undefined, { installs }: OperatorDefaults): string | null => {
  if (install === undefined || installs.allowedCommands.includes(install.run)) return null;
  if (installs.allowedCommands.length === 0)
    return 'The operator allows no install command: take `install` out of .countersign.yml, or have ALLOWED_INSTALL_COMMANDS set.';
  return `The install command is not one the operator allows (${quoted(installs.allowedCommands)}): ${ANOTHER_INSTALL}.`;
};

/**
 * What holds for one repository: point for point the stricter of what the operator and the repository say, so a file can only narrow and a
 * looser wish changes nothing. An image or command the operator does not allow is a fault; all faults come back, as sentences.
 */
export const effectiveConfiguration = (
  operator: OperatorDefaults,
  file: RepositoryConfig | null,
): { readonly ok: EffectiveConfiguration } | { readonly faults: readonly string[] } => {
  const image = file?.image ?? operator.image;
  const testCommand = file?.testCommand ?? operator.testCommand;
  const wished = file?.allowedTestCommands;
  const allowedTestCommands = operator.allowedTestCommands.filter((command) => wished === undefined || wished.includes(command));
  const faults = [
    imageFault(image, operator),
    commandFault(testCommand, allowedTestCommands, operator),
    installFault(file?.install, operator),
  ].filter((fault) => fault !== null);
  if (image === null || testCommand === null || faults.length > 0) return { faults };

  const policy = narrow(operator.policy, file?.policy ?? {});
  const limits = tighter(operator.limits, file?.limits ?? {});
  const { hosts, fromChangedInputs } = operator.installs;
  const install = file?.install === undefined ? null : { ...file.install, hosts, fromChangedInputs };
  return { ok: { image, testCommand, allowedTestCommands, policy, limits, install, path: file?.path ?? null } };
};
