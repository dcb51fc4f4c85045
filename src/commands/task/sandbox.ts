import { canonicalJson } from '../../domain/canonical.ts';
import type { TaskCommandData } from '../../domain/task/commands.ts';
import type { Task } from '../../domain/task/state.ts';
import { ownText } from '../../domain/text.ts';
import { type Effect, StageFailure } from '../effect.ts';
import { ImageMissing, type SandboxResult } from '../ports/sandbox.ts';
import { fenceOf, taskClaim } from './claim.ts';
import { configurationAt } from './configuration.ts';
import type { TaskPorts } from './deps.ts';
import { installedFor } from './install.ts';

type AtSandbox = Extract<Task, { status: 'RUNNING'; stage: 'sandbox' }>;

const VERDICTS = {
  passed: { errorCode: null, sentence: 'The tests passed.' },
  tests_failed: {
    errorCode: 'TEST_FAILED',
    sentence: 'The tests failed on the agent’s change. Read the test log, then rerun the task with feedback.',
  },
  timed_out: {
    errorCode: 'SANDBOX_TIMEOUT',
    sentence: 'The tests took longer than they may. Have the limit raised, or the tests made shorter, then rerun the task.',
  },
  out_of_memory: {
    errorCode: 'SANDBOX_FAILED',
    sentence: 'The tests ran out of memory. Have the limit raised, or the tests made smaller, then rerun the task.',
  },
  sandbox_failed: {
    errorCode: 'SANDBOX_FAILED',
    sentence: 'The sandbox could not run the tests. Read the test log, then rerun the task.',
  },
} as const satisfies Record<
  SandboxResult['outcome'],
  { errorCode: TaskCommandData<'FinishTests'>['errorCode']; sentence: string }
>;

/** What was approved must still be what this worker has and allows. */
const stillAllowed = async (ports: TaskPorts, { evidence: { prepared } }: AtSandbox): Promise<void> => {
  const refuse = (sentence: string): never => {
    throw new StageFailure('RUNTIME_CONFIG_MISSING', sentence);
  };
  if (prepared.installCommand !== null && ports.installs.refusal !== null) refuse(ports.installs.refusal);
  const configured = await configurationAt(ports, prepared.repo, prepared.baseCommit);
  if ('faults' in configured || !configured.ok.allowedTestCommands.includes(prepared.testCommand)) {
    return refuse('The approved test command is no longer allowed here. Rerun the task.');
  }
  if (canonicalJson(configured.ok.install) !== canonicalJson(prepared.installCommand)) {
    refuse('The approved install step, or what it may reach, is no longer what is allowed here. Rerun the task.');
  }
  if (ports.sandboxes.kind === 'bubblewrap' && prepared.policy.weakSandbox === 'refuse') {
    refuse('Policy refuses bubblewrap as the sandbox. Start Docker on the service’s machine, then rerun the task.');
  }
  const image = await ports.sandboxes.resolveImage(prepared.image.reference).catch((error: unknown) => {
    if (error instanceof ImageMissing) return refuse(error.message);
    throw error;
  });
  if (image.kind !== prepared.image.kind || image.id !== prepared.image.id) {
    refuse('The sandbox image is no longer the one that was approved. Rerun the task.');
  }
};

/** Runs the approved test command on exactly the judged tree, without network. */
export const sandboxEffect = (ports: TaskPorts): Effect<Task> => ({
  weight: 'continues',
  claim: taskClaim(ports.artifacts),
  run: async (task, _, { key, signal, progress, afterwards }) => {
    if (task.status !== 'RUNNING' || task.stage !== 'sandbox') return undefined;
    const { repositories, artifacts, sandboxes, workspaces, clock } = ports;
    const { prepared, collected } = task.evidence;
    const { patch } = collected;
    await stillAllowed(ports, task);
    if (!patch) throw new StageFailure('POLICY_VIOLATION', 'The change has no patch that a person could read. Rerun the task.');
    await repositories.ensureTree(prepared.repo, collected.tree, prepared.baseCommit, () => artifacts.get(patch), signal);

    afterwards(() => workspaces.remove(key));
    const treeFolder = await workspaces.furnish(await workspaces.make(key), 'repo', {});
    const { installCommand } = prepared;
    const run = { signal, onProgress: progress };
    await using installed =
      installCommand === null ? null : await installedFor(ports, { ...prepared, installCommand }, collected.tree, run);
    const result = await sandboxes.run({
      key,
      owner: ports.owner,
      image: prepared.image,
      treeFolder,
      fill: () => repositories.writeOut(prepared.repo, collected.tree, treeFolder, signal),
      command: prepared.testCommand,
      path: prepared.path,
      dependencies: installed?.dependencies,
      limits: prepared.limits,
      afterwards,
      ...run,
    });
    const { errorCode, sentence } = VERDICTS[result.outcome];
    const data: TaskCommandData<'FinishTests'> = {
      ...fenceOf(task),
      tests: {
        tree: collected.tree,
        passed: result.outcome === 'passed',
        exitCode: result.exitCode,
        log: await artifacts.put(result.log),
        durationMs: Math.round(result.durationMs),
      },
      errorCode,
      sentence: ownText(result.sentence ?? sentence),
      approvalId: clock.uuid(),
      expiresAt: new Date(Date.parse(clock.now()) + ports.approvalTtlMs).toISOString(),
    };
    return { type: 'FinishTests', data };
  },
});
