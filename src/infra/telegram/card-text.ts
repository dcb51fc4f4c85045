import type { TaskView } from '../../projections/task-view.ts';
import { approvalCard } from './approval-card.ts';
import type { ChangesByKind } from './changes.ts';
import { clarificationCard } from './clarification.ts';
import { endingCard } from './ending.ts';
import type { CardText, Names } from './facts.ts';
import { progressCard } from './progress-card.ts';

/** What a card takes from elsewhere than the task. */
export interface CardMatter {
  readonly names: Names;
  /** `null`: nothing was collected yet. */
  readonly changes: ChangesByKind | null;
  /** What the agent or the tests said last, oldest first. */
  readonly progress: readonly string[];
}

/** What the latest message about a task says now. Pure: the same task and matter give the same words. */
export const cardText = (task: TaskView, { names, changes, progress }: CardMatter): CardText => {
  switch (task.status) {
    case 'WAIT_CLARIFY':
      return clarificationCard(task, names);
    case 'COMPLETED':
    case 'FAILED':
      return endingCard(task, changes, names);
    default:
      return approvalCard(task, changes, names) ?? progressCard(task, progress, names);
  }
};
