import type { ObjectId, PersonId } from './ids.ts';
import { code, fenced, inertTitle, singleLine } from './markdown.ts';
import type { ChangeEntry, PolicyItem, PolicyReport } from './policy/shapes.ts';

/** Everything a pull request says about one attempt. Texts may be hostile; ids, digests and times were parsed before. */
export interface DeliveredAttempt {
  readonly taskId: string;
  readonly attempt: number;
  /** The request with its clarifications, as the requester wrote it. */
  readonly intent: string;
  /** What the requester said about the attempt before. */
  readonly feedback?: string;
  readonly base: {
    readonly branch: string;
    readonly commit: ObjectId;
    /** Commits on the base branch since `commit` when this was delivered. */
    readonly commitsSince: number;
  };
  readonly agent: { readonly name: string; readonly model: string; readonly isolation: 'bubblewrap' | 'none' };
  /** The run that passed: nothing else is delivered. */
  readonly validation: {
    readonly command: string;
    readonly sandbox: { readonly kind: 'docker' | 'bubblewrap'; readonly reference: string; readonly id: string };
    readonly durationMs: number;
  };
  readonly policy: PolicyReport;
  readonly changes: readonly Pick<ChangeEntry, 'path' | 'kind'>[];
  readonly approvals: readonly {
    readonly gate: 'request' | 'patch';
    readonly by: PersonId;
    /** UTC, ISO 8601. */
    readonly at: string;
    readonly digest: string;
    /** The approver is also who asked for the change. */
    readonly byRequester: boolean;
  }[];
  readonly trees: { readonly tested: ObjectId; readonly allowed: ObjectId; readonly delivered: ObjectId };
  /** Number of the pull request this one takes over from, closed or pushed to by a person. */
  readonly replaces?: number;
}

/** Longest title, in characters. A title becomes the subject of a merge commit. */
export const TITLE_CHARACTERS_MAX = 72;
/** Longest body, in characters; GitHub refuses more than 65,536. Holds by the caps below, and a property test says so. */
export const BODY_CHARACTERS_MAX = 60_000;

const TEXT_CHARACTERS_MAX = 16_000;
const LIST_CHARACTERS_MAX = 7_000;
const LISTED_MAX = 20;
const VALUE_CHARACTERS_MAX = 400;

/** First line of the request, as one line that mentions nobody, closes nothing and steers no CI. */
export const pullRequestTitle = (intent: string): string => inertTitle(intent, TITLE_CHARACTERS_MAX) || 'Requested change';

/** Fixed words: nothing a person or an agent wrote reaches a commit message. */
export const commitMessage = (of: { readonly taskId: string; readonly attempt: number }): string =>
  [
    `Change of Countersign task ${shortId(of.taskId)}, attempt ${of.attempt}`,
    '',
    'Made by a coding agent, judged by policy and tested in a sandbox, delivered after people allowed it.',
    '',
    `Countersign-Task: ${of.taskId}`,
    `Countersign-Attempt: ${of.attempt}`,
    '',
  ].join('\n');

/** Stands in the comment of a later attempt, so that it is posted once. Invisible when rendered. */
export const attemptMarker = (of: { readonly taskId: string; readonly attempt: number }): string =>
  `<!-- countersign task ${of.taskId} attempt ${of.attempt} -->`;

/** Body of a new Draft pull request: Markdown in which everything written by others stands in code. */
export const pullRequestBody = (delivered: DeliveredAttempt): string =>
  joined([
    ['A coding agent made this change. People allowed it, policy judged it, and its tests passed in a sandbox without network.'],
    replacement(delivered),
    ['## Request', fenced(delivered.intent, TEXT_CHARACTERS_MAX)],
    feedback(delivered),
    ...evidence(delivered),
    [`Opened by Countersign as a draft for task ${delivered.taskId}. It stays a draft until a person marks it ready.`],
  ]);

/** Comment on a pull request that a later attempt moved forward. Begins with `attemptMarker`. */
export const attemptComment = (delivered: DeliveredAttempt): string =>
  joined([
    [
      attemptMarker(delivered),
      `Attempt ${delivered.attempt} moved this pull request forward. What follows replaces what was said before.`,
    ],
    feedback(delivered),
    ...evidence(delivered),
    [`Posted by Countersign for task ${delivered.taskId}.`],
  ]);

const shortId = (taskId: string): string => taskId.replaceAll('-', '').slice(0, 12);

const joined = (sections: readonly (readonly string[])[]): string => `${sections.flat().join('\n\n')}\n`;

const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

const value = (text: string): string => code(text, VALUE_CHARACTERS_MAX);

const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

const replacement = ({ replaces }: DeliveredAttempt): string[] =>
  replaces === undefined ? [] : [`Takes over from #${replaces}, which was closed or holds commits of other people.`];

const feedback = (delivered: DeliveredAttempt): string[] =>
  delivered.feedback === undefined ? [] : ['## Feedback on the attempt before', fenced(delivered.feedback, TEXT_CHARACTERS_MAX)];

const evidence = (delivered: DeliveredAttempt): string[][] => [
  validation(delivered),
  policy(delivered.policy),
  changedFiles(delivered),
  approvals(delivered),
  provenance(delivered),
];

const validation = ({ validation: { command, sandbox, durationMs } }: DeliveredAttempt): string[] => [
  '## Validation',
  list([
    `Result: passed in ${(durationMs / 1000).toFixed(1)} s`,
    `Test command: ${value(command)}`,
    sandbox.kind === 'docker'
      ? `Sandbox: Docker container without network, image ${value(sandbox.reference)} (${value(sandbox.id)})`
      : 'Sandbox: bubblewrap without network, on the system of the service (weaker than a container)',
  ]),
];

const VERDICTS: Record<PolicyReport['verdict'], string> = {
  pass: 'passed',
  warn: 'passed with warnings',
  violation: 'violated',
};

const policy = (report: PolicyReport): string[] => [
  '## Policy',
  list([
    `Verdict: ${VERDICTS[report.verdict]}`,
    `Size: ${counted(report.files, 'file')}, ${counted(report.insertions, 'line')} added, ${counted(report.deletions, 'line')} removed, ${counted(report.patchBytes, 'byte')} of patch`,
    `Rules: ${value(report.policyDigest)}`,
  ]),
  ...items('Violations', report.violations),
  ...items('Warnings', report.warnings),
  ...(report.omitted === 0 ? [] : [`${report.omitted} more are not listed here.`]),
];

const items = (title: string, found: readonly PolicyItem[]): string[] =>
  listed(
    `${title} (${found.length}):`,
    found.map(({ rule, path, sentence }) => [rule, path, sentence].filter((part) => part !== undefined).join(': ')),
  );

const KINDS: Record<ChangeEntry['kind'], string> = {
  added: 'added   ',
  modified: 'modified',
  deleted: 'deleted ',
  type_changed: 'retyped ',
};

const changedFiles = ({ changes }: DeliveredAttempt): string[] => [
  '## Changed files',
  ...listed(
    `${counted(changes.length, 'path')}:`,
    changes.toSorted((a, b) => KINDS[a.kind].localeCompare(KINDS[b.kind])).map(({ kind, path }) => `${KINDS[kind]} ${path}`),
  ),
];

/** One line an entry in a block of code; a line break inside an entry is shown by its number, so no entry looks like two. */
const listed = (title: string, entries: readonly string[]): string[] => {
  if (entries.length === 0) return [];
  const lines = entries.slice(0, LISTED_MAX).map((entry) => singleLine(entry, VALUE_CHARACTERS_MAX));
  const more = entries.length - lines.length;
  return [title, fenced(lines.join('\n'), LIST_CHARACTERS_MAX), ...(more === 0 ? [] : [`And ${more} more.`])];
};

const GATES = { request: 'The request', patch: 'The patch' };

const approvals = ({ approvals: given }: DeliveredAttempt): string[] => [
  '## Approvals',
  list(
    given.map(
      ({ gate, by, at, digest, byRequester }) =>
        `${GATES[gate]} was allowed by ${value(by)}${byRequester ? ' (who asked for it)' : ''} on ${value(at)}: ${value(digest)}`,
    ),
  ),
];

const provenance = ({ taskId, attempt, base, agent, trees }: DeliveredAttempt): string[] => [
  '## Provenance',
  list([
    `Task: ${value(taskId)}, attempt ${attempt}`,
    `Agent: ${value(agent.name)}, model ${value(agent.model)}, ${agent.isolation === 'bubblewrap' ? 'isolated by bubblewrap' : '**not isolated**'}`,
    `Base: ${value(base.commit)} of ${value(base.branch)}${moved(base.commitsSince)}`,
    `Tree tested: ${value(trees.tested)}`,
    `Tree allowed: ${value(trees.allowed)}`,
    `Tree delivered: ${value(trees.delivered)}`,
  ]),
];

const moved = (commits: number): string =>
  commits === 0 ? '' : `; the branch has moved on by ${counted(commits, 'commit')} since, which this change was not tested with`;
