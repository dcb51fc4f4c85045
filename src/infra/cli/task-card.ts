import { moment } from '../../projections/moments.ts';
import {
  agentInWords,
  changedInWords,
  imageInWords,
  installInWords,
  isolationInWords,
  startInWords,
  testsInWords,
} from '../../projections/request-words.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { channelInWords, limitsInWords, shortCommit, shortDigest, shortTask } from '../../projections/words.ts';
import { fields, indented, width, wrapped } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** Names of people by id, as far as the reader may know them. */
export type Names = ReadonlyMap<string, string>;

const INDENT = 2;

export const named = (names: Names, personId: string): string => names.get(personId) ?? personId;

const askedBy = (task: TaskView, names: Names): string =>
  `${named(names, task.triggerUser)}, ${channelInWords(task.source.im)}${task.onBehalfOf === null ? '' : `, for "${task.onBehalfOf}" (a label nobody checked)`}`;

/** What an approval of the request covers, as labels and words. */
const requestRows = (task: TaskView, names: Names): (readonly [string, string | null])[] => {
  const { prepared } = task;
  return [
    ['change', task.intent],
    ...task.clarifications.map((text, at) => [`clarified ${at + 1}`, text] as const),
    ['feedback', task.feedback],
    ['asked by', askedBy(task, names)],
    ['repository', `${task.repo} at ${task.baseBranch}${prepared ? ` ${shortCommit(prepared.baseCommit)}` : ''}`],
    ['remote', prepared?.remote ?? null],
    ['starts from', prepared && startInWords(prepared)],
    ['agent', prepared && `${agentInWords(prepared.agent)}, ${isolationInWords(prepared.agent)}`],
    ['tests', prepared?.testCommand ?? task.testCommand],
    ['in folder', prepared?.path ?? null],
    ['installs', prepared?.installCommand ? installInWords(prepared.installCommand) : null],
    ['image', prepared && imageInWords(prepared.image)],
    ['policy', prepared?.policySummary ?? null],
    ['limits', prepared && limitsInWords(prepared.limits)],
  ];
};

/** What an approval of the patch covers. */
const patchRows = (task: TaskView, names: Names): (readonly [string, string | null])[] => {
  const { policy, runResult, trees, prepared } = task;
  return [
    ['change', task.intent],
    ['asked by', askedBy(task, names)],
    ['repository', `${task.repo} at ${task.baseBranch}${prepared ? ` ${shortCommit(prepared.baseCommit)}` : ''}`],
    ['goes to', `branch ${task.branch}, as a Draft pull request`],
    ['patch', runResult && `${changedInWords(runResult)}; SHA-256 ${runResult.diffHash ?? '(none)'}`],
    ['tree', trees.result],
    ['tests', runResult && testsInWords(runResult, prepared)],
    ...(policy?.warnings ?? []).map(
      ({ sentence, path }, at) => [at === 0 ? 'warnings' : '', `${path === undefined ? '' : `${path}: `}${sentence}`] as const,
    ),
  ];
};

/** A heading with what it is about at its end, over a line as wide as the page. */
export const heading = (title: string, about: string, { columns, ink }: Pick<Terminal, 'columns' | 'ink'>): string[] => {
  const room = Math.max(2, columns - width(title) - width(about) - INDENT);
  return [
    `  ${ink('strong', title)}${about === '' ? '' : ' '.repeat(room) + ink('faint', about)}`,
    `  ${ink('faint', '─'.repeat(columns - INDENT))}`,
  ];
};

/** Everything that an approval of the open gate covers; nothing for a task that asks for none. */
export const approvalRows = (task: TaskView, names: Names, { columns, ink }: Pick<Terminal, 'columns' | 'ink'>): string[] => {
  const { approval } = task;
  if (approval === null) return [];
  const rows = approval.gate === 'intent' ? requestRows(task, names) : patchRows(task, names);
  const all = [...rows, ['expires', moment(approval.expiresAt)], ['digest', approval.digest]] as const;
  return indented(
    fields(all, columns - INDENT, (label) => ink('faint', label)),
    INDENT,
  );
};

export const approvalTitle = ({ approval }: TaskView): string =>
  approval?.gate === 'patch' ? 'May this patch be delivered?' : 'May this run?';

/** Which attempt of which task a page is about. */
export const attemptOf = ({ taskId, attempt }: TaskView): string => `task ${shortTask(taskId)} · attempt ${attempt}`;

/** What a person reads before they allow something. `null`: the task asks for no approval. */
export const approvalCard = (task: TaskView, names: Names, terminal: Pick<Terminal, 'columns' | 'ink'>): string[] | null =>
  task.approval === null
    ? null
    : [...heading(approvalTitle(task), attemptOf(task), terminal), ...approvalRows(task, names, terminal)];

/** What to type for each answer to a card. */
export const answersToCard = (task: TaskView, { columns, ink }: Pick<Terminal, 'columns' | 'ink'>): string[] => {
  if (task.approval === null) return [];
  const id = shortTask(task.taskId);
  const rows: [string, string][] = [
    ['To allow exactly this', `countersign task approve ${id} ${shortDigest(task.approval.digest)}`],
    ...(task.approval.gate === 'patch' ? [['To read the patch', `countersign task show ${id} --patch`] as [string, string]] : []),
    ['To refuse it', `countersign task reject ${id} --reason "…"`],
    ...(task.approval.gate === 'intent' ? [['To ask back', `countersign task ask ${id} "…"`] as [string, string]] : []),
  ];
  return indented(
    fields(rows, columns - INDENT, (label) => ink('faint', label)),
    INDENT,
  );
};

/** A sentence over the width of a page. */
export const paragraph = (text: string, { columns }: Pick<Terminal, 'columns'>): string[] =>
  indented(wrapped(text, columns - INDENT), INDENT);
