import type { Step } from '../decider.ts';
import { stageOf, type Task } from './state.ts';

/** The one thing this task is waiting for us to do, and from when; `undefined` when it is over. A wait for a person ends at its expiry. */
export const nextStep = (task: Task): Step | undefined => {
  switch (task.status) {
    case 'CREATED':
      return { kind: 'prepare', key: `prepare-${task.attempt}-${task.preparation + 1}` };
    case 'WAIT_APPROVE_WRITE':
    case 'WAIT_APPROVE_PATCH':
      return { kind: 'expire', key: `expire-${task.open.approvalId}`, notBefore: task.open.expiresAt };
    case 'RUNNING':
    case 'PR_CREATED': {
      const due = stageOf(task);
      if (!due) return undefined;
      const { stage, claim } = due;
      return {
        kind: stage,
        key: `${stage}-${task.attempt}-${claim.execution + 1}`,
        ...(claim.notBefore !== null && { notBefore: claim.notBefore }),
        ...(claim.worker !== null && { claimedBy: claim.worker }),
      };
    }
    case 'absent':
    case 'WAIT_CLARIFY':
    case 'COMPLETED':
    case 'FAILED':
      return undefined;
  }
};
