import type { TaskView } from '../../projections/task-view.ts';
import {
  askedBy,
  attemptButton,
  type CardText,
  fact,
  headline,
  lines,
  type Names,
  paragraphs,
  person,
  sentence,
  where,
} from './facts.ts';
import { beginning, html, prose, quoted } from './html.ts';

const REQUEST_CHARACTERS_MAX = 200;

/** Who asked back last. */
const asker = ({ transitions }: TaskView): string | undefined =>
  transitions.findLast(({ status }) => status === 'WAIT_CLARIFY')?.by;

/** A question of a person, or what is missing: both are answered by a reply to this message. */
export const clarificationCard = (task: TaskView, names: Names): CardText => {
  const isQuestion = task.clarifyReason === 'QUESTION';
  const by = asker(task);
  const about = lines(
    fact('About', prose(beginning(task.intent.trim().split('\n')[0] ?? '', REQUEST_CHARACTERS_MAX))),
    fact('Where', where(task)),
    fact('Asked by', askedBy(task, names)),
  );
  if (isQuestion) {
    return {
      text: paragraphs(
        headline('❓', 'A question before this can run', task),
        by === undefined ? null : html`${person(names, by)} asks:`,
        quoted(task.sentence),
        about,
        html`Reply to this message with the answer. It is added to the request, which is then prepared and shown again.`,
      ),
      keyboard: [[attemptButton(task, 'clarify', 'Answer'), attemptButton(task, 'cancel', 'Cancel')]],
    };
  }
  return {
    text: paragraphs(
      headline('❓', 'Something is missing', task),
      sentence(task.sentence),
      about,
      html`Repair it and look again, or reply to this message to amend the request.`,
    ),
    keyboard: [
      [attemptButton(task, 'retry', 'Look again'), attemptButton(task, 'clarify', 'Amend')],
      [attemptButton(task, 'cancel', 'Cancel')],
    ],
  };
};
