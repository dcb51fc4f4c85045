import { policyDigest } from '../../domain/policy/policy.ts';
import type { EffectiveConfiguration } from '../../domain/repository-config.ts';
import type { TaskCommandData } from '../../domain/task/commands.ts';
import type { Agent, ClarifyReason, Image, Prepared } from '../../domain/task/shapes.ts';
import type { PresentTask, Task } from '../../domain/task/state.ts';
import { ownText, textOf } from '../../domain/text.ts';
import type { Effect, Order } from '../effect.ts';
import { ArtifactMissing } from '../ports/artifacts.ts';
import type { RunnerLog } from '../ports/log.ts';
import { OutsideFailure, outsideFailure, RepositoryProblem, type ResolvedBase } from '../ports/repositories.ts';
import { ImageMissing } from '../ports/sandbox.ts';
import { configurationAt } from './configuration.ts';
import type { TaskPorts } from './deps.ts';

/** Something is missing that a person can supply. */
class Missing extends Error {
  override readonly name = 'Missing';
  readonly reason: ClarifyReason;
  constructor(reason: ClarifyReason, sentence: string) {
    super(sentence);
    this.reason = reason;
  }
}

const agentOf = ({ agents }: TaskPorts, name: string): Agent => {
  const known = agents.list();
  const found = known.find((agent) => agent.name === name);
  if (found) return found;
  const names = known.map((agent) => agent.name).join(', ') || 'none is configured';
  throw new Missing(
    'RUNTIME_CONFIG_MISSING',
    `This agent is not configured here (there is: ${names}). Clarify with another agent.`,
  );
};

const imageOf = async ({ sandboxes }: TaskPorts, configuration: EffectiveConfiguration): Promise<Image> => {
  if (sandboxes.kind === 'bubblewrap' && configuration.policy.weakSandbox === 'refuse') {
    throw new Missing(
      'RUNTIME_CONFIG_MISSING',
      'Policy refuses bubblewrap as the sandbox. Start Docker on the service’s machine, then retry.',
    );
  }
  try {
    return await sandboxes.resolveImage(configuration.image);
  } catch (error) {
    if (error instanceof ImageMissing || error instanceof OutsideFailure)
      throw new Missing('RUNTIME_CONFIG_MISSING', error.message);
    throw error;
  }
};

/** With feedback the agent goes on from the last collected tree, merged onto the fresh base. */
const startOf = async (
  { repositories, artifacts }: TaskPorts,
  { repo, feedback, lastChange }: PresentTask,
  base: ResolvedBase,
): Promise<Pick<Prepared, 'startTree' | 'startFrom'>> => {
  if (feedback === null || lastChange === null || lastChange.repo !== repo) return { startTree: base.tree, startFrom: 'base' };
  const { tree, baseCommit, patch } = lastChange;
  // Put again, it counts as new: whoever began to clear away while the task was over leaves it. Without it the tree may do.
  await artifacts
    .get(patch)
    .then(artifacts.put)
    .catch(() => undefined);
  try {
    await repositories.ensureTree(repo, tree, baseCommit, () => artifacts.get(patch));
    const merged = await repositories.mergeOnto(repo, tree, baseCommit, base.commit);
    if (merged !== null) return { startTree: merged, startFrom: 'last_attempt' };
    await artifacts.get(patch); // The agent is given it.
    return { startTree: base.tree, startFrom: 'base_after_conflict' };
  } catch (error) {
    // The task was over for so long that nobody keeps what it came to.
    if (error instanceof ArtifactMissing) return { startTree: base.tree, startFrom: 'base' };
    throw error;
  }
};

const testCommandOf = ({ testCommand }: PresentTask, configuration: EffectiveConfiguration): string => {
  const wanted = testCommand === null ? configuration.testCommand : textOf(testCommand);
  if (configuration.allowedTestCommands.includes(wanted)) return wanted;
  const allowed = configuration.allowedTestCommands.map((command) => `"${command}"`).join(', ');
  throw new Missing(
    'RUNTIME_CONFIG_MISSING',
    `This test command is not allowed for the repository. Clarify with one of: ${allowed}.`,
  );
};

const prepared = async (ports: TaskPorts, task: PresentTask, signal: AbortSignal): Promise<Prepared> => {
  const { repo, base } = task;
  // Who has it looked at again, or starts another attempt, means the base as it is by now.
  const isFirstLook = task.attempt === 1 && task.preparation === 0;
  const resolved = await ports.repositories.resolveBase(repo, base, isFirstLook ? 'shared' : 'fresh', signal);
  const configured = await configurationAt(ports, repo, resolved.commit);
  if ('faults' in configured) throw new Missing('RUNTIME_CONFIG_MISSING', configured.faults.join(' '));
  const { ok: configuration } = configured;
  return {
    repo,
    remote: resolved.remote,
    base,
    baseCommit: resolved.commit,
    ...(await startOf(ports, task, resolved)),
    agent: agentOf(ports, task.agent),
    testCommand: testCommandOf(task, configuration),
    installCommand: configuration.install,
    ...(configuration.path !== null && { path: configuration.path }),
    image: await imageOf(ports, configuration),
    policy: configuration.policy,
    policyDigest: policyDigest(configuration.policy),
    limits: configuration.limits,
    planDigest: null,
  };
};

/** Looks everything up that the attempt will use, and asks a person to allow exactly that; or says what is missing. */
export const prepareEffect = (ports: TaskPorts, log: RunnerLog): Effect<Task> => ({
  weight: 'light',
  run: async (task, _, { signal }): Promise<Order | undefined> => {
    if (task.status !== 'CREATED') return undefined;
    const { taskId, attempt } = task;
    const preparation = task.preparation + 1;
    const clarify = (reason: ClarifyReason, sentence: string): Order => ({
      type: 'AskForClarification',
      data: {
        taskId,
        attempt,
        preparation,
        reason,
        sentence: ownText(sentence),
      } satisfies TaskCommandData<'AskForClarification'>,
    });
    try {
      const expiresAt = new Date(Date.parse(ports.clock.now()) + ports.approvalTtlMs).toISOString();
      const data = {
        taskId,
        attempt,
        preparation,
        prepared: await prepared(ports, task, signal),
        approvalId: ports.clock.uuid(),
        expiresAt,
      };
      return { type: 'PrepareRequest', data: data satisfies TaskCommandData<'PrepareRequest'> };
    } catch (error) {
      if (signal.aborted) return undefined; // Whoever looks next looks again.
      if (error instanceof RepositoryProblem || error instanceof Missing) return clarify(error.reason, error.message);
      const outside = outsideFailure(error);
      if (outside) return clarify('REMOTE_UNREACHABLE', outside.message);
      // A task is never stuck: a fault of ours becomes a question, too, and retrying asks again.
      log.error({ taskId, err: error }, 'preparing a request met a fault of our own');
      return clarify(
        'RUNTIME_CONFIG_MISSING',
        'The service met a fault of its own while it looked this up; its log says more. Retry when it is mended.',
      );
    }
  },
});
