import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TaskSummary } from '../../src/projections/task-view.ts';
import { act, approve, filed, type Office, openOffice, WAIT, type Worker } from './office.ts';

const Page = z.object({ tasks: z.array(TaskSummary), next_cursor: z.string().nullable() });

/** In the names of the older service. */
const RUN_RESULT = {
  testsResult: 'PASS',
  testLog: expect.any(String),
  diffHash: expect.stringMatching(/^[0-9a-f]{64}$/),
  hasDiff: true,
  changedFiles: ['sum.sh'],
  insertions: 1,
  deletions: 1,
  agentLogs: ['mending'],
  agentMeta: {},
  prLink: expect.any(String),
};

describe('The HTTP API', () => {
  let office: Office;
  let admin: Worker;

  beforeAll(async () => {
    office = await openOffice();
    ({ admin } = office);
  });
  afterAll(() => office?.close());

  const page = async (query: string, worker = admin) => Page.parse((await worker.call('GET', `/api/v1/tasks${query}`)).json());

  describe('Filing a request', () => {
    it('answers at once with what is known, in the names of the older service', async () => {
      const answer = await admin.call('POST', '/api/v1/tasks', {
        trigger_user: 'tg:12345',
        repo: 'acme/widgets',
        intent: 'Make the sum a sum.',
        base_branch: 'main',
        delivery_strategy: 'rolling',
      });
      expect(answer.status).toBe(201);
      expect(answer.headers.has('preference-applied')).toBe(false);
      expect(answer.json()).toMatchObject({
        task: {
          taskId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          source: { im: 'http' },
          triggerUser: admin.personId,
          onBehalfOf: 'tg:12345',
          repo: 'acme/widgets',
          branch: expect.stringMatching(/^countersign\/[0-9a-f]{12}$/),
          intent: 'Make the sum a sum.',
          status: 'CREATED',
          createdAt: expect.any(String),
          approvedBy: null,
          deliveryStrategy: 'rolling',
          baseBranch: 'main',
        },
        next_status: 'CREATED',
        needs_clarify: null,
        expected_path: 'acme/widgets',
        position: expect.any(String),
      });
    });

    it('says what the view says, and what was filed is found at once', async () => {
      const answer = await admin.call('POST', '/api/v1/tasks', { intent: 'Say it twice.' });
      const [atOnce, { position }] = [answer.task(), answer.json()];
      const { transitions, ...found } = (await admin.call('GET', `/api/v1/tasks/${atOnce.taskId}`)).task();
      const later = (await admin.call('GET', `/api/v1/tasks/${atOnce.taskId}?min_position=${position}`)).task();
      expect(atOnce).toMatchObject({ branch: found.branch, createdAt: found.createdAt, transitions: transitions.slice(0, 1) });
      expect(Object.keys(atOnce)).toEqual(Object.keys(later));
    });

    it('waits for the preparation when asked to, and says so', async () => {
      const answer = await admin.call('POST', '/api/v1/tasks', { intent: 'Wait for it.' }, { prefer: 'respond-async, wait=30' });
      expect(answer.status).toBe(201);
      expect(answer.headers.get('preference-applied')).toBe('wait=30');
      expect(answer.json()).toMatchObject({ next_status: 'WAIT_APPROVE_WRITE', needs_clarify: false });
    });

    it('says what is missing', async () => {
      const answer = await admin.call('POST', '/api/v1/tasks', { intent: 'Elsewhere.', repo: 'acme/nowhere' }, WAIT);
      expect(answer.status).toBe(201);
      expect(answer.json()).toMatchObject({ next_status: 'WAIT_CLARIFY', needs_clarify: true, expected_path: 'acme/nowhere' });
      expect(answer.task()).toMatchObject({ clarifyReason: 'SNAPSHOT_MISSING', waitsFor: expect.stringContaining('clarify') });
    });
  });

  describe('Acting', () => {
    it('records an approval and answers 202 while the work goes on', async () => {
      const task = await filed(admin);
      const answer = await approve(admin, task);
      expect(answer.status).toBe(202);
      expect(answer.task().status).toBe('RUNNING');
      expect(answer.task().approvedBy).toBe(admin.personId);
      await act(admin, task, { action: 'cancel' });
    });

    it('answers 200 with the result of the run to whoever waits, and keeps it', async () => {
      const task = await filed(admin);
      const answer = await act(
        admin,
        task,
        { action: 'approve', approval_digest: task.approval?.digest.slice(0, 8), actor: 'tg:12345' },
        WAIT,
      );
      expect(answer.status).toBe(200);
      expect(answer.headers.get('preference-applied')).toBe('wait=60');
      expect(answer.json()).toMatchObject({ task: { status: 'COMPLETED' }, run_result: RUN_RESULT });
      const later = await admin.call('GET', `/api/v1/tasks/${task.taskId}`);
      expect(later.json()).toMatchObject({ run_result: RUN_RESULT });
      expect(answer.task().pullRequest?.url).toBe(later.task().runResult?.prLink);
    });

    it('needs the digest of what was read', async () => {
      const task = await filed(admin);
      const answer = await act(admin, task, { action: 'approve' });
      expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
      expect(answer.text).toContain('approval digest');
      expect((await admin.call('GET', `/api/v1/tasks/${task.taskId}`)).task().status).toBe('WAIT_APPROVE_WRITE');
    });

    it('refuses a request that a person said no to, and starts another attempt of the same task', async () => {
      const task = await filed(admin);
      const rejected = await act(admin, task, { action: 'reject', reason: 'Not like this.' }, WAIT);
      expect([rejected.status, rejected.task().status, rejected.task().errorCode]).toEqual([200, 'FAILED', 'REJECTED']);
      const path = `/api/v1/tasks/${task.taskId}/rerun`;
      const again = await admin.call('POST', path, { feedback: 'Like that.', actor: 'tg:1' }, WAIT);
      expect(again.status).toBe(201);
      expect(again.task()).toMatchObject({ taskId: task.taskId, attempt: 2, feedback: 'Like that.' });
      const early = await admin.call('POST', path, {});
      expect([early.status, early.code()]).toEqual([409, 'STATE_CONFLICT']);
    });

    it('asks back, clarifies, and looks again', async () => {
      const task = await filed(admin);
      const asked = await act(admin, task, { action: 'ask', question: 'Which sum?' }, WAIT);
      expect(asked.task()).toMatchObject({ status: 'WAIT_CLARIFY', clarifyReason: 'QUESTION', sentence: 'Which sum?' });
      const clarified = await act(admin, task, { action: 'clarify', text: 'The only one.', base_branch: 'main' }, WAIT);
      expect(clarified.task()).toMatchObject({ status: 'WAIT_APPROVE_WRITE', clarifications: ['The only one.'] });
      expect(clarified.task().approval?.digest).not.toBe(task.approval?.digest);
      const stale = await approve(admin, task);
      expect([stale.status, stale.code()]).toEqual([409, 'STALE_APPROVAL']);

      await act(admin, task, { action: 'ask', question: 'Really?' }, WAIT);
      expect((await act(admin, task, { action: 'retry' }, WAIT)).task().status).toBe('WAIT_APPROVE_WRITE');
      const nothing = await act(admin, task, { action: 'retry' });
      expect([nothing.status, nothing.code()]).toEqual([409, 'STATE_CONFLICT']);
    });

    it('stops a task', async () => {
      const task = await filed(admin);
      const answer = await act(admin, task, { action: 'cancel', reason: 'Enough.' }, WAIT);
      expect([answer.status, answer.task().errorCode]).toEqual([200, 'CANCELLED']);
      const over = await act(admin, task, { action: 'reject' });
      expect([over.status, over.code()]).toEqual([409, 'STATE_CONFLICT']);
    });

    it('refuses what is about another attempt', async () => {
      const task = await filed(admin);
      const answer = await act(admin, task, { action: 'cancel', attempt: 2 });
      expect([answer.status, answer.code()]).toEqual([409, 'STATE_CONFLICT']);
    });

    it.each([
      ['Fail.', 'AGENT_FAILED', null],
      ['Break it.', 'TEST_FAILED', { testsResult: 'FAIL', hasDiff: true, prLink: null }],
    ])('calls a run that failed a task that failed, not a fault: %s', async (intent, errorCode, result) => {
      const answer = await approve(admin, await filed(admin, { intent }), WAIT);
      expect([answer.status, answer.task().status, answer.task().errorCode]).toEqual([200, 'FAILED', errorCode]);
      if (result === null) expect(answer.json()).toMatchObject({ run_result: null });
      else expect(answer.json()).toMatchObject({ run_result: result });
    });

    it('is over without a pull request when there is nothing to deliver', async () => {
      const answer = await approve(admin, await filed(admin, { intent: 'Nothing.' }), WAIT);
      expect(answer.json()).toMatchObject({
        task: { status: 'COMPLETED', pullRequest: null },
        run_result: { hasDiff: false, changedFiles: [], prLink: null },
      });
    });

    it('takes the beginning of an id', async () => {
      const task = await filed(admin);
      const path = `/api/v1/tasks/${task.taskId.slice(0, 13)}`;
      expect((await admin.call('GET', path)).task().taskId).toBe(task.taskId);
      for (const short of [task.taskId.slice(0, 5), 'abcdef', 'nothing', '%25%25%25%25%25%25', '______']) {
        const answer = await admin.call('GET', `/api/v1/tasks/${short}`);
        expect([short, answer.status >= 400 && answer.status < 500]).toEqual([short, true]);
      }
    });
  });

  describe('Listing', () => {
    it('pages through everything once, newest first', async () => {
      const all = (await page('?limit=100')).tasks.map(({ taskId }) => taskId);
      const paged: string[] = [];
      for (let query = '?limit=3'; query !== ''; ) {
        const { tasks, next_cursor } = await page(query);
        expect(tasks.length).toBeLessThanOrEqual(3);
        paged.push(...tasks.map(({ taskId }) => taskId));
        query = next_cursor === null ? '' : `?limit=3&cursor=${next_cursor}`;
      }
      expect(paged).toEqual(all);
      const times = (await page('?limit=100')).tasks.map(({ createdAt }) => createdAt);
      expect(times).toEqual(times.toSorted().reverse());
    });

    it('filters by status, repository and person', async () => {
      for (const status of ['COMPLETED', 'FAILED', 'WAIT_APPROVE_WRITE']) {
        const { tasks } = await page(`?status=${status}&repo=acme%2Fwidgets&requested_by=${admin.personId}&limit=100`);
        expect(tasks.length).toBeGreaterThan(0);
        expect(new Set(tasks.map((task) => task.status))).toEqual(new Set([status]));
      }
      expect((await page('?repo=acme/nowhere')).tasks).toHaveLength(1);
      expect((await page('?requested_by=person-nobody')).tasks).toEqual([]);
    });

    it('holds the size of a page to 1 to 100', async () => {
      for (const less of ['0', '-1', '-30']) expect((await page(`?limit=${less}`)).tasks).toHaveLength(1);
      expect((await page('?limit=999999')).tasks.length).toBeGreaterThan(3);
    });

    it.each([
      '?limit=1e3',
      '?limit=ten',
      '?limit=1&limit=2',
      '?status=OVER',
      '?cursor=dDA',
      '?cursor=dDEgT1IgMT0x',
      '?cursor=%27%20OR%201=1',
      '?cursor=dDE5OTk5OTk5OTk5OTk5OTk',
      '?sort=intent',
      '?min_position=zzz',
      `?min_position=${'9'.repeat(300)}`,
    ])('refuses %s', async (query) => {
      const answer = await admin.call('GET', `/api/v1/tasks${query}`);
      expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
    });

    it.each(['%25', '_cme/widgets', "acme/widgets' OR '1'='1", 'acme/*', '*', 'ACME/widgets'])(
      'finds nothing of %j',
      async (repo) => {
        expect((await page(`?repo=${encodeURIComponent(repo)}`)).tasks).toEqual([]);
      },
    );

    it('says to come back when the view never comes to the place that was named', async () => {
      const answer = await admin.call('GET', `/api/v1/tasks?min_position=${'9'.repeat(16)}`);
      expect([answer.status, answer.code(), answer.headers.get('retry-after')]).toEqual([503, 'UNAVAILABLE', '1']);
    });
  });
});
