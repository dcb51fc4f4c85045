import type { TaskView } from '../../src/projections/task-view.ts';
import type { SeenMessage } from '../support/telegram/index.ts';
import type { Story } from './plan.ts';

/** How a task looks to a person. */
export type Sight =
  | 'nothing yet'
  | 'may it run?'
  | 'may it be delivered?'
  | 'a question'
  | 'it moves'
  | 'it is done'
  | 'it failed';
export type Deed = 'approve' | 'reject' | 'ask' | 'clarify' | 'cancel' | 'rerun';

const RERUNS_MAX = 6;

/** What a story may end with: types of events. */
export const ENDINGS: Readonly<Record<Story, readonly string[]>> = {
  Mend: ['TaskCompleted'],
  Depend: ['TaskCompleted'],
  Doubt: ['TaskCompleted'],
  Refuse: ['TaskRejected'],
  Stop: ['TaskCancelled', 'TaskCompleted'],
  Break: ['TaskCompleted'],
  Nothing: ['TaskCompleted'],
  Forbid: ['TaskFailed'],
  Forget: ['ApprovalExpired', 'RequestPrepared'],
};

/** Whether a failure is what such a story comes to; any other is started again. */
const ends = (story: Story, done: readonly Deed[]): boolean =>
  story === 'Forbid' || (story === 'Refuse' && done.includes('reject')) || (story === 'Stop' && done.includes('cancel'));

/** What a person of this story does when they see this; `undefined`: nothing, `over`: they care no more. */
export const deedOf = (story: Story, sight: Sight, done: readonly Deed[]): Deed | 'over' | undefined => {
  switch (sight) {
    case 'nothing yet':
      return undefined;
    case 'may it run?':
      if (story === 'Forget') return 'over';
      if (story === 'Refuse') return 'reject';
      return story === 'Doubt' && !done.includes('ask') ? 'ask' : 'approve';
    case 'may it be delivered?':
      return 'approve';
    case 'a question':
      return 'clarify';
    case 'it moves':
      return story === 'Stop' && done.includes('approve') && !done.includes('cancel') ? 'cancel' : undefined;
    case 'it is done':
      return 'over';
    case 'it failed':
      return ends(story, done) || done.filter((deed) => deed === 'rerun').length >= RERUNS_MAX ? 'over' : 'rerun';
  }
};

export const SIGHTS: Readonly<Record<TaskView['status'], Sight>> = {
  CREATED: 'it moves',
  WAIT_CLARIFY: 'a question',
  WAIT_APPROVE_WRITE: 'may it run?',
  RUNNING: 'it moves',
  WAIT_APPROVE_PATCH: 'may it be delivered?',
  PR_CREATED: 'it moves',
  COMPLETED: 'it is done',
  FAILED: 'it failed',
};

/** By the headline of a card. */
export const sightOf = ({ text }: SeenMessage): Sight => {
  const [headline = ''] = text.split('\n');
  if (headline.includes('May this run?')) return 'may it run?';
  if (headline.includes('May this patch be delivered?')) return 'may it be delivered?';
  if (headline.startsWith('❓')) return 'a question';
  if (headline.startsWith('✅') || headline.includes('nothing to change')) return 'it is done';
  return /^[❌⏹]/u.test(headline) ? 'it failed' : 'it moves';
};
