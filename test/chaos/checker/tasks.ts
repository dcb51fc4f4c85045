import type { Logged } from './records.ts';

/** What ends an attempt. */
const ENDS: ReadonlySet<string> = new Set(['TaskCompleted', 'TaskFailed', 'TaskRejected', 'TaskCancelled', 'ApprovalExpired']);
/** What an execution comes to, and the stage it is of. */
const OUTCOMES: Readonly<Record<string, string>> = {
  ChangeCollected: 'agent',
  TestsFinished: 'sandbox',
  DeliveryRequested: 'delivery',
  PullRequestOpened: 'delivery',
  PullRequestUpdated: 'delivery',
};
/** Of these types one event an attempt. */
const ONCE_AN_ATTEMPT: readonly (readonly string[])[] = [
  ...[['TaskApproved'], ['ChangeCollected'], ['PolicyJudged'], ['TestsFinished'], ['PatchApproved']],
  ['PullRequestOpened', 'PullRequestUpdated'],
];
/** What no worker may decide. */
const PERSONAL: ReadonlySet<string> = new Set([
  ...['TaskCreated', 'TaskApproved', 'PatchApproved', 'TaskRejected', 'TaskCancelled'],
  ...['RequestClarified', 'RetryRequested', 'RerunRequested'],
]);
/** Without an outcome, shutdowns aside. */
const EXECUTIONS_MAX = 3;

/** The story of a task, checked from its first event to its last by rules of this file's own. */
export const brokenStory = (story: readonly Logged[]): readonly string[] => {
  const [first] = story;
  if (first?.type !== 'TaskCreated') return [`${first?.stream}: does not begin with its creation`];
  const faults: string[] = [];
  const say = (event: Logged, what: string): void => void faults.push(`${event.stream}@${event.revision} ${event.type}: ${what}`);

  for (const event of story)
    if (PERSONAL.has(event.type) && event.metadata.actor?.startsWith('system:') !== false) say(event, 'done by nobody');
  const attempts = Map.groupBy(
    story.filter(({ data }) => data.attempt !== undefined),
    ({ data }) => data.attempt ?? 0,
  );
  for (const [attempt, events] of attempts) {
    const [begun] = events;
    if (begun && attempt > 1 && begun.type !== 'RerunRequested') say(begun, `attempt ${attempt} begins without a rerun`);
    if (
      begun &&
      attempt > 1 &&
      !story.some(({ type, revision, data }) => ENDS.has(type) && data.attempt === attempt - 1 && revision < begun.revision)
    )
      say(begun, `attempt ${attempt} begins before the one before ended`);
    for (const types of ONCE_AN_ATTEMPT)
      for (const again of events.filter(({ type }) => types.includes(type)).slice(1))
        say(again, `a second time in attempt ${attempt}`);
    for (const again of events.filter(({ type }) => ENDS.has(type)).slice(1)) say(again, `a second end of attempt ${attempt}`);
    const end = events.findIndex(({ type }) => ENDS.has(type));
    for (const late of end < 0 ? [] : events.slice(end + 1)) say(late, `after the end of attempt ${attempt}`);
    faults.push(...brokenFences(events), ...brokenGates(events));
  }
  const last = story.findLast(({ type }) => type !== 'TextRedacted');
  if (last && !ENDS.has(last.type)) say(last, 'the task is stuck here');
  return faults;
};

/** Outcomes count only under the latest claim of their stage, and a stage is not executed for ever. */
const brokenFences = (events: readonly Logged[]): readonly string[] => {
  const faults: string[] = [];
  const held = new Map<string, { execution: number; isHeld: boolean }>();
  const counted = new Map<string, number>();
  for (const { stream, revision, type, data } of events) {
    const stage = type === 'StageClaimed' || type === 'StageReleased' ? (data.stage ?? '') : OUTCOMES[type];
    if (stage === undefined) continue;
    const at = `${stream}@${revision} ${type} (${stage})`;
    const before = held.get(stage) ?? { execution: 0, isHeld: false };
    if (type === 'StageClaimed') {
      if (data.execution !== before.execution + 1) faults.push(`${at}: execution ${data.execution} follows ${before.execution}`);
      held.set(stage, { execution: data.execution ?? 0, isHeld: true });
      counted.set(stage, (counted.get(stage) ?? 0) + 1);
      if ((counted.get(stage) ?? 0) > EXECUTIONS_MAX) faults.push(`${at}: executed more than ${EXECUTIONS_MAX} times`);
      continue;
    }
    if (!before.isHeld || data.execution !== before.execution) {
      faults.push(`${at}: of execution ${data.execution} while ${before.isHeld ? before.execution : 'none'} holds the stage`);
    }
    if (type === 'StageReleased') {
      held.set(stage, { ...before, isHeld: false });
      if (data.reason === 'shutdown') counted.set(stage, (counted.get(stage) ?? 0) - 1);
    }
  }
  return faults;
};

/** Nothing runs and nothing is delivered but what was shown and approved, and what was tested is what was allowed. */
const brokenGates = (events: readonly Logged[]): readonly string[] => {
  const faults: string[] = [];
  let shown: Logged | undefined;
  let patch: Logged | undefined;
  let approved: Logged | undefined;
  let judged: Logged | undefined;
  let tested: Logged | undefined;
  let allowed: string | undefined;
  for (const event of events) {
    const { stream, revision, type, data } = event;
    const say = (what: string): void => void faults.push(`${stream}@${revision} ${type}: ${what}`);
    const isOf = (gate: Logged | undefined): boolean =>
      gate !== undefined && gate.data.approvalId === data.approvalId && gate.data.approvalDigest === data.approvalDigest;
    if (type === 'RequestPrepared') shown = event;
    if (type === 'PatchApprovalRequested') patch = event;
    if (type === 'TaskApproved') {
      if (!isOf(shown)) say('approves something else than what was shown last');
      approved = event;
    }
    if (type === 'StageClaimed' && !approved) say('before anybody approved');
    if (type === 'PolicyJudged') {
      judged = event;
      if (data.gate === 'not_required') allowed = data.tree;
    }
    if (type === 'TestsFinished') {
      tested = event;
      if (data.tree !== judged?.data.tree) say('tested another tree than was judged');
    }
    if (type === 'PatchApproved') {
      if (!isOf(patch) || data.tree !== patch?.data.tree) say('approves another patch than was shown last');
      allowed = data.tree;
    }
    if (type === 'DeliveryRequested' && (!tested?.data.passed || data.tree !== tested.data.tree || data.tree !== allowed)) {
      say(`delivers ${data.tree}, tested was ${tested?.data.tree}, allowed ${allowed}`);
    }
  }
  return faults;
};

/** No approval is used twice, in whatever task. */
export const approvalsUsedTwice = (log: readonly Logged[]): readonly string[] => {
  const used = new Map<string, string>();
  return log.flatMap(({ stream, revision, type, data }) => {
    if ((type !== 'TaskApproved' && type !== 'PatchApproved') || data.approvalId === undefined) return [];
    const at = `${stream}@${revision} ${type}`;
    const before = used.get(data.approvalId);
    used.set(data.approvalId, at);
    return before === undefined ? [] : [`${at}: uses the approval that ${before} used`];
  });
};
