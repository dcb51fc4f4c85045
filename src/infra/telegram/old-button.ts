import { isDeepStrictEqual } from 'node:util';
import type { Happened } from '../../domain/event.ts';
import type { TaskEvent } from '../../domain/task/events.ts';
import type { Prepared } from '../../domain/task/shapes.ts';
import { shortCommit } from '../../projections/words.ts';

/** An event of a task, parsed, with who and when. */
export type TaskHappened = TaskEvent & Happened;

/** Most characters that Telegram shows to whoever pressed a button. */
const ANSWER_CHARACTERS_MAX = 200;

/** What is said of each thing an approval covers; `null`: nothing by itself. The compiler asks for a line for whatever is added. */
const CHANGES: { readonly [Name in keyof Prepared]-?: ((now: Prepared, before: Prepared) => string) | null } = {
  repo: ({ repo }) => `the repository is ${repo} now`,
  base: ({ base }) => `the base is ${base} now`,
  baseCommit: ({ base, baseCommit }) => `${base} moved to ${shortCommit(baseCommit)}`,
  remote: () => 'the remote is another',
  agent: ({ agent: { profile: _, ...agent } }, { agent: { profile: __, ...before } }) =>
    isDeepStrictEqual(agent, before)
      ? `${agent.name} was set up anew`
      : `the agent is ${agent.name}${agent.model === '' ? '' : ` (${agent.model})`}${agent.isolation === 'none' ? ' WITHOUT ISOLATION' : ''} now`,
  testCommand: ({ testCommand }) => `the test command is "${testCommand}" now`,
  installCommand: () => 'the install command changed',
  image: ({ image }, before) =>
    image.reference === before.image.reference ? 'the image was made anew' : `the image is ${image.reference} now`,
  path: () => 'the tests run in another folder',
  limits: () => 'the limits changed',
  policyDigest: () => 'the policy changed',
  startFrom: () => 'it starts from another tree',
  planDigest: () => 'the plan changed',
  // Each goes with one of those above.
  policy: null,
  startTree: null,
};

const changed = (before: Prepared, now: Prepared): string[] => {
  const names = Object.keys(CHANGES) as (keyof Prepared)[]; // `Object.keys` forgets the names it was given.
  return names.flatMap((name) => {
    const say = CHANGES[name];
    // A commit of another branch did not move there.
    const isImplied = name === 'baseCommit' && (before.base !== now.base || before.repo !== now.repo);
    return say === null || isImplied || isDeepStrictEqual(before[name] ?? null, now[name] ?? null) ? [] : [say(now, before)];
  });
};

const addedWords = (events: readonly TaskHappened[], nameOf: (actor: string) => string): string[] => {
  const who = new Set(events.filter(({ type, data }) => type === 'RequestClarified' && 'text' in data).map(({ actor }) => actor));
  return [...who].map((actor) => `${nameOf(actor)} added words`);
};

const listed = (phrases: readonly string[]): string =>
  phrases.length < 2 ? phrases.join('') : `${phrases.slice(0, -1).join(', ')} and ${phrases.at(-1)}`;

/** Phrases until the answer would be too long for Telegram; then how many more there are. */
const fitting = (begin: string, phrases: readonly string[], end: string): string => {
  for (let shown = phrases.length; shown > 0; shown--) {
    const more = phrases.length - shown;
    const text = `${begin}${listed([...phrases.slice(0, shown), ...(more > 0 ? [`${more} more`] : [])])}.${end}`;
    if (text.length <= ANSWER_CHARACTERS_MAX) return text;
  }
  return `${begin}read it anew.${end}`;
};

const isAsking = (event: TaskHappened): event is Extract<TaskHappened, { type: 'RequestPrepared' | 'PatchApprovalRequested' }> =>
  event.type === 'RequestPrepared' || event.type === 'PatchApprovalRequested';

/** What became of the question first, when it was answered; `undefined` when it was asked anew, or is still asked. */
const ending = (after: readonly TaskHappened[], nameOf: (actor: string) => string): string | undefined => {
  for (const { type, actor } of after) {
    switch (type) {
      case 'TaskApproved':
      case 'PatchApproved':
        return `${nameOf(actor)} approved it already.`;
      case 'TaskRejected':
        return `${nameOf(actor)} rejected it already.`;
      case 'TaskCancelled':
        return `${nameOf(actor)} cancelled it.`;
      case 'ApprovalExpired':
        return 'The time to approve it is over. Rerun it to be asked again.';
      case 'RequestPrepared':
      case 'PatchApprovalRequested':
        return undefined;
      default:
    }
  }
  return undefined;
};

/**
 * What became of the question that a button was about: who answered it, or what changed since it was asked. In at most 200 characters;
 * `undefined` when that question is the one that is asked now. `nameOf` names a person, with a capital letter.
 */
export const sinceAsked = (
  events: readonly TaskHappened[],
  approvalId: string,
  nameOf: (actor: string) => string,
): string | undefined => {
  const at = events.findIndex((event) => isAsking(event) && event.data.approvalId === approvalId);
  const asked = events[at];
  if (!asked || !isAsking(asked)) return 'Nothing is known about this button. /tasks lists the tasks.';
  const after = events.slice(at + 1);
  const ended = ending(after, nameOf);
  const attempt = events.findLast(({ type }) => type === 'RerunRequested')?.data;
  const later =
    attempt && 'attempt' in attempt && attempt.attempt > asked.data.attempt
      ? ` The task is at attempt ${attempt.attempt} by now.`
      : '';
  if (ended !== undefined) return ended + later;

  const back = after.find(({ type }) => type === 'ClarificationRequested');
  if (!back) return undefined;
  const now = after.findLast(isAsking);
  if (now?.type !== 'RequestPrepared' || asked.type !== 'RequestPrepared') {
    return after.some(({ type }) => type === 'RequestClarified' || type === 'RetryRequested')
      ? 'The request was taken up again after this card, and is being prepared. A new card follows.'
      : `${nameOf(back.actor)} asked back, so it waits for an answer. A new card follows.`;
  }
  const phrases = [...addedWords(after, nameOf), ...changed(asked.data.prepared, now.data.prepared)];
  if (phrases.length === 0) return 'It was asked anew after this card, though nothing in it changed. Use the newer card.';
  return fitting('This changed after this card: ', phrases, ' Read the newer card.');
};
