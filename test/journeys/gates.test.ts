import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ARTIFACT_BYTES_MAX } from '../../src/domain/limits.ts';
import { artifactPath, createArtifacts } from '../../src/infra/artifacts.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { act, approve, file, look, rerun } from '../support/client.ts';
import { commitInto, git } from '../support/git-commands.ts';
import { openService, type ServiceHere } from '../support/service-here.ts';

const REPAIR = 'sed -i s/-/+/ sum.sh';
/** Policy warns of a new executable bit. */
const RISKY_REPAIR = `${REPAIR} && chmod +x sum.sh`;

const FILES = { 'sum.sh': 'echo $(($1 - $2))\n', 'test.sh': 'test "$(sh sum.sh 2 3)" = 5\n' };
const gatedBy = (mode: string) => ({ ...FILES, '.countersign.yml': `policy:\n  patch_gate: ${mode}\n` });

describe('A gate', () => {
  let here: ServiceHere;
  const APPROVAL_TTL_MS = 5_000;
  let hasty: ServiceHere;

  beforeAll(async () => {
    const variables = { PATCH_GATE: 'never', ALLOWED_TEST_COMMANDS: 'sh other.sh' };
    here = await openService(variables, { moving: FILES, leaving: FILES, risky: gatedBy('risky'), always: gatedBy('always') });
    hasty = await openService({ PATCH_GATE: 'always' }, {}, { approvalTtlMs: APPROVAL_TTL_MS });
  });
  afterAll(async () => {
    await here?.close();
    await hasty?.close();
  });

  const ask = (intent: string, more: object = {}): Promise<TaskView> => file(here.client, intent, more);
  const branchesOf = ({ branch }: TaskView, { workshop } = here): Promise<string> =>
    git(workshop.origin, ['for-each-ref', '--format=%(refname:short)', `refs/heads/${branch}*`]);
  /** The answer to an action that is refused: its status and its code. */
  const refusal = async ({ taskId }: TaskView, action: object, { client } = here): Promise<string> => {
    const { status, json } = await client.call('POST', `/api/v1/tasks/${taskId}/actions`, action);
    return `${status} ${(json() as { error_code?: string }).error_code}`; // A problem document.
  };
  const approval = ({ approval: open }: TaskView): object => ({ action: 'approve', approval_digest: open?.digest });

  describe('for the request', () => {
    it.concurrent('lets nothing run that was rejected', async () => {
      const asked = await ask(REPAIR);
      const rejected = await act(here.client, asked, { action: 'reject', reason: 'Not now' });
      expect(rejected).toMatchObject({ status: 'FAILED', errorCode: 'REJECTED', runResult: null });
      expect((await here.client.call('GET', `/api/v1/tasks/${asked.taskId}/events`)).text).toContain('Not now');
      expect(await refusal(asked, approval(asked))).toBe('409 STATE_CONFLICT');
      expect(await branchesOf(asked)).toBe('');
    });

    it.concurrent('takes an approval of what was shown, and of nothing else', async () => {
      const asked = await ask(REPAIR);
      expect(await refusal(asked, { action: 'approve' })).toBe('400 VALIDATION_ERROR');
      expect(await refusal(asked, { action: 'approve', approval_digest: '0'.repeat(64) })).toBe('409 STALE_APPROVAL');
      expect(await refusal(asked, { action: 'approve', approval_digest: '00000000' })).toBe('409 STALE_APPROVAL');
      expect(await refusal(asked, { ...approval(asked), attempt: 2 })).toBe('409 STATE_CONFLICT');
      expect(await look(here.client, asked)).toMatchObject({ status: 'WAIT_APPROVE_WRITE' });
      const done = await act(here.client, asked, { action: 'approve', approval_digest: asked.approval?.digest.slice(0, 8) });
      expect(done.status, done.sentence).toBe('COMPLETED');
    });

    it.concurrent('carries a question back, and asks anew once it is answered', async () => {
      const asked = await ask('printf %s "$OKD_INTENT" > told; sed -i s/-/+/ sum.sh; exit');
      const questioned = await act(here.client, asked, { action: 'ask', question: 'Which sum?' });
      expect(questioned).toMatchObject({ status: 'WAIT_CLARIFY', clarifyReason: 'QUESTION', sentence: 'Which sum?' });
      expect(await refusal(asked, approval(asked))).toBe('409 STATE_CONFLICT');
      const answered = await act(here.client, asked, { action: 'clarify', text: 'The only one' });
      expect(answered).toMatchObject({ status: 'WAIT_APPROVE_WRITE', clarifications: ['The only one'] });
      expect(answered.approval?.digest).not.toBe(asked.approval?.digest);
      expect(await refusal(asked, approval(asked))).toBe('409 STALE_APPROVAL');
      const done = await approve(here.client, answered);
      expect(done.status, done.sentence).toBe('COMPLETED');
      const told = await git(here.workshop.origin, ['show', `${done.branch}:told`]);
      expect(told).toBe(`${asked.intent}\n\nClarification 1: The only one`);
    });

    it.concurrent('shows what is missing, and looks again when it is told to', async () => {
      const asked = await ask(REPAIR, { base_branch: 'later' });
      expect(asked).toMatchObject({ status: 'WAIT_CLARIFY', clarifyReason: 'BASE_MISSING' });
      expect(asked.sentence).toContain('no branch later');
      await commitInto(here.workshop.origin, 'later', 'news');
      const found = await act(here.client, asked, { action: 'retry' });
      expect(found).toMatchObject({ status: 'WAIT_APPROVE_WRITE', baseBranch: 'later' });
      expect((await approve(here.client, found)).status).toBe('COMPLETED');
    });

    it.concurrent.each([
      [
        { test_command: 'true; touch /tmp/x' },
        'RUNTIME_CONFIG_MISSING',
        /not allowed.*"sh test.sh", "sh other.sh"/,
        { test_command: 'sh test.sh' },
      ],
      [{ test_command: 'sh test.sh ' + '#' }, 'RUNTIME_CONFIG_MISSING', /not allowed/, { test_command: 'sh test.sh' }],
      [{ agent: 'gemini' }, 'RUNTIME_CONFIG_MISSING', /codex/, { agent: 'codex' }],
      [{ repo: 'acme/gadgets' }, 'SNAPSHOT_MISSING', /repo add/, { repo: 'acme/widgets' }],
    ] as const)('asks for another of %j', async (wish, clarifyReason, sentence, repair) => {
      const asked = await ask(REPAIR, wish);
      expect(asked).toMatchObject({ status: 'WAIT_CLARIFY', clarifyReason });
      expect(asked.sentence).toMatch(sentence);
      const clarified = await act(here.client, asked, { action: 'clarify', ...repair });
      expect(clarified.status, clarified.sentence).toBe('WAIT_APPROVE_WRITE');
      expect((await approve(here.client, clarified)).status).toBe('COMPLETED');
    });

    it.concurrent('runs the allowed test command that was asked for', async () => {
      const done = await approve(
        here.client,
        await ask(`${REPAIR}; echo 'echo other; false' > other.sh`, { test_command: 'sh other.sh' }),
      );
      expect(done).toMatchObject({ status: 'FAILED', errorCode: 'TEST_FAILED', prepared: { testCommand: 'sh other.sh' } });
    });

    it.concurrent('stays open while the task is not over', async () => {
      const asked = await ask(REPAIR);
      const { status, text } = await here.client.call('POST', `/api/v1/tasks/${asked.taskId}/rerun`, {});
      expect([status, text]).toEqual([409, expect.stringContaining('cancel it first')]);
    });
  });

  describe('for the patch', () => {
    it.concurrent('is not called where the operator says never', async () => {
      const done = await approve(here.client, await ask(RISKY_REPAIR));
      expect(done).toMatchObject({ status: 'COMPLETED', policy: { verdict: 'warn' }, approvals: [{ gate: 'intent' }] });
    });

    it.concurrent('is called by a warning, and lets that very tree through', async () => {
      const harmless = await approve(here.client, await ask(REPAIR, { base_branch: 'risky' }));
      expect(harmless).toMatchObject({ status: 'COMPLETED', policy: { verdict: 'pass' } });

      const asked = await ask(RISKY_REPAIR, { base_branch: 'risky' });
      const shown = await approve(here.client, asked);
      expect(shown).toMatchObject({
        status: 'WAIT_APPROVE_PATCH',
        approval: { gate: 'patch' },
        trees: { allowed: null, delivered: null },
      });
      expect(shown.policy?.warnings).toMatchObject([{ rule: 'executable_bit', path: 'sum.sh' }]);
      expect(await branchesOf(shown)).toBe('');
      expect(await refusal(shown, approval(asked))).toBe('409 STALE_APPROVAL');

      const done = await approve(here.client, shown);
      expect(done).toMatchObject({ status: 'COMPLETED', approvals: [{ gate: 'intent' }, { gate: 'patch' }] });
      const tree = await git(here.workshop.origin, ['rev-parse', `${done.branch}^{tree}`]);
      expect(done.trees).toMatchObject({ result: shown.trees.result, tested: tree, allowed: tree, delivered: tree });
    });

    it.concurrent('is called for every patch where the repository says always', async () => {
      const shown = await approve(here.client, await ask(REPAIR, { base_branch: 'always' }));
      expect(shown).toMatchObject({ status: 'WAIT_APPROVE_PATCH', policy: { verdict: 'pass' } });
      const rejected = await act(here.client, shown, { action: 'reject' });
      expect(rejected).toMatchObject({ status: 'FAILED', errorCode: 'REJECTED', pullRequest: null });
      expect(await branchesOf(shown)).toBe('');
    });

    it.concurrent('is not called for what failed, and nobody can approve that', async () => {
      const failed = await approve(here.client, await ask('echo broken > sum.sh', { base_branch: 'always' }));
      expect(failed).toMatchObject({ status: 'FAILED', errorCode: 'TEST_FAILED', pullRequest: null });
      expect(await refusal(failed, { action: 'approve', approval_digest: failed.trees.tested?.slice(0, 8) })).toBe(
        '409 STATE_CONFLICT',
      );
      expect(await branchesOf(failed)).toBe('');
    });

    it.concurrent('opens again for another attempt, from what was rejected', async () => {
      const shown = await approve(
        here.client,
        await ask(`test -n "$OKD_FEEDBACK" || ${REPAIR}; echo "# $OKD_FEEDBACK" >> sum.sh`, { base_branch: 'always' }),
      );
      await act(here.client, shown, { action: 'reject' });
      const again = await rerun(here.client, shown, 'Say more');
      expect(again).toMatchObject({ attempt: 2, prepared: { startFrom: 'last_attempt', startTree: shown.trees.tested } });
      const done = await approve(here.client, await approve(here.client, again));
      expect(done.status, done.sentence).toBe('COMPLETED');
      expect(await git(here.workshop.origin, ['show', `${done.branch}:sum.sh`])).toBe('echo $(($1 + $2))\n# \n# Say more');
      expect(await branchesOf(done)).toBe(done.branch);
    });
  });

  describe('of another attempt', () => {
    it.concurrent('shows the base with the old patch at hand where the two do not go together', async () => {
      const { origin } = here.workshop;
      const script = `test ! -e "$OKD_OUTDIR/previous.patch" || cp "$OKD_OUTDIR/previous.patch" kept; ${REPAIR}`;
      const first = await approve(here.client, await ask(script, { base_branch: 'moving' }));
      expect(first.status, first.sentence).toBe('COMPLETED');
      const base = await commitInto(origin, 'moving', 'echo $(($1 - $2)) # to be repaired\n', { from: 'moving', path: 'sum.sh' });

      const again = await rerun(here.client, first, 'Keep the remark');
      expect(again.prepared).toMatchObject({ startFrom: 'base_after_conflict', baseCommit: base });
      const done = await approve(here.client, again);
      expect(done.status, done.sentence).toBe('COMPLETED');
      expect(done.pullRequest).toMatchObject({ number: first.pullRequest?.number, branch: first.branch });
      expect(await git(origin, ['show', `${done.branch}:sum.sh`])).toBe('echo $(($1 + $2)) # to be repaired');
      expect(await git(origin, ['show', `${done.branch}:kept`])).toContain('+echo $(($1 + $2))');
      const parents = await git(origin, ['show', '--no-patch', '--format=%P', done.branch]);
      expect(parents).toBe(`${first.pullRequest?.head} ${base}`);
    });
  });

  describe('of another attempt whose old patch was about to go', () => {
    it.concurrent('keeps it from who began to clear away before', async () => {
      const { origin, dataFolder } = here.workshop;
      const first = await approve(here.client, await ask(`${REPAIR}; echo '# leaving' >> sum.sh`, { base_branch: 'leaving' }));
      await commitInto(origin, 'leaving', 'echo $(($1 - $2)) # to be repaired\n', { from: 'leaving', path: 'sum.sh' });
      const digest = first.runResult?.artifacts.patch?.digest ?? expect.fail('it has a patch');
      const folder = join(dataFolder, 'artifacts');
      await utimes(artifactPath(folder, digest), 0, 0);
      const lookedAt = Date.now();

      const again = await rerun(here.client, first, 'Keep the remark');
      expect(again.prepared).toMatchObject({ startFrom: 'base_after_conflict' });
      await createArtifacts({ folder, bytesMax: ARTIFACT_BYTES_MAX }).remove(digest, lookedAt);
      const done = await approve(here.client, again);
      expect(done.status, done.sentence).toBe('COMPLETED');
    });
  });

  describe('that nobody opens', () => {
    const expired = (task: TaskView): Promise<TaskView> =>
      vi.waitFor(
        async () => {
          const now = await look(hasty.client, task);
          expect(now).toMatchObject({ status: 'FAILED', errorCode: 'APPROVAL_EXPIRED' });
          return now;
        },
        { timeout: 2 * APPROVAL_TTL_MS, interval: 100 },
      );

    it.concurrent('closes for good, before the run', async () => {
      const asked = await file(hasty.client, REPAIR);
      const over = await expired(asked);
      expect(over.runResult).toBeNull();
      expect(await refusal(asked, approval(asked), hasty)).toBe('409 STATE_CONFLICT');
    });

    it.concurrent('closes for good, before the delivery', async () => {
      const shown = await approve(hasty.client, await file(hasty.client, REPAIR));
      expect(shown.status, shown.sentence).toBe('WAIT_APPROVE_PATCH');
      const over = await expired(shown);
      expect(over).toMatchObject({ pullRequest: null, trees: { delivered: null } });
      expect(await branchesOf(shown, hasty)).toBe('');
    });
  });
});
