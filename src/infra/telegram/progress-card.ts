import type { TaskStage, TaskView } from '../../projections/task-view.ts';
import {
  approvedBy,
  askedBy,
  attemptButton,
  type CardText,
  fact,
  headline,
  lines,
  type Names,
  paragraphs,
  request,
  sentence,
  utc,
  where,
} from './facts.ts';
import { beginning, block, bold, type Html, html, join } from './html.ts';
import { isLinkable } from './keyboard.ts';

const REQUEST_CHARACTERS_MAX = 200;
/** Of what the agent or the tests said last. */
export const PROGRESS_LINES_MAX = 4;
const PROGRESS_LINE_CHARACTERS_MAX = 120;

const TITLES: Readonly<Record<TaskStage, string>> = {
  queued: 'Approved, waiting for a free place',
  agent: 'The agent is working',
  sandbox: 'The tests are running',
  delivery: 'The pull request is being opened',
};

const STEPS: readonly (readonly [TaskStage, string])[] = [
  ['queued', 'queued'],
  ['agent', 'agent'],
  ['sandbox', 'tests'],
  ['delivery', 'pull request'],
];

/** `queued › agent › tests › pull request`, with where it is in bold. */
const steps = (stage: TaskStage): Html =>
  join(
    STEPS.map(([step, name]) => (step === stage ? bold(name) : html`${name}`)),
    ' › ',
  );

const lastLines = (progress: readonly string[]): Html | null => {
  const said = progress
    .filter((line) => line.trim() !== '')
    .slice(-PROGRESS_LINES_MAX)
    .map((line) => beginning(line.trim(), PROGRESS_LINE_CHARACTERS_MAX));
  return said.length === 0 ? null : block(said.join('\n'));
};

const preparing = (task: TaskView, names: Names): CardText => ({
  text: paragraphs(
    headline('⏳', 'Being prepared', task),
    request(task, REQUEST_CHARACTERS_MAX),
    lines(fact('Where', where(task)), fact('Agent', task.agent), fact('Asked by', askedBy(task, names))),
    html`Nothing runs before somebody approves it. The request comes as a message of its own.`,
  ),
  keyboard: [[attemptButton(task, 'cancel', 'Cancel')]],
});

const delivered = (task: TaskView, names: Names): CardText => ({
  text: paragraphs(
    headline('⚙️', 'The pull request is open, finishing up', task),
    request(task, REQUEST_CHARACTERS_MAX),
    lines(fact('Where', where(task)), fact('Approved by', approvedBy(task, names))),
  ),
  keyboard: task.pullRequest && isLinkable(task.pullRequest.url) ? [[{ text: 'Open it', url: task.pullRequest.url }]] : [],
});

/** What goes on while nobody has to do anything; `progress` is what the agent or the tests said, oldest first. */
export const progressCard = (task: TaskView, progress: readonly string[], names: Names): CardText => {
  if (task.status === 'CREATED') return preparing(task, names);
  if (task.status === 'PR_CREATED') return delivered(task, names);
  const stage = task.stage ?? 'queued';
  const since = task.transitions.at(-1)?.at;
  const waits = task.sentence.includes('tried again at') ? sentence(task.sentence) : null;
  return {
    text: paragraphs(
      headline('⚙️', TITLES[stage], task),
      request(task, REQUEST_CHARACTERS_MAX),
      lines(
        fact('Stage', steps(stage)),
        fact('Since', since === undefined ? null : utc(since)),
        fact('Where', where(task)),
        fact('Approved by', approvedBy(task, names)),
      ),
      waits ?? lastLines(progress),
    ),
    keyboard: stage === 'delivery' ? [] : [[attemptButton(task, 'cancel', 'Cancel')]],
  };
};
