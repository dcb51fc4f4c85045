import { nextStep } from '../domain/task/next-step.ts';
import type { PresentTask } from '../domain/task/state.ts';
import type { Row, Table } from './projection.ts';

/** Streams that wait for us: one row each. An empty `not_before` is due at once. */
export const workTable: Table = {
  columns: {
    key: 'TEXT NOT NULL',
    kind: 'TEXT NOT NULL',
    not_before: 'TEXT NOT NULL',
    claimed_by: 'TEXT',
    repo: 'TEXT NOT NULL',
    person: 'TEXT NOT NULL',
  },
  rowsPerStream: 'one',
  indexes: ['kind, not_before', 'kind, repo, person, not_before', 'not_before', 'claimed_by'],
};

/** The row of a task that has a next step. */
export const workRow = (task: PresentTask): Row | undefined => {
  const step = nextStep(task);
  return (
    step && {
      key: step.key,
      kind: step.kind,
      not_before: step.notBefore ?? '',
      claimed_by: step.claimedBy ?? null,
      repo: task.repo,
      person: task.requestedBy,
    }
  );
};
