import type { TaskErrorCode } from '../../domain/refusals.ts';
import { duration } from '../../projections/moments.ts';
import { testsInWords } from '../../projections/request-words.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { count } from '../../projections/words.ts';
import type { ChangesByKind } from './changes.ts';
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
  person,
  policyItems,
  request,
  type Sign,
  sentence,
  whatChanged,
  where,
} from './facts.ts';
import { beginning, bold, code, type Html, html, join, link, prose } from './html.ts';
import { type Button, isLinkable, type Keyboard } from './keyboard.ts';

const REQUEST_CHARACTERS_MAX = 200;
const META_SHOWN_MAX = 4;

/** What an agent says of what it used: names that speak of money or tokens. */
const cost = ({ runResult }: TaskView): Html | null => {
  const said = Object.entries(runResult?.agentMeta ?? {}).filter(([name]) => /cost|usd|eur|price|token/i.test(name));
  return said.length === 0
    ? null
    : join(
        said.slice(0, META_SHOWN_MAX).map(([name, value]) => html`${prose(name)} ${prose(beginning(value, 40))}`),
        ', ',
      );
};

/** How long the agent and the tests took, and the attempt from its approval on. */
const times = ({ runResult, approvals, attempt, lastChangeAt }: TaskView): string | null => {
  if (!runResult) return null;
  const begun = approvals.find((one) => one.attempt === attempt)?.at;
  return [
    `agent ${duration(runResult.agentDurationMs)}`,
    ...(runResult.testDurationMs === null ? [] : [`tests ${duration(runResult.testDurationMs)}`]),
    ...(begun === undefined ? [] : [`${duration(Date.parse(lastChangeAt) - Date.parse(begun))} since it was approved`]),
  ].join(', ');
};

const policyLine = ({ policy }: TaskView): Html | null => {
  if (!policy) return null;
  const { verdict, violations, warnings, omitted } = policy;
  if (verdict === 'pass') return html`nothing against it`;
  const items = verdict === 'violation' ? violations : warnings;
  const title = verdict === 'violation' ? 'violated' : `passed, with ${count(warnings.length, 'warning')}`;
  return lines(html`${title}`, policyItems(items, omitted));
};

const facts = (task: TaskView, changes: ChangesByKind | null, names: Names): Html =>
  lines(
    whatChanged(task, changes),
    fact('Tests', task.runResult?.hasDiff ? prose(testsInWords(task.runResult, task.prepared)) : null),
    fact('Policy', policyLine(task)),
    fact('Where', where(task)),
    fact('Asked by', askedBy(task, names)),
    fact('Approved by', approvedBy(task, names)),
    fact('Took', times(task)),
    fact('Cost', cost(task)),
  );

const again = (task: TaskView): readonly Button[] => [
  attemptButton(task, 'rerun', 'Rerun'),
  attemptButton(task, 'feedback', 'Rerun with feedback'),
];

const evidence = (task: TaskView): readonly Button[] => [
  ...(task.runResult?.artifacts.patch ? [attemptButton(task, 'diff', 'Diff')] : []),
  ...(task.runResult || task.errorLog ? [attemptButton(task, 'logs', 'Logs')] : []),
];

const rows = (...all: readonly (readonly Button[])[]): Keyboard => all.filter((row) => row.length > 0);

const completed = (task: TaskView, changes: ChangesByKind | null, names: Names): CardText => {
  const { pullRequest, runResult } = task;
  if (!pullRequest || runResult?.hasDiff === false) {
    return {
      text: paragraphs(
        headline('⏹', 'Done: nothing to change', task),
        request(task, REQUEST_CHARACTERS_MAX),
        sentence(task.sentence),
        lines(fact('Where', where(task)), fact('Took', times(task)), fact('Cost', cost(task))),
      ),
      keyboard: rows(evidence(task), again(task)),
    };
  }
  const opens = isLinkable(pullRequest.url);
  const moved = pullRequest.baseMovedBy;
  return {
    text: paragraphs(
      headline('✅', `Draft pull request #${pullRequest.number}`, task),
      request(task, REQUEST_CHARACTERS_MAX),
      opens
        ? link(pullRequest.url, beginning(pullRequest.url, 200))
        : html`It is branch ${code(pullRequest.branch)} of its remote.`,
      facts(task, changes, names),
      moved === 0 ? null : html`The base moved on by ${count(moved, 'commit')} meanwhile.`,
      html`Review it before it is merged: it is a draft.`,
    ),
    keyboard: rows(opens ? [{ text: 'Open the pull request', url: pullRequest.url }] : [], evidence(task), again(task)),
  };
};

const TITLES: Readonly<Record<TaskErrorCode, readonly [Sign, string]>> = {
  REJECTED: ['⏹', 'Rejected'],
  CANCELLED: ['⏹', 'Cancelled'],
  APPROVAL_EXPIRED: ['⏹', 'Nobody decided in time'],
  SNAPSHOT_MISSING: ['❌', 'Failed: the repository is missing'],
  RUNTIME_CONFIG_MISSING: ['❌', 'Failed: not configured any more'],
  AGENT_FAILED: ['❌', 'Failed: the agent stopped with an error'],
  AGENT_TIMEOUT: ['❌', 'Failed: the agent took too long'],
  SANDBOX_FAILED: ['❌', 'Failed: the tests could not run'],
  SANDBOX_TIMEOUT: ['❌', 'Failed: the tests took too long'],
  TEST_FAILED: ['❌', 'Failed: the tests did not pass'],
  POLICY_VIOLATION: ['❌', 'Refused: against policy'],
  PR_CREATE_FAILED: ['❌', 'Failed: no pull request could be opened'],
  INTERRUPTED: ['❌', 'Failed: interrupted too often'],
};

const STAGES: Readonly<Record<NonNullable<TaskView['stage']>, string>> = {
  queued: 'before the agent began',
  agent: 'while the agent worked',
  sandbox: 'in the tests',
  delivery: 'in the delivery',
};

/** By whom, where people ended it. */
const endedBy = ({ transitions, errorCode }: TaskView, names: Names): Html | null => {
  const by = transitions.at(-1)?.by;
  return (errorCode === 'REJECTED' || errorCode === 'CANCELLED') && by?.startsWith('person-') ? person(names, by) : null;
};

const failed = (task: TaskView, changes: ChangesByKind | null, names: Names): CardText => {
  const [sign, title] = TITLES[task.errorCode ?? 'INTERRUPTED'];
  const keyboard = rows(evidence(task), again(task));
  return {
    text: paragraphs(
      headline(sign, title, task),
      request(task, REQUEST_CHARACTERS_MAX),
      sentence(task.sentence),
      lines(
        fact('Failed', task.stage === null ? null : html`${STAGES[task.stage]} (${code(task.errorCode ?? '')})`),
        fact('By', endedBy(task, names)),
        facts(task, changes, names),
      ),
      html`${bold('Next')}  Rerun starts again from the newest ${code(task.baseBranch)}, approval included.`,
    ),
    keyboard,
  };
};

/** How a task ended, and what can be done now. */
export const endingCard = (task: TaskView, changes: ChangesByKind | null, names: Names): CardText =>
  task.status === 'FAILED' ? failed(task, changes, names) : completed(task, changes, names);
