import { moment } from '../../projections/moments.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { count, limitsInWords, shortCommit, shortDigest, shortTask } from '../../projections/words.ts';
import { fields, indented, width, wrapped } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** Names of people by id, as far as the reader may know them. */
export type Names = ReadonlyMap<string, string>;

type Prepared = NonNullable<TaskView['prepared']>;

const INDENT = 2;

export const named = (names: Names, personId: string): string => names.get(personId) ?? personId;

const ISOLATION: Readonly<Record<Prepared['agent']['isolation'], string>> = {
  bubblewrap: 'inside bubblewrap, behind the egress proxy',
  none: 'WITHOUT ISOLATION: it can read all that the service can, and use the network freely',
};

const START: Readonly<Record<Prepared['startFrom'], string | null>> = {
  base: null,
  last_attempt: 'the tree of the last attempt, merged onto the base',
  base_after_conflict: 'the base, because the last attempt does not merge onto it; its patch is given to the agent',
};

const imageInWords = ({ kind, reference, id }: Prepared['image']): string =>
  kind === 'docker'
    ? `${reference} (${id.slice(0, 19)}), in Docker without network`
    : 'the programs of this machine, in bubblewrap without network: weaker than Docker';

const askedBy = (task: TaskView, names: Names): string =>
  `${named(names, task.triggerUser)} by ${task.source.im}${task.onBehalfOf === null ? '' : `, for "${task.onBehalfOf}" (a label nobody checked)`}`;

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
    ['starts from', prepared && START[prepared.startFrom]],
    [
      'agent',
      prepared &&
        `${prepared.agent.name}${prepared.agent.model === '' ? '' : `, model ${prepared.agent.model}`}, ${ISOLATION[prepared.agent.isolation]}`,
    ],
    ['tests', prepared?.testCommand ?? task.testCommand],
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

export const changedInWords = ({ filesChanged, insertions, deletions }: NonNullable<TaskView['runResult']>): string =>
  `${count(filesChanged, 'file')}, ${count(insertions, 'line')} added, ${deletions} removed`;

export const testsInWords = (
  { testsResult, testExitCode }: NonNullable<TaskView['runResult']>,
  prepared: TaskView['prepared'],
): string => {
  const command = prepared === null ? '' : `: ${prepared.testCommand}`;
  if (testsResult === null) return `not run yet${command}`;
  return testsResult === 'PASS' ? `passed${command}` : `failed with exit code ${testExitCode}${command}`;
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
