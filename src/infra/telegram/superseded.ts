import type { PostedCard } from '../../domain/card.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { shortTask } from '../../projections/words.ts';
import { type Names, person } from './facts.ts';
import { code, type Html, html } from './html.ts';

const isPerson = (actor: string | undefined): actor is string => actor?.startsWith('person-') ?? false;

/** The person who made the task be so, when one did. */
const by = (actor: string | undefined, names: Names): Html => (isPerson(actor) ? html` by ${person(names, actor)}` : html``);

const ENDINGS: Readonly<Record<string, string>> = { REJECTED: 'rejected', CANCELLED: 'cancelled' };

/** What became of the question, the progress or the end that a message showed. */
const outcome = (task: TaskView, { key, attempt }: PostedCard, names: Names): Html => {
  const { transitions, status, errorCode } = task;
  const now = transitions.at(-1);
  if (attempt < task.attempt) {
    const begun = transitions.find((step) => step.attempt === attempt + 1);
    return html`ended; attempt ${attempt + 1} was asked for${by(begun?.by, names)}`;
  }
  switch (status) {
    case 'WAIT_CLARIFY':
      return task.clarifyReason === 'QUESTION' ? html`asked back${by(now?.by, names)}` : html`something is missing`;
    case 'WAIT_APPROVE_WRITE':
      return key.startsWith('ask-') ? html`replaced: the request is not the same any more` : html`prepared`;
    case 'WAIT_APPROVE_PATCH':
      return html`the tests passed, and the patch waits for an approval`;
    case 'FAILED': {
      const ending = ENDINGS[errorCode ?? ''];
      if (errorCode === 'APPROVAL_EXPIRED') return html`nobody decided in time`;
      return ending === undefined ? html`failed` : html`${ending}${by(now?.by, names)}`;
    }
    default:
      return html`done`;
  }
};

/** The one line that is left of a message when a newer one follows it. */
export const supersededText = (task: TaskView, message: PostedCard, names: Names): Html =>
  html`▫️ ${code(shortTask(task.taskId))} attempt ${message.attempt}: ${outcome(task, message, names)}. See below.`;
