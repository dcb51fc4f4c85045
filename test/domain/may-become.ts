import type { Task } from '../../src/domain/task/state.ts';

/** Source: docs/architecture.md, "The task". */
export const MAY_BECOME: Readonly<Record<Task['status'], readonly Task['status'][]>> = {
  absent: ['CREATED'],
  CREATED: ['WAIT_CLARIFY', 'WAIT_APPROVE_WRITE', 'FAILED'],
  WAIT_CLARIFY: ['CREATED', 'FAILED'],
  WAIT_APPROVE_WRITE: ['RUNNING', 'WAIT_CLARIFY', 'FAILED'],
  RUNNING: ['WAIT_APPROVE_PATCH', 'PR_CREATED', 'COMPLETED', 'FAILED'],
  WAIT_APPROVE_PATCH: ['RUNNING', 'FAILED'],
  PR_CREATED: ['COMPLETED'],
  COMPLETED: ['CREATED'],
  FAILED: ['CREATED'],
};
