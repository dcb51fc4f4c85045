import type { Happened } from '../../src/domain/event.ts';
import { happened } from '../../src/domain/upcasters.ts';
import type { Names } from '../../src/infra/telegram/facts.ts';
import { TaskView } from '../../src/projections/task-view.ts';
import { type FoldedTask, tasksProjection, taskView } from '../../src/projections/tasks.ts';
import { ANNA, BERT } from '../domain/task/samples.ts';
import { recordedStory } from '../views/stories.ts';

/** What everyone sees of the sample task after a history. */
export const viewOf = (...history: readonly Happened[]): TaskView => {
  const state = recordedStory(history).reduce<FoldedTask | undefined>(
    (folded, event) =>
      tasksProjection.fold(folded, {
        ...happened(tasksProjection.kind, event),
        stream: event.stream,
        revision: event.revision,
        position: event.position,
        channel: event.metadata.channel ?? '',
      }),
    undefined,
  );
  if (!state) throw new Error('the history begins a task');
  return TaskView.parse(taskView(state));
};

const NAMES: Readonly<Record<string, string>> = { [ANNA]: 'Anna', [BERT]: 'Bert' };

export const names: Names = (personId) => NAMES[personId] ?? 'somebody';
