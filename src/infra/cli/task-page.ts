import { clockTime, duration, moment, readersZone, withReadersTimes } from '../../projections/moments.ts';
import { agentInWords, changedInWords, testsInWords } from '../../projections/request-words.ts';
import type { TaskView, Transition } from '../../projections/task-view.ts';
import { channelInWords, shortCommit, shortTask } from '../../projections/words.ts';
import { fields, indented, padded } from './layout.ts';
import { heading, type Names, named, paragraph } from './task-card.ts';
import type { Style, Terminal } from './terminal.ts';

type Paper = Pick<Terminal, 'columns' | 'ink'>;

const INDENT = 2;

export const statusStyle = (status: string): Style => {
  if (status === 'FAILED') return 'bad';
  if (status === 'COMPLETED' || status === 'PR_CREATED') return 'good';
  return status.startsWith('WAIT_') ? 'warn' : 'accent';
};

const STEP_WORDS: Readonly<Record<string, string>> = {
  CREATED: 'filed, and being prepared',
  WAIT_CLARIFY: 'waits for a clarification',
  WAIT_APPROVE_WRITE: 'waits for a person to allow it to run',
  'RUNNING queued': 'allowed; waits for a free place',
  'RUNNING agent': 'the agent works on it',
  'RUNNING sandbox': 'the tests run on exactly what the agent left',
  WAIT_APPROVE_PATCH: 'waits for a person to allow this very patch',
  'RUNNING delivery': 'the Draft pull request is being opened',
  PR_CREATED: 'the Draft pull request exists',
  COMPLETED: 'over',
  FAILED: 'failed',
};

const stepInWords = ({ status, stage }: Transition): string =>
  STEP_WORDS[stage === null ? status : `${status} ${stage}`] ?? STEP_WORDS[status] ?? status;

/** How a task came to where it is, a line a step, with the time each step took. */
const timelineLines = ({ transitions }: Pick<TaskView, 'transitions'>, { ink }: Paper): string[] =>
  transitions.map((step, at) => {
    const next = transitions[at + 1];
    const took = next === undefined ? '' : duration(Date.parse(next.at) - Date.parse(step.at));
    return `${clockTime(step.at)}  ${ink(statusStyle(step.status), padded(step.status, 18))}  ${padded(stepInWords(step), 46)}  ${ink('faint', took)}`.trimEnd();
  });

/** Trees by what they are, together where they are the same. */
export const treesInWords = ({ tested, allowed, delivered, result }: TaskView['trees']): string | null => {
  const together = new Map<string, string[]>();
  for (const [name, tree] of Object.entries({ result, tested, allowed, delivered })) {
    if (tree !== null) together.set(tree, [...(together.get(tree) ?? []), name]);
  }
  return together.size === 0 ? null : [...together].map(([tree, all]) => `${all.join(' = ')}  ${shortCommit(tree)}`).join('\n');
};

const policyInWords = ({ verdict, violations, warnings, omitted }: NonNullable<TaskView['policy']>): string =>
  [
    { pass: 'passed', warn: 'passed, with warnings', violation: 'violated' }[verdict],
    ...[...violations, ...warnings].map(({ path, sentence }) => `${path === undefined ? '' : `${path}: `}${sentence}`),
    ...(omitted > 0 ? [`and ${omitted} more`] : []),
  ].join('\n');

const rows = (task: TaskView, names: Names): (readonly [string, string | null])[] => {
  const { pullRequest, runResult, prepared, policy } = task;
  const approvals = task.approvals.map(
    ({ gate, by, at, byRequester }) =>
      `${gate === 'intent' ? 'the request' : 'the patch'}: ${named(names, by)}${byRequester ? ', who also asked for it' : ''}, ${moment(at)}`,
  );
  return [
    ['change', task.intent],
    ...task.clarifications.map((text, at) => [`clarified ${at + 1}`, text] as const),
    ['feedback', task.feedback],
    ['asked by', `${named(names, task.triggerUser)}, ${channelInWords(task.source.im)}, ${moment(task.createdAt)}`],
    ['repository', `${task.repo} at ${task.baseBranch}${prepared ? ` ${shortCommit(prepared.baseCommit)}` : ''}`],
    ['agent', prepared ? agentInWords(prepared.agent) : task.agent],
    ['allowed', approvals.join('\n')],
    ['patch', runResult && (runResult.hasDiff ? changedInWords(runResult) : 'nothing was changed')],
    ['policy', policy && policyInWords(policy)],
    ['tests', runResult && testsInWords(runResult, prepared)],
    ['trees', treesInWords(task.trees)],
    [
      'delivered',
      pullRequest &&
        `Draft pull request #${pullRequest.number}  ${pullRequest.url}\nbranch ${pullRequest.branch} at ${shortCommit(pullRequest.head)}`,
    ],
  ];
};

/** Everything about one task that a person wants to know at a glance. */
export const taskPage = (task: TaskView, names: Names, paper: Paper): string[] => {
  const { columns, ink } = paper;
  const stage = task.stage === null ? '' : ` (${task.stage})`;
  return [
    ...heading(`Task ${shortTask(task.taskId)}`, `attempt ${task.attempt} · ${task.taskId}`, paper),
    `  ${ink(statusStyle(task.status), `${task.status}${stage}${task.errorCode === null ? '' : ` ${task.errorCode}`}`)}`,
    ...paragraph(withReadersTimes(task.sentence), paper),
    ...(task.waitsFor === null ? [] : paragraph(withReadersTimes(task.waitsFor), paper)),
    '',
    ...indented(
      fields(rows(task, names), columns - INDENT, (label) => ink('faint', label)),
      INDENT,
    ),
    '',
    ...indented(timelineLines(task, paper), INDENT),
    `  ${ink('faint', `times in ${readersZone()}`)}`,
  ];
};
