import { z } from 'zod';
import { PersonId } from '../../domain/ids.ts';
import { shownReport } from '../../domain/policy/shapes.ts';
import type { DeliveredAttempt } from '../../domain/pull-request-text.ts';
import type { GivenApproval, PresentTask, Running } from '../../domain/task/state.ts';
import { textOf } from '../../domain/text.ts';
import { wholeIntent } from './agent.ts';
import type { TaskPorts } from './deps.ts';

type AtDelivery = Extract<Running, { stage: 'delivery' }>;

const Changes = z.array(z.object({ path: z.string(), kind: z.enum(['added', 'modified', 'deleted', 'type_changed']) }));

const approvalOf = (gate: 'request' | 'patch', given: GivenApproval, task: PresentTask) => ({
  gate,
  by: PersonId.parse(given.by),
  at: given.at,
  digest: given.approvalDigest,
  byRequester: given.by === task.requestedBy,
});

/** Everything the pull request says, from the log and the artifacts only. */
export const deliveredAttempt = async (
  { artifacts }: TaskPorts,
  task: PresentTask,
  evidence: Pick<AtDelivery['evidence'], 'prepared' | 'approval' | 'collected' | 'judged' | 'tested' | 'patchApproval'>,
  baseMovedBy: number,
): Promise<DeliveredAttempt> => {
  const { prepared, approval, collected, judged, tested, patchApproval } = evidence;
  const changes = Changes.parse(JSON.parse((await artifacts.get(collected.changes)).toString()));
  return {
    taskId: task.taskId,
    attempt: task.attempt,
    intent: wholeIntent(task),
    ...(task.feedback && { feedback: textOf(task.feedback) }),
    base: { branch: prepared.base, commit: prepared.baseCommit, commitsSince: baseMovedBy },
    agent: prepared.agent,
    validation: { command: prepared.testCommand, sandbox: prepared.image, durationMs: tested.durationMs },
    policy: shownReport(judged.report),
    changes,
    approvals: [approvalOf('request', approval, task), ...(patchApproval ? [approvalOf('patch', patchApproval, task)] : [])],
    trees: { tested: tested.tree, allowed: patchApproval?.tree ?? judged.tree, delivered: collected.tree },
  };
};
