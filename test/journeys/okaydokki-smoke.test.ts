import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TaskView } from '../../src/projections/task-view.ts';
import type { Answer } from '../support/client.ts';
import { openService, type ServiceHere } from '../support/service-here.ts';

/** What clients of OkayDokki read of a task. */
const THEIR_TASK = z.object({
  taskId: z.uuid(),
  source: z.object({ im: z.string() }),
  triggerUser: z.string(),
  repo: z.string(),
  branch: z.string(),
  intent: z.string(),
  agent: z.string(),
  status: z.string(),
  createdAt: z.iso.datetime(),
  approvedBy: z.string().nullable(),
  deliveryStrategy: z.enum(['rolling', 'isolated']),
  baseBranch: z.string(),
});

const THEIR_RUN_RESULT = z.object({
  testsResult: z.string(),
  testLog: z.string(),
  diffHash: z.string(),
  hasDiff: z.boolean(),
  changedFiles: z.array(z.string()),
  insertions: z.int(),
  deletions: z.int(),
  agentLogs: z.array(z.string()),
  agentMeta: z.record(z.string(), z.string()),
  prLink: z.string().nullable(),
});

const Created = z.object({
  task: TaskView,
  next_status: z.string(),
  needs_clarify: z.boolean().nullable(),
  expected_path: z.string().nullable(),
});
const Acted = z.object({ task: TaskView, run_result: THEIR_RUN_RESULT.nullable() });
const Listed = z.object({ tasks: z.array(THEIR_TASK) });
const Refused = z.object({ error: z.string(), error_code: z.string() });

const WAIT = { prefer: 'wait=60' };
const MEND = 'sed -i s/-/+/ sum.sh';
const ACTOR = { actor: 'api:smoke' };

let here: ServiceHere;
beforeAll(async () => {
  here = await openService({ PATCH_GATE: 'never', AGENT_PROVIDER: 'codex' });
});
afterAll(() => here?.close());

const call = (method: string, path: string, body?: unknown, headers = {}): Promise<Answer> =>
  here.client.call(method, path, body, headers);

/** The body of their runbook. */
const asked = (over: object = {}) => ({ trigger_user: 'api:smoke', repo: 'acme/widgets', intent: MEND, agent: 'codex', ...over });

const create = async (over: object = {}, headers: object = WAIT) => {
  const answer = await call('POST', '/api/v1/tasks', asked(over), headers);
  return { status: answer.status, ...Created.parse(answer.json()) };
};
const act = (taskId: string, body: object, headers: object = WAIT) =>
  call('POST', `/api/v1/tasks/${taskId}/actions`, { ...ACTOR, ...body }, headers);
const rerun = (taskId: string, headers: object = WAIT) => call('POST', `/api/v1/tasks/${taskId}/rerun`, ACTOR, headers);
const approve = (task: TaskView, headers: object = WAIT) =>
  act(task.taskId, { action: 'approve', approval_digest: task.approval?.digest }, headers);
const done = async (over: object = {}) => Acted.parse((await approve((await create(over)).task)).json());
const refusal = (answer: Answer) => ({ status: answer.status, ...Refused.parse(answer.json()) });

describe('The smoke runbook of OkayDokki', () => {
  it('finds the service alive, and reads the same details of its health', async () => {
    expect((await call('GET', '/healthz')).json()).toEqual({ ok: true });
    expect((await call('GET', '/api/v1/health/details')).json()).toMatchObject({
      service: expect.any(String),
      status: expect.any(String),
      nodeVersion: process.version,
      timestamp: expect.any(String),
      contracts: { taskLifecycle: 'v1', gatewayApi: 'v1', agentAdapter: 'v1', auditLog: expect.any(String) },
      sandbox: {
        image: expect.any(String),
        defaultTestCommand: 'sh test.sh',
        allowedTestCommands: ['sh test.sh'],
        diffPolicy: { maxChangedFiles: 50, maxDiffBytes: 1_048_576, disallowBinaryPatch: true },
      },
    });
  });

  it('creates, reads, lists, approves and ends with a pull request', async () => {
    const created = await create({ delivery_strategy: 'rolling', base_branch: 'main' });
    expect(created).toMatchObject({ status: 201, next_status: 'WAIT_APPROVE_WRITE', needs_clarify: false });
    const { taskId } = THEIR_TASK.parse(created.task);
    expect(THEIR_TASK.parse((await call('GET', `/api/v1/tasks/${taskId}`)).task())).toMatchObject({ taskId, intent: MEND });
    expect(Listed.parse((await call('GET', '/api/v1/tasks?limit=10')).json()).tasks[0]?.taskId).toBe(taskId);

    const approved = await approve(created.task);
    expect(approved.status).toBe(200);
    const { task, run_result } = Acted.parse(approved.json());
    expect(task).toMatchObject({ status: 'COMPLETED', approvedBy: expect.any(String) });
    expect(run_result).toMatchObject({
      testsResult: 'PASS',
      hasDiff: true,
      changedFiles: ['sum.sh'],
      insertions: 1,
      deletions: 1,
    });
    expect(run_result?.prLink).toBeTruthy();
  });

  it('rejects, and retries what had no snapshot', async () => {
    const { task } = await create();
    const rejected = Acted.parse((await act(task.taskId, { action: 'reject' })).json());
    expect(rejected).toMatchObject({ task: { status: 'FAILED' }, run_result: null });
    const missing = await create({ repo: 'acme/nowhere' });
    expect(missing).toMatchObject({
      next_status: 'WAIT_CLARIFY',
      needs_clarify: true,
      task: { clarifyReason: 'SNAPSHOT_MISSING' },
    });
    expect((await act(missing.task.taskId, { action: 'retry' })).status).toBe(200);
  });

  it('lists newest first, with a limit that is held to 1..100', async () => {
    await create();
    await create();
    const page = async (limit: string) => Listed.parse((await call('GET', `/api/v1/tasks?limit=${limit}`)).json()).tasks;
    const all = await page('1000');
    expect(all.map(({ createdAt }) => createdAt)).toEqual(
      all
        .map(({ createdAt }) => createdAt)
        .toSorted()
        .reverse(),
    );
    for (const limit of ['0', '-3', '1']) expect(await page(limit)).toHaveLength(1);
    expect(refusal(await call('GET', '/api/v1/tasks?limit=many'))).toMatchObject({ status: 400, error_code: 'VALIDATION_ERROR' });
  });

  it('is refused with the same codes', async () => {
    const { task } = await create();
    const unknown = '00000000-0000-4000-8000-000000000000';
    const codes = {
      '404 TASK_NOT_FOUND': () => call('GET', `/api/v1/tasks/${unknown}`),
      '404 TASK_NOT_FOUND again': () => act(unknown, { action: 'reject' }),
      '400 VALIDATION_ERROR without an intent': () => call('POST', '/api/v1/tasks', asked({ intent: undefined })),
      '400 VALIDATION_ERROR for an action that is none': () => act(task.taskId, { action: 'dance' }),
      '400 VALIDATION_ERROR without an action': () => act(task.taskId, {}),
      '409 STATE_CONFLICT for a retry of what waits for an approval': () => act(task.taskId, { action: 'retry' }),
    };
    for (const [expected, sent] of Object.entries(codes)) {
      const { status, error_code, error } = refusal(await sent());
      expect(`${expected}`).toContain(`${status} ${error_code}`);
      expect(error).toMatch(/\.$/);
    }
    await act(task.taskId, { action: 'reject' });
    for (const sent of [approve(task), act(task.taskId, { action: 'retry' })])
      expect(refusal(await sent)).toMatchObject({ status: 409, error_code: 'STATE_CONFLICT' });
  });
});

/** Everything that such a client meets otherwise, in the words of docs/migration-okaydokki.md. */
const DIFFERENCES: Readonly<Record<string, () => Promise<void>>> = {
  'Every call but `/healthz`, `/readyz` and `/openapi.json` needs `Authorization: Bearer <token>`; without it 401 `UNAUTHORIZED`.':
    async () => {
      const { headers } = { headers: { authorization: '' } };
      expect(refusal(await call('GET', '/api/v1/tasks', undefined, headers))).toMatchObject({
        status: 401,
        error_code: 'UNAUTHORIZED',
      });
      expect(refusal(await call('GET', '/api/v1/health/details', undefined, headers))).toMatchObject({ status: 401 });
      expect((await call('GET', '/healthz', undefined, headers)).status).toBe(200);
    },
  'A task answers at once with `next_status: "CREATED"` and `needs_clarify: null`; with `Prefer: wait=60` both are known.':
    async () => {
      expect(await create({}, {})).toMatchObject({ status: 201, next_status: 'CREATED', needs_clarify: null });
      expect(await create()).toMatchObject({ status: 201, next_status: 'WAIT_APPROVE_WRITE', needs_clarify: false });
    },
  '`expected_path` is always there, and relative to the root of the snapshots.': async () => {
    expect((await create()).expected_path).toBe('acme/widgets');
  },
  '`trigger_user` and `actor` are labels that give no rights, and may be left out: `triggerUser` and `approvedBy` name the people of the tokens, `onBehalfOf` keeps the label.':
    async () => {
      const { task } = await create();
      expect(task).toMatchObject({ triggerUser: expect.stringMatching(/^person-/), onBehalfOf: 'api:smoke' });
      const { status } = await call('POST', `/api/v1/tasks/${task.taskId}/actions`, { action: 'reject' }, WAIT);
      expect(status).toBe(200);
      expect((await create({ trigger_user: undefined, repo: undefined })).task).toMatchObject({
        onBehalfOf: null,
        repo: 'acme/widgets',
      });
    },
  'Branches are `countersign/<12 digits>` and known from the beginning.': async () => {
    expect((await create()).task.branch).toMatch(/^countersign\/[0-9a-f]{12}$/);
  },
  '`approve` needs `approval_digest`, the `approval.digest` of the task that was read: without it 400 `VALIDATION_ERROR`, with another 409 `STALE_APPROVAL`.':
    async () => {
      const { task } = await create();
      const missing = refusal(await act(task.taskId, { action: 'approve' }));
      expect(missing).toMatchObject({ status: 400, error_code: 'VALIDATION_ERROR' });
      expect(missing.error).toContain('Read the task and send its approval digest');
      const stale = await act(task.taskId, { action: 'approve', approval_digest: 'f'.repeat(64) });
      expect(refusal(stale)).toMatchObject({ status: 409, error_code: 'STALE_APPROVAL' });
    },
  'An action answers 202 at once; with `Prefer: wait=<seconds>` 200 and `{task, run_result}` when nobody works on it any more.':
    async () => {
      const { task } = await create();
      expect((await approve(task, {})).status).toBe(202);
      const waited = await approve((await create()).task);
      expect(waited.status).toBe(200);
      expect(Acted.parse(waited.json()).run_result).not.toBeNull();
    },
  '`run_result` is kept: every later `GET` of the task has it.': async () => {
    const { task, run_result } = await done();
    const read = (await call('GET', `/api/v1/tasks/${task.taskId}`)).json();
    expect(Acted.parse(read).run_result).toEqual(run_result);
  },
  'A run that failed is a task that failed, with `errorCode` and `sentence`: 200, never 500, and no `RUN_FAILED`.': async () => {
    const answer = await approve((await create({ intent: 'echo false > sum.sh' })).task);
    expect(answer.status).toBe(200);
    expect(answer.task()).toMatchObject({ status: 'FAILED', errorCode: 'TEST_FAILED', sentence: expect.any(String) });
  },
  '`rerun` answers 201 with the same task at its next attempt, and only when it is over: otherwise 409 `STATE_CONFLICT`.':
    async () => {
      const { task } = await create();
      expect(refusal(await rerun(task.taskId))).toMatchObject({ status: 409, error_code: 'STATE_CONFLICT' });
      await act(task.taskId, { action: 'reject' });
      const again = await rerun(task.taskId);
      expect(again.status).toBe(201);
      expect(again.task()).toMatchObject({ taskId: task.taskId, attempt: 2, status: 'WAIT_APPROVE_WRITE' });
    },
  '`retry` looks again and answers 202 or, after a wait, 200: what is still missing is said by `clarifyReason`, not by 409 `SNAPSHOT_MISSING`.':
    async () => {
      const { task } = await create({ repo: 'acme/nowhere' });
      const answer = await act(task.taskId, { action: 'retry' });
      expect(answer.status).toBe(200);
      expect(answer.task()).toMatchObject({ status: 'WAIT_CLARIFY', clarifyReason: 'SNAPSHOT_MISSING' });
    },
  'What is so already is answered as it is: rejecting what was rejected, or approving once more what that approval lets run, is no 409.':
    async () => {
      const { task } = await create({ intent: `sleep 2; ${MEND}` });
      for (const _ of ['once', 'twice']) expect((await approve(task, {})).status).toBe(202);
      const { taskId } = (await create()).task;
      for (const _ of ['once', 'twice']) expect((await act(taskId, { action: 'reject' })).task().errorCode).toBe('REJECTED');
    },
  '`delivery_strategy` may only be `rolling`; `isolated` is 400 `VALIDATION_ERROR`.': async () => {
    expect(refusal(await call('POST', '/api/v1/tasks', asked({ delivery_strategy: 'isolated' })))).toMatchObject({
      status: 400,
      error_code: 'VALIDATION_ERROR',
    });
  },
  'A field that is not known is 400 `VALIDATION_ERROR`, never passed over.': async () => {
    expect(refusal(await call('POST', '/api/v1/tasks', asked({ intnet: 'a slip' })))).toMatchObject({
      status: 400,
      error_code: 'VALIDATION_ERROR',
    });
  },
  'Errors are RFC 9457 documents (`application/problem+json`); `error` and `error_code` stand in them as before.': async () => {
    const answer = await call('GET', '/api/v1/tasks/00000000-0000-4000-8000-000000000000');
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.json()).toMatchObject({ type: 'about:blank', status: 404, error_code: 'TASK_NOT_FOUND' });
  },
  'Health is asked for and not made up: `status` is `degraded`, with 503, when a component fails; `diffPolicy.blockedPaths` holds globs in place of `blockedPathPrefixes`.':
    async () => {
      const answer = await call('GET', '/api/v1/health/details');
      const { status, components, sandbox } = z
        .object({
          status: z.string(),
          components: z.array(z.object({ status: z.string() })),
          sandbox: z.looseObject({ diffPolicy: z.looseObject({}) }),
        })
        .parse(answer.json());
      const isBroken = components.some((component) => component.status === 'fail');
      expect([status, answer.status]).toEqual(isBroken ? ['degraded', 503] : ['ok', 200]);
      expect(sandbox.diffPolicy).toHaveProperty('blockedPaths');
    },
};

describe('A client of OkayDokki', () => {
  it.each(Object.entries(DIFFERENCES))('meets this otherwise: %s', (_, holds) => holds());

  it('finds exactly these differences in docs/migration-okaydokki.md', () => {
    const page = readFileSync(new URL('../../docs/migration-okaydokki.md', import.meta.url), 'utf8');
    const [, section = ''] = /### What a client of the API meets otherwise\n([\s\S]*?)\n##/.exec(page) ?? [];
    const items = section
      .split(/^- /m)
      .slice(1)
      .map((item) => item.replaceAll(/\s*\n\s*/g, ' ').trim());
    expect(items).toEqual(Object.keys(DIFFERENCES));
  });
});
