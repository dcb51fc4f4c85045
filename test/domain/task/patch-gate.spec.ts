import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../../src/domain/policy/policy.ts';
import type { GateMode } from '../../../src/domain/policy/shapes.ts';
import { patchGateDigest } from '../../../src/domain/task/approval.ts';
import { taskCommands } from '../../../src/domain/task/commands.ts';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import { ownText, redacted, type Text } from '../../../src/domain/text.ts';
import { folded, given } from '../given.ts';
import { approveTask, claimStage, collectChange, finishTests, rejectTask, requestDelivery } from './commands.ts';
import {
  approvalExpired,
  CHANGE,
  changeCollected,
  PATCH_DIGEST,
  patchApprovalRequested,
  patchApproved,
  policyJudged,
  requestPrepared,
  stageClaimed,
  TESTS,
  taskApproved,
  taskCompleted,
  taskCreated,
  taskFailed,
  taskRejected,
  testsFinished,
  untilAgent,
  untilPatchApproved,
  untilPatchGate,
  untilSandbox,
  untilWarnedSandbox,
} from './events.ts';
import { artifact, objectId, prepared, RESULT_TREE, report, TASK_ID, TOMORROW, text, uuid, VIOLATED, WARNED } from './samples.ts';

/** An agent at work under a policy with this mode of the patch gate. */
const under = (patchGate: GateMode) => {
  const asked = requestPrepared({ prepared: prepared({ policy: { ...defaultPolicy, patchGate } }) });
  const { approvalDigest } = asked.data as { approvalDigest: string };
  return [taskCreated(), asked, taskApproved({ approvalDigest }), stageClaimed('agent')];
};

const verdictOf = (code: 'POLICY_VIOLATION', sentence: Text) =>
  taskFailed({ errorCode: code, stage: 'agent', sentence, log: CHANGE.log });

describe('Collecting a change', () => {
  it('is judged in the same breath, and goes on to the sandbox', () => {
    given(task, untilAgent).when(collectChange()).yields(changeCollected(), policyJudged());
    expect(folded(task, untilAgent, changeCollected(), policyJudged())).toMatchObject({
      status: 'RUNNING',
      stage: 'sandbox',
      claim: { execution: 0 },
    });
  });

  it('completes the task when there is none', () => {
    const empty = { ...CHANGE, empty: true };
    given(task, untilAgent)
      .when(collectChange({ change: empty }))
      .yields(changeCollected(empty), taskCompleted({ result: 'no_change' }));
  });

  it('fails it when policy refuses, also one that came to nothing', () => {
    const sentence = 'Policy refuses the change. .env is blocked. Rerun the task with feedback that says what to leave alone.';
    // It names what the agent chose, so it is salted as the report's own sentence is.
    const named = verdictOf('POLICY_VIOLATION', text(sentence));
    const judged = policyJudged({ report: VIOLATED });
    given(task, untilAgent)
      .when(collectChange({ report: VIOLATED }))
      .yields(changeCollected(), judged, named);
    const empty = { ...CHANGE, empty: true };
    given(task, untilAgent)
      .when(collectChange({ change: empty, report: VIOLATED }))
      .yields(changeCollected(empty), judged, named);
  });

  it('fails it when the patch is too large to be read', () => {
    const unread = { ...CHANGE, patch: null };
    const sentence =
      'Policy refuses the change. The patch is too large for a person to read. Rerun the task with feedback that says what to leave alone.';
    given(task, untilAgent)
      .when(collectChange({ change: unread }))
      .yields(changeCollected(unread), policyJudged(), verdictOf('POLICY_VIOLATION', ownText(sentence)));
  });

  it('is malformed when it names more hosts than an event holds', () => {
    const { egress } = taskCommands.CollectChange.shape.change.shape;
    const asked = (hosts: number) =>
      Array.from({ length: hosts }, (_, index) => ({ host: text(`${index}.test:443`), allowed: false }));
    expect(egress.safeParse(asked(100)).success).toBe(true);
    expect(egress.safeParse(asked(101)).success).toBe(false);
  });

  it.each([
    ['always', report(), 'required'],
    ['always', WARNED, 'required'],
    ['risky', report(), 'not_required'],
    ['risky', WARNED, 'required'],
    ['never', report(), 'not_required'],
    ['never', WARNED, 'not_required'],
  ] as const)('under a gate that is asked for %s, a report that says %o means: %s', (mode, judgement, gate) => {
    given(task, under(mode))
      .when(collectChange({ report: judgement }))
      .yields(changeCollected(), policyJudged({ gate, report: judgement }));
  });
});

describe('Finishing the tests', () => {
  it('goes on to the delivery where policy asks for no person', () => {
    given(task, untilSandbox).when(finishTests()).yields(testsFinished());
    expect(folded(task, untilSandbox, testsFinished())).toMatchObject({ status: 'RUNNING', stage: 'delivery' });
  });

  it('asks a person where policy does', () => {
    given(task, untilWarnedSandbox).when(finishTests()).yields(testsFinished(), patchApprovalRequested());
    expect(folded(task, untilPatchGate).status).toBe('WAIT_APPROVE_PATCH');
    expect(task.nextStep(folded(task, untilPatchGate))).toMatchObject({ kind: 'expire', notBefore: TOMORROW });
  });

  it('fails the task when they did not pass', () => {
    const tests = { ...TESTS, passed: false, exitCode: 1 };
    const sentence = text('The tests failed.');
    given(task, untilSandbox)
      .when(finishTests({ tests, sentence }))
      .yields(testsFinished(tests), taskFailed({ errorCode: 'TEST_FAILED', stage: 'sandbox', sentence, log: TESTS.log }));
  });

  it('fails it for the sandbox’s own reason, whatever the exit code says', () => {
    const sentence = text('Out of memory.');
    given(task, untilSandbox)
      .when(finishTests({ errorCode: 'SANDBOX_FAILED', sentence }))
      .yields(testsFinished(), taskFailed({ errorCode: 'SANDBOX_FAILED', stage: 'sandbox', sentence, log: TESTS.log }));
  });

  it('is refused for another tree than was judged', () => {
    given(task, untilSandbox)
      .when(finishTests({ tests: { ...TESTS, tree: objectId('another tree') } }))
      .refuses('trees-differ');
  });
});

describe('Approving a patch', () => {
  const approve = (over = {}, who = {}) => approveTask({ approved: PATCH_DIGEST, ...over }, who);

  it('lets exactly the tested tree be delivered', () => {
    given(task, untilPatchGate).when(approve()).yields(patchApproved());
    expect(folded(task, untilPatchApproved)).toMatchObject({
      stage: 'delivery',
      evidence: { patchApproval: { tree: RESULT_TREE } },
    });
  });

  it('is done once', () => {
    given(task, untilPatchApproved).when(approve()).yields();
  });

  it('is not done by the button of the intent gate', () => {
    given(task, untilPatchGate).when(approveTask()).refuses('request-changed');
  });

  it('expires like the other one, before and after it was given', () => {
    given(task, untilPatchGate)
      .when(approve({}, { at: TOMORROW }))
      .refuses('approval-expired');
    given(task, untilPatchApproved)
      .when(claimStage('delivery', {}, { at: TOMORROW }))
      .yields(approvalExpired({ gate: 'patch', approvalId: uuid('patch gate') }));
  });

  it('can be refused instead', () => {
    given(task, untilPatchGate)
      .when(rejectTask())
      .yields(taskRejected({ gate: 'patch' }));
  });

  it('is what a delivery waits for', () => {
    given(task, untilPatchGate).when(claimStage('delivery')).refuses('stage-not-due');
    given(task, untilPatchGate).when(requestDelivery()).refuses('stage-not-due');
  });
});

describe('The digest of the patch gate', () => {
  const shown = {
    taskId: TASK_ID,
    attempt: 1,
    branch: 'countersign/5f0c7a529d31',
    prepared: prepared(),
    collected: CHANGE,
    judged: { tree: RESULT_TREE, gate: 'required', report: WARNED },
    tested: TESTS,
  } as const;

  it.each([
    { attempt: 2 },
    { branch: 'countersign/other' },
    { prepared: prepared({ baseCommit: objectId('moved') }) },
    { prepared: prepared({ policy: { ...defaultPolicy, filesMax: 1 } }) },
    { collected: { ...CHANGE, tree: objectId('another tree') } },
    { collected: { ...CHANGE, patch: artifact('another patch') } },
    { judged: { ...shown.judged, report: { ...WARNED, warnings: [] } } },
    { tested: { ...TESTS, exitCode: 5 } },
    { tested: { ...TESTS, log: artifact('another log') } },
  ])('changes with %o', (change) => {
    expect(patchGateDigest(shown)).toBe(PATCH_DIGEST);
    expect(patchGateDigest({ ...shown, ...change })).not.toBe(PATCH_DIGEST);
  });

  it('is the same after names in the report were erased', () => {
    const warnings = WARNED.warnings.map(({ rule, sentence }) => ({
      rule,
      path: redacted(text('package.json')),
      sentence: redacted(sentence),
    }));
    expect(patchGateDigest({ ...shown, judged: { ...shown.judged, report: { ...WARNED, warnings } } })).toBe(PATCH_DIGEST);
  });
});
