import { type InstallStep, inTree } from '../../domain/install-step.ts';
import type { EffectiveConfiguration } from '../../domain/repository-config.ts';
import type { Prepared } from '../../domain/task/shapes.ts';
import { StageFailure } from '../effect.ts';
import { type Installed, InstallFailed } from '../ports/installs.ts';
import type { SandboxRequest } from '../ports/sandbox.ts';
import type { TaskPorts } from './deps.ts';

/** Most bytes of one file that an install command reads; lock files of large projects have a few MiB. */
const INPUT_BYTES_MAX = 16 * 1024 * 1024;

/** What of `path` and `install` does not fit the tree of a commit, as sentences. */
export const placeFaults = async (
  { repositories, installs }: Pick<TaskPorts, 'repositories' | 'installs'>,
  repo: string,
  commit: string,
  { path, install }: Pick<EffectiveConfiguration, 'path' | 'install'>,
): Promise<readonly string[]> => {
  if (path !== null && !(await repositories.isFolder(repo, commit, path))) {
    return [`\`path\` in .countersign.yml names ${path}, which is no folder of the base. Mend it there.`];
  }
  if (install === null) return [];
  const at = (name: string) => repositories.readFile(repo, commit, inTree(path ?? undefined, name), INPUT_BYTES_MAX);
  const inputs = await Promise.all(
    install.inputs.map(async (name) =>
      Buffer.isBuffer(await at(name))
        ? null
        : `\`install.inputs\` in .countersign.yml names ${name}, which is no regular file of the base with at most ${INPUT_BYTES_MAX / 1024 / 1024} MiB.`,
    ),
  );
  const outputs = await Promise.all(
    install.outputs.map(async (name) =>
      (await at(name)) === null
        ? null
        : `\`install.outputs\` in .countersign.yml names ${name}, which is in the base already: only the install step may make it.`,
    ),
  );
  return [installs.refusal, ...inputs, ...outputs].filter((fault) => fault !== null);
};

type Tried = Pick<Prepared, 'repo' | 'baseCommit' | 'path' | 'image' | 'limits'>;

const violation = (sentence: string): never => {
  throw new StageFailure('POLICY_VIOLATION', sentence);
};

/** The bytes the step reads: of the base, and only where the operator allows it of the change. */
const inputsOf = async (
  { repositories }: TaskPorts,
  { repo, baseCommit, path }: Tried,
  { inputs, fromChangedInputs }: InstallStep,
  tree: string,
): Promise<ReadonlyMap<string, Buffer>> => {
  const read = (treeish: string, name: string) => repositories.readFile(repo, treeish, inTree(path, name), INPUT_BYTES_MAX);
  const found = new Map<string, Buffer>();
  for (const name of inputs) {
    const [before, after] = await Promise.all([read(baseCommit, name), read(tree, name)]);
    const isSame = Buffer.isBuffer(before) && Buffer.isBuffer(after) && before.equals(after);
    if (!isSame && !fromChangedInputs) {
      violation(
        `The change touches ${inTree(path, name)}, which decides what is installed for the tests. Rerun the task with feedback to leave it alone, or have the operator set INSTALL_FROM_CHANGED_INPUTS=allow.`,
      );
    }
    if (!Buffer.isBuffer(after)) {
      return violation(
        `The change leaves no regular file at ${inTree(path, name)}, which the install step reads. Rerun the task with feedback.`,
      );
    }
    found.set(name, after);
  }
  return found;
};

/** What the approved install step makes for the tests of `tree`. Throws `StageFailure` where it may not run or does not succeed. */
export const installedFor = async (
  ports: TaskPorts,
  prepared: Tried & { readonly installCommand: InstallStep },
  tree: string,
  run: Pick<SandboxRequest, 'signal' | 'onProgress'>,
): Promise<Installed> => {
  const { repo, path, image, limits, installCommand: step } = prepared;
  for (const output of step.outputs) {
    const found = await ports.repositories.readFile(repo, tree, inTree(path, output), INPUT_BYTES_MAX);
    if (found !== null)
      violation(`The change adds ${inTree(path, output)}, where installed packages stand. Rerun the task with feedback.`);
  }
  const inputs = await inputsOf(ports, prepared, step, tree);
  try {
    return await ports.installs.provide({ owner: ports.owner, image, path, step, inputs, limits, ...run });
  } catch (error) {
    if (!(error instanceof InstallFailed)) throw error;
    throw new StageFailure(error.outcome === 'timed_out' ? 'SANDBOX_TIMEOUT' : 'SANDBOX_FAILED', error.message, error.output);
  }
};
