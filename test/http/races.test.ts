import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskView } from '../../src/projections/task-view.ts';
import { act, approve, filed, type Office, openOffice, WAIT, type Worker } from './office.ts';

/** Source: docs/architecture.md, "The task". A view may pass over states that lasted shorter than a look. */
const OVER = ['COMPLETED', 'FAILED'];
const MAY_BECOME: Readonly<Record<string, readonly string[]>> = {
  CREATED: ['WAIT_CLARIFY', 'WAIT_APPROVE_WRITE', 'FAILED'],
  WAIT_CLARIFY: ['CREATED', 'FAILED'],
  WAIT_APPROVE_WRITE: ['RUNNING', 'WAIT_CLARIFY', 'FAILED'],
  RUNNING: ['RUNNING', 'WAIT_APPROVE_PATCH', 'PR_CREATED', 'COMPLETED', 'FAILED'],
  WAIT_APPROVE_PATCH: ['RUNNING', 'FAILED'],
  PR_CREATED: ['COMPLETED'],
  COMPLETED: ['CREATED'],
  FAILED: ['CREATED'],
};

describe('Over the HTTP API, at the same time and again', () => {
  let office: Office;
  let admin: Worker;
  let approver: Worker;
  let requester: Worker;

  beforeAll(async () => {
    office = await openOffice({ WAITING_PER_PERSON_MAX: '1000' });
    ({ admin } = office);
    approver = await office.hire(['approver', '*']);
    requester = await office.hire(['requester', 'acme/*']);
  });
  afterAll(() => office?.close());

  const look = async (task: Pick<TaskView, 'taskId'>): Promise<TaskView> =>
    (await admin.call('GET', `/api/v1/tasks/${task.taskId}`)).task();
  const typesOf = async ({ taskId }: TaskView): Promise<readonly string[]> => {
    const { events } = (await admin.call('GET', `/api/v1/tasks/${taskId}/events`)).json() as { events: { type: string }[] };
    return events.map(({ type }) => type);
  };
  const settled = async (task: TaskView): Promise<TaskView> => {
    await expect.poll(async () => (await look(task)).status, { timeout: 20_000 }).toBeOneOf([...OVER, 'WAIT_APPROVE_WRITE']);
    return look(task);
  };

  describe('an approval', () => {
    it('given twice at once counts once', async () => {
      const task = await filed(requester);
      const answers = await Promise.all([admin, approver, admin, approver].map((worker) => approve(worker, task)));
      for (const { status } of answers) expect(status).toBe(202);
      expect((await settled(task)).status).toBe('COMPLETED');
      const types = await typesOf(task);
      for (const once of ['TaskApproved', 'ChangeCollected', 'TestsFinished', 'PullRequestOpened'])
        expect([once, types.filter((type) => type === once).length]).toEqual([once, 1]);
    });

    it('and a refusal at once: one of them wins', async () => {
      for (let round = 0; round < 5; round++) {
        const task = await filed(requester);
        const [approved, rejected] = await Promise.all([approve(admin, task), act(approver, task, { action: 'reject' })]);
        expect([approved.status, rejected.status].sort()).toEqual([202, 409]);
        const types = await typesOf(task);
        expect(types.filter((type) => type === 'TaskApproved' || type === 'TaskRejected')).toHaveLength(1);
        if (approved.status === 202) await act(admin, task, { action: 'cancel' });
      }
    });

    it('names what was read: at least its first 8 digits, and of this very attempt', async () => {
      const task = await filed(requester);
      const other = await filed(requester, { intent: 'Another request.' });
      const right = task.approval?.digest ?? '';
      const wrong = `${right[0] === '0' ? '1' : '0'}${right.slice(1)}`;
      for (const [digest, status, code] of [
        [right.slice(0, 7), 400, 'VALIDATION_ERROR'],
        [right.toUpperCase().replace(/^\d+$/, 'ABCDEFAB'), 400, 'VALIDATION_ERROR'],
        [`${right}0`, 400, 'VALIDATION_ERROR'],
        ['', 400, 'VALIDATION_ERROR'],
        [wrong, 409, 'STALE_APPROVAL'],
        [wrong.slice(0, 8), 409, 'STALE_APPROVAL'],
        [other.approval?.digest ?? '', 409, 'STALE_APPROVAL'],
      ] as const) {
        const answer = await act(admin, task, { action: 'approve', approval_digest: digest });
        expect([digest, answer.status, answer.code()]).toEqual([digest, status, code]);
      }
      await act(admin, task, { action: 'cancel' }, WAIT);
      const again = (await admin.call('POST', `/api/v1/tasks/${task.taskId}/rerun`, {}, WAIT)).task();
      const old = await approve(admin, task);
      expect([old.status, old.code()]).toEqual([409, 'STALE_APPROVAL']);
      expect((await approve(admin, again)).status).toBe(202);
      await settled(task);
      const used = await approve(admin, again);
      expect([used.status, used.code()]).toEqual([409, 'STATE_CONFLICT']);
    });

    it('sent again with its key, shortened or whole, is the same approval', async () => {
      const task = await filed(requester);
      const body = { action: 'approve', approval_digest: task.approval?.digest.slice(0, 12) };
      const headers = { 'idempotency-key': `approve-${task.taskId}` };
      for (let sent = 0; sent < 3; sent++) expect((await act(admin, task, body, headers)).status).toBe(202);
      await settled(task);
      expect((await typesOf(task)).filter((type) => type === 'TaskApproved')).toHaveLength(1);
    });
  });

  describe('a key', () => {
    const post = (worker: Worker, key: string, body: object) =>
      worker.call('POST', '/api/v1/tasks', body, { 'idempotency-key': key });

    it('finds the request that it filed, however often and whenever it is sent', async () => {
      const body = { intent: 'File it once.' };
      const answers = await Promise.all(Array.from({ length: 5 }, () => post(admin, 'once', body)));
      expect(new Set(answers.map((answer) => answer.task().taskId)).size).toBe(1);
      for (const { status } of answers) expect(status).toBe(201);
      await office.reopen();
      const after = await post(admin, 'once', body);
      expect([after.status, after.task().taskId]).toEqual([201, answers[0]?.task().taskId]);
      expect((await typesOf(after.task())).filter((type) => type === 'TaskCreated')).toHaveLength(1);
    });

    it('is refused with another body, also after a restart', async () => {
      await post(admin, 'twice', { intent: 'This.' });
      for (const body of [{ intent: 'That.' }, { intent: 'This.', base_branch: 'main' }]) {
        const answer = await post(admin, 'twice', body);
        expect([answer.status, answer.code()]).toEqual([422, 'VALIDATION_ERROR']);
      }
      await office.reopen();
      expect((await post(admin, 'twice', { intent: 'That.' })).status).toBe(422);
    });

    it('is of one person', async () => {
      const [mine, theirs] = [
        await post(admin, 'shared', { intent: 'Mine.' }),
        await post(requester, 'shared', { intent: 'Theirs.' }),
      ];
      expect(theirs.status).toBe(201);
      expect(theirs.task().taskId).not.toBe(mine.task().taskId);
    });

    it.each(['', ' ', 'x'.repeat(201), 'a b', 'ü'])('must be one: %j', async (key) => {
      const answer = await post(admin, key, { intent: 'Anything.' }).catch(() => null);
      // A client does not send what is no header at all.
      if (answer) expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
    });
  });

  it('a position shows at least what was answered', async () => {
    const task = await filed(admin);
    for (let round = 0; round < 20; round++) {
      const asked = await act(
        admin,
        task,
        round % 2 === 0 ? { action: 'ask', question: 'What?' } : { action: 'retry' },
        round % 2 === 0 ? {} : WAIT,
      );
      const seen = await admin.call('GET', `/api/v1/tasks/${task.taskId}?min_position=${asked.json().position}`);
      expect(seen.task().position >= String(asked.json().position)).toBe(true);
    }
  });

  it('any actions lead from state to state as they may, and never to two pull requests', async () => {
    const workers = [admin, approver, requester];
    const tasks = [
      await filed(requester),
      await filed(requester, { intent: 'Break it.' }),
      await filed(requester, { intent: 'Nothing.' }),
    ];
    const step = fc.record({
      who: fc.nat(2),
      which: fc.nat(2),
      what: fc.constantFrom(
        'approve',
        'approve',
        'approve',
        'reject',
        'ask',
        'clarify',
        'retry',
        'cancel',
        'rerun',
        'rerun',
        'stale',
      ),
      waits: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
        for (const { who, which, what, waits } of steps) {
          const [worker, chosen] = [workers[who] ?? admin, tasks[which]];
          if (!chosen) continue;
          const task = await look(chosen);
          const headers = waits ? { prefer: 'wait=1' } : {};
          const path = `/api/v1/tasks/${task.taskId}`;
          const bodies: Readonly<Record<string, object>> = {
            approve: { action: 'approve', approval_digest: task.approval?.digest ?? 'f'.repeat(64) },
            stale: { action: 'approve', approval_digest: chosen.approval?.digest },
            ask: { action: 'ask', question: 'Which?' },
            clarify: { action: 'clarify', text: 'This.' },
          };
          const answer =
            what === 'rerun'
              ? await worker.call('POST', `${path}/rerun`, {}, headers)
              : await worker.call('POST', `${path}/actions`, bodies[what] ?? { action: what }, headers);
          expect([200, 201, 202, 403, 409]).toContain(answer.status);
        }
      }),
      { numRuns: 12, endOnFailure: true },
    );
    for (const task of tasks) {
      const { transitions, pullRequest } = await look(task);
      transitions.slice(1).forEach(({ status }, index) => {
        const before = transitions[index]?.status ?? '';
        if (before !== status) expect(MAY_BECOME[before]).toContain(status);
      });
      const opened = (await typesOf(task)).filter((type) => type === 'PullRequestOpened').length;
      expect(opened).toBeLessThanOrEqual(1);
      expect(opened === 1).toBe(pullRequest !== null);
    }
  });
});

describe('Over the HTTP API, one person', () => {
  let office: Office;
  beforeAll(async () => {
    office = await openOffice({ WAITING_PER_PERSON_MAX: '5' });
  });
  afterAll(() => office?.close());

  it('has only so many requests waiting, even when all are filed at once', async () => {
    const { admin } = office;
    const worker = await office.hire(['requester', '*']);
    const file = (body: object, headers = {}) =>
      worker.call('POST', '/api/v1/tasks', { intent: 'One of many.', ...body }, headers);
    const first = await file({}, { 'idempotency-key': 'first' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => file({})));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(4);
    for (const answer of refused) {
      expect([answer.code(), Number(answer.headers.get('retry-after')) > 0]).toEqual(['RATE_LIMITED', true]);
    }

    expect((await file({}, { 'idempotency-key': 'first' })).task().taskId).toBe(first.task().taskId);
    expect((await admin.call('POST', '/api/v1/tasks', { intent: 'Of another person.' })).status).toBe(201);
    await act(worker, first.task(), { action: 'cancel' });
    expect((await file({})).status).toBe(201);
    expect((await file({})).status).toBe(429);
  });
});
