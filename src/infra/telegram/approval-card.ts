import { duration } from '../../projections/moments.ts';
import { agentInWords, changedInWords } from '../../projections/request-words.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { count, shortDigest, shortTask } from '../../projections/words.ts';
import { visibleText } from '../visible.ts';
import { dataOf, type GateVerb } from './buttons.ts';
import type { ChangesByKind } from './changes.ts';
import {
  askedBy,
  type CardText,
  changedFiles,
  fact,
  headline,
  lines,
  type Names,
  paragraphs,
  people,
  person,
  policyItems,
  utc,
  where,
} from './facts.ts';
import { beginning, bold, code, folded, type Html, html, lengthOf, prose, quoted } from './html.ts';
import type { Button, Keyboard } from './keyboard.ts';

/** Longer requests come as a file before the card, which quotes the beginning. */
const REQUEST_CHARACTERS_MAX = 1_500;
const BEGINNING_CHARACTERS_MAX = 600;

type Asking = TaskView & { readonly approval: NonNullable<TaskView['approval']> };
type Prepared = NonNullable<TaskView['prepared']>;

const button = ({ taskId, approval }: Asking, verb: GateVerb, text: string): Button => ({
  text,
  data: dataOf({ verb, taskId, approvalId: approval.approvalId }),
});

/** Everything that was said about the change, in the order in which it was said. */
const wholeRequest = ({ intent, clarifications, feedback }: TaskView): string =>
  [
    intent,
    ...clarifications.map((text, at) => `Clarification ${at + 1}:\n${text}`),
    ...(feedback === null ? [] : [`Feedback on the last attempt:\n${feedback}`]),
  ].join('\n\n');

/** The request, or its beginning and the file with all of it. */
const shownRequest = (task: TaskView): { readonly quote: Html; readonly document?: NonNullable<CardText['document']> } => {
  const whole = wholeRequest(task);
  if (lengthOf(quoted(whole)) <= REQUEST_CHARACTERS_MAX) return { quote: quoted(whole) };
  const name = `request-${shortTask(task.taskId)}-${task.attempt}.txt`;
  const caption = html`The whole request of task ${code(shortTask(task.taskId))}: ${count(whole.length, 'character')}. Read it before you approve.`;
  // Whoever reads the file must see what the message would have shown.
  const bytes = Buffer.from(visibleText(whole));
  return {
    quote: lines(
      quoted(beginning(whole, BEGINNING_CHARACTERS_MAX)),
      html`This is the beginning. All of it (${count(whole.length, 'character')}) is in ${code(name)}, right above.`,
    ),
    document: { name, bytes, caption },
  };
};

const AFTERWARDS: Readonly<Record<Prepared['patchGate'], string>> = {
  always: 'You are asked again before anything is delivered.',
  risky: 'If the tests pass, it becomes a Draft pull request; you are asked again if policy warns.',
  never: 'If the tests pass, it becomes a Draft pull request.',
};

/** What pressing Approve sets in motion, in one breath. */
const consequence = ({ patchGate, agent }: Prepared): Html =>
  html`${bold('Approve')} lets ${agent.name} change a copy of the code. ${AFTERWARDS[patchGate]}`;

const agentLine = ({ agent }: Prepared): Html =>
  agent.isolation === 'none'
    ? html`${agentInWords(agent)}\n${bold('NOT ISOLATED: it can read whatever the service can, and use the network freely.')}`
    : html`${agentInWords(agent)}, isolated`;

const testsLine = ({ testCommand, path, image }: Prepared): Html =>
  html`${code(testCommand)}${path === null ? '' : html` in ${code(path)}`}, ${
    image.kind === 'docker' ? html`in Docker image ${code(image.reference)}` : 'in bubblewrap (weaker than Docker)'
  }, without network`;

const installLine = ({ installCommand }: Prepared): Html | null =>
  installCommand &&
  html`${code(installCommand.run)}${
    installCommand.hosts.length === 0 ? ', without network' : html`, may reach ${code(installCommand.hosts.join(', '))}`
  }`;

const fourEyes = ({ triggerUser }: TaskView, names: Names): Html =>
  html`Better if someone other than ${person(names, triggerUser)} decides. The record says who did.`;

/** How the digest of what is shown is typed, for those who approve in words. */
const footer = ({ taskId, approval }: Asking): Html =>
  lines(
    fact('Open until', utc(approval.expiresAt)),
    fact(
      'Digest',
      html`${code(shortDigest(approval.digest))}, or type ${code(`/approve ${shortTask(taskId)} ${shortDigest(approval.digest)}`)}`,
    ),
  );

const intentCard = (task: Asking, prepared: Prepared, names: Names): CardText => {
  const { quote, document } = shownRequest(task);
  const isOpen = prepared.agent.isolation === 'none';
  const text = paragraphs(
    headline(isOpen ? '⚠️' : '✋', 'May this run?', task),
    consequence(prepared),
    quote,
    lines(
      fact('Where', where(task)),
      fact('Asked by', askedBy(task, names)),
      fact('Agent', agentLine(prepared)),
      fact('Installs', installLine(prepared)),
      fact('Tests', testsLine(prepared)),
      fact('Limits', `agent ${duration(prepared.limits.agentTimeoutMs)}, tests ${duration(prepared.limits.sandboxTimeoutMs)}`),
    ),
    folded(html`${bold('Policy')}  ${prose(beginning(prepared.policySummary, 700))}`),
    footer(task),
    fourEyes(task, names),
  );
  const keyboard: Keyboard = [
    [button(task, 'approve', 'Approve'), button(task, 'reason', 'Reject')],
    [button(task, 'ask', 'Ask back'), button(task, 'details', 'Details')],
  ];
  return { text, keyboard, ...(document && { document }) };
};

const patchCard = (task: Asking, changes: ChangesByKind | null, names: Names): CardText => {
  const { policy, runResult, prepared, approvals, attempt } = task;
  const warnings = policy?.warnings ?? [];
  const allowed = approvals.filter((one) => one.attempt === attempt && one.gate === 'intent').map(({ by }) => by);
  const text = paragraphs(
    headline(warnings.length === 0 ? '✋' : '⚠️', 'May this patch be delivered?', task),
    html`${bold('Approve')} pushes exactly this patch to ${code(task.branch)} and opens a Draft pull request.`,
    warnings.length === 0
      ? null
      : lines(
          html`${bold(`Policy warns (${warnings.length + (policy?.omitted ?? 0)})`)}`,
          policyItems(warnings, policy?.omitted),
        ),
    runResult && lines(fact('Changed', changedInWords(runResult)), changes && changedFiles(changes)),
    lines(
      fact('Tests', prepared && html`passed: ${code(prepared.testCommand)}`),
      fact('For', prose(beginning(task.intent.split('\n')[0] ?? '', 160))),
      fact('Where', where(task)),
      fact('Asked by', askedBy(task, names)),
      fact('Run allowed by', allowed.length === 0 ? null : people(names, allowed)),
      fact('Patch', runResult?.diffHash ? code(shortDigest(runResult.diffHash)) : null),
    ),
    footer(task),
    fourEyes(task, names),
  );
  const keyboard: Keyboard = [
    [button(task, 'approve', 'Approve'), button(task, 'reason', 'Reject')],
    [{ text: 'Diff', data: dataOf({ verb: 'diff', taskId: task.taskId, attempt }) }, button(task, 'details', 'Details')],
  ];
  return { text, keyboard };
};

/** What a person reads before they allow something; `undefined` for a task that asks for nothing. */
export const approvalCard = (task: TaskView, changes: ChangesByKind | null, names: Names): CardText | undefined => {
  const { approval, prepared } = task;
  if (!approval || !prepared) return undefined;
  return approval.gate === 'intent'
    ? intentCard({ ...task, approval }, prepared, names)
    : patchCard({ ...task, approval }, changes, names);
};
