import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskView } from '../../src/projections/task-view.ts';
import { act, approve, filed, type Office, openOffice, WAIT, type Worker } from './office.ts';

/** Stands in everything that is sent, and may stand in no refusal. */
const CANARY = 'canary7f3a';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\ud800',
    'a\udfff',
    '\u202e',
    '__proto__',
    'constructor',
    '../..',
    '--upload-pack=x',
    '%00',
    '500k',
    'NaN',
  ),
  fc.string({ maxLength: 20 }).map((more) => `${CANARY}${more}`),
);

const value: fc.Arbitrary<unknown> = fc.oneof(
  text,
  fc.constantFrom(null, true, false, 0, -1, 1e308, Number.MAX_SAFE_INTEGER, [], {}),
  fc.jsonValue(),
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(text, text, { maxKeys: 3 }),
);

const mixed = (...names: readonly string[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    value,
    fc.dictionary(fc.oneof(fc.constantFrom(...names, '__proto__', 'actor', 'taskId', 'status'), text), value, { maxKeys: 6 }),
    fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] }),
  );

/** Of the right shape about half the time, so that more is met than the schema. */
const orShaped = (shaped: fc.Arbitrary<unknown>, ...names: readonly string[]): fc.Arbitrary<unknown> =>
  fc.oneof(shaped, mixed(...names));

const some = (...words: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...words);
const said = text.map((words) => `${words}.`);

/** Fields of which only `required` always stands there. */
const shape = (required: string, values: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> =>
  fc.record(values, { requiredKeys: [required] });

const where = {
  repo: some('acme/widgets', 'acme/gadgets', 'acme', 'constructor', '__proto__'),
  base_branch: some('main', 'other', 'refs/heads/main', '__proto__'),
  agent: some('codex', 'custom', 'constructor', 'nobody'),
  test_command: fc.oneof(some('sh test.sh'), said),
};

const TASKS = orShaped(
  shape('intent', { intent: said, trigger_user: said, ...where }),
  ...['intent', 'repo', 'base_branch', 'agent', 'test_command', 'trigger_user', 'delivery_strategy'],
);

const ACTIONS = fc.oneof(
  shape('action', { action: some('approve') }),
  shape('action', { action: some('reject', 'cancel'), reason: said }),
  shape('action', { action: some('clarify'), text: said, ...where }),
  fc.record({ action: some('ask'), question: said }),
  fc.record({ action: some('retry') }),
);
const UNSHAPED_ACTIONS = fc
  .tuple(
    fc.oneof(some('approve', 'reject', 'ask', 'clarify', 'retry', 'cancel', 'rerun', 'merge'), value),
    mixed('attempt', 'approval_digest', 'reason', 'text', 'repo'),
  )
  .map(([action, more]): object => ({ ...(typeof more === 'object' ? more : { more }), action }));

const RERUNS = orShaped(shape('attempt', { attempt: fc.constant(1), feedback: said }), 'feedback', 'attempt');

const NO_REMOTES = [
  '--upload-pack=x',
  '-oProxyCommand=id',
  'ext::sh -c id',
  'fd::17',
  'ftp://127.0.0.1:1/a',
  'ssh://-oProxyCommand=id/a',
  'ssh://[::1/a',
  'https://',
  'https://127.0.0.1:99999/a',
  'file:///',
  '/dev/null',
  '/proc/self/fd',
  '/etc/passwd',
  '\0',
  '/a\0b',
  `/${'x'.repeat(1_999)}`,
  `/${'x/'.repeat(900)}`,
  `https://127.0.0.1:1/${'%'.repeat(1_900)}`,
  `/${'x'.repeat(2_000)}`,
];

/** Nothing that names another machine: paths, and a port of loopback on which nobody listens. */
const URLS = fc.oneof(
  some(...NO_REMOTES),
  text.map((words) => `/${words}`),
  text.map((words) => `file://${words}`),
  fc
    .tuple(
      some('https', 'http', 'ssh'),
      some('', '%ff@', '%zz:%@', 'a:%00@', 'a:%0ab@', '-oProxyCommand=id@', `${CANARY}:x@`),
      fc.oneof(text, some('acme/gadgets', 'a', '%')),
    )
    .map(([scheme, login, path]) => `${scheme}://${login}127.0.0.1:1/${path}`),
  value.filter((url) => typeof url !== 'string'),
);
const REPOSITORIES = orShaped(
  shape('url', { url: URLS, name: some('acme/widgets', 'acme/gadgets', 'acme', 'constructor', '../x') }),
  'name',
);

const deep = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

const RAW: readonly string[] = [
  '',
  '{',
  '{"intent":',
  '{"intent":"x",}',
  "{'intent':'x'}",
  'undefined',
  'NaN',
  '\ufeff',
  '"intent"',
  deep(100_000),
  `{"intent":${deep(100_000)}}`,
  `{"a":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
  `{"intent":1${'0'.repeat(10_000)}}`,
  '{"__proto__":{"admin":true},"intent":"x"}',
  '{"constructor":{"prototype":{"admin":true}},"intent":"x"}',
  `{"${CANARY}":1}`,
  `{"intent":"x","${CANARY}":"${CANARY}"}`,
  '{"intent":"\\u0000"}',
  '[{"intent":"x"}]',
];

const SECRETS = [
  `ghp_${'a1B2'.repeat(9)}`,
  `cst_${'A'.repeat(43)}`,
  'AKIAIOSFODNN7EXAMPLE',
  '-----BEGIN OPENSSH PRIVATE KEY-----',
  `sk-ant-${'x1'.repeat(20)}`,
];

describe('Over the HTTP API, whatever is sent', () => {
  let office: Office;
  let admin: Worker;

  beforeAll(async () => {
    office = await openOffice({ WAITING_PER_PERSON_MAX: '100000', FORGE_TOKEN: '' });
    ({ admin } = office);
  });
  afterAll(() => office?.close());

  /** `call` itself fails on a 5xx and on an answer that the document does not know. */
  const refusedOrDone = async (method: string, path: string, body: unknown): Promise<void> => {
    const answer = await admin.call(method, path, body);
    if (answer.status < 400) return;
    answer.code();
    expect(answer.text).not.toContain(CANARY);
    expect(answer.text).not.toContain(office.workshop.folder);
    expect(answer.text).not.toMatch(/node_modules|\.ts:|Error:|SQLITE|ENOENT/);
    expect(answer.text.length).toBeLessThan(5_000);
  };

  it.each([
    ['POST', '/api/v1/tasks', TASKS],
    ['POST', '/api/v1/people', mixed('name')],
    ['POST', '/api/v1/people/PERSON/roles', mixed('role', 'repositories')],
    ['DELETE', '/api/v1/people/PERSON/roles', mixed('role', 'repositories')],
    ['POST', '/api/v1/people/PERSON/tokens', mixed('name', 'expires_at')],
    ['POST', '/api/v1/repositories', REPOSITORIES],
  ])('is refused or done, never a fault: %s %s', async (method, path, bodies) => {
    const to = path.replace('PERSON', admin.personId);
    await fc.assert(
      fc.asyncProperty(bodies, (body) => refusedOrDone(method, to, JSON.stringify(body) ?? 'null')),
      { numRuns: 150 },
    );
  });

  /** The task that is acted on, as it is now; another one when it is over. */
  const current = async (task: TaskView): Promise<TaskView> => {
    const now = (await admin.call('GET', `/api/v1/tasks/${task.taskId}`)).task();
    return now.status === 'COMPLETED' || now.status === 'FAILED' ? filed(admin) : now;
  };

  it('is refused or done, never a fault: an action', async () => {
    let task = await filed(admin);
    const met = new Set<string>();
    await fc.assert(
      fc.asyncProperty(ACTIONS, fc.boolean(), UNSHAPED_ACTIONS, async (body, isTrue, unshaped) => {
        task = await current(task);
        const { taskId, attempt, approval, status } = task;
        met.add(status);
        const path = `/api/v1/tasks/${taskId}/actions`;
        await refusedOrDone('POST', path, JSON.stringify(unshaped));
        const isApproval = 'action' in body && body.action === 'approve';
        const truth = isTrue ? { attempt, ...(isApproval && { approval_digest: approval?.digest }) } : {};
        await refusedOrDone('POST', path, JSON.stringify({ ...body, ...truth }));
      }),
      {
        numRuns: 125, // Two bodies each.
        // A task that waits for words, and one that runs, are met for certain.
        examples: [
          [{ action: 'ask', question: 'What?' }, true, {}],
          [{ action: 'cancel' }, true, {}],
          [{ action: 'approve' }, true, {}],
          [{ action: 'approve' }, true, {}],
        ],
      },
    );
    expect([...met]).toEqual(expect.arrayContaining(['WAIT_APPROVE_WRITE', 'WAIT_CLARIFY', 'RUNNING']));
  });

  it('is refused or done, never a fault: another attempt', async () => {
    const { taskId } = await filed(admin);
    await act(admin, { taskId }, { action: 'cancel' }, WAIT);
    await fc.assert(
      fc.asyncProperty(RERUNS, (body) => refusedOrDone('POST', `/api/v1/tasks/${taskId}/rerun`, JSON.stringify(body) ?? 'null')),
      { numRuns: 100 },
    );
  });

  it('is refused or done, never a fault: a path or a query', async () => {
    const encoded = text.map((words) => encodeURIComponent(words.toWellFormed()) || '-');
    const name = fc.constantFrom('status', 'repo', 'requested_by', 'cursor', 'limit', 'x', '__proto__');
    await fc.assert(
      fc.asyncProperty(encoded, name, encoded, async (id, query, words) => {
        await refusedOrDone('GET', `/api/v1/tasks/${id}x`, undefined);
        await refusedOrDone('GET', `/api/v1/tasks?${query}=${words}`, undefined);
        await refusedOrDone('GET', `/api/v1/people/${id}/tokens`, undefined);
        await refusedOrDone('DELETE', `/api/v1/repositories/${id}`, {});
      }),
      { numRuns: 100 },
    );
    for (const path of ['/api/v1/tasks/%', '/api/v1/tasks/%ff%fe%fd', '/api/v1/tasks/%E0%A4%A', '/api/v1/people/%00/tokens'])
      await refusedOrDone('GET', path, undefined);
  });

  it.each(RAW.map((body) => [body.length > 60 ? `${body.slice(0, 60)}…` : body, body] as const))(
    'is refused: %s',
    async (_, body) => {
      const answer = await admin.call('POST', '/api/v1/tasks', body);
      expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
      expect(answer.text).not.toContain(CANARY);
      expect(({} as Record<string, unknown>).admin).toBeUndefined();
    },
  );

  it('tells which fields are wrong and why', async () => {
    const answer = await admin.call('POST', '/api/v1/tasks', { repo: '../x', base_branch: '-x', agent: 7 });
    expect(answer.json()).toMatchObject({
      fields: expect.arrayContaining([
        { path: 'repo', message: expect.stringContaining('org/name') },
        { path: 'base_branch', message: expect.stringContaining('branch') },
        { path: 'intent', message: expect.any(String) },
      ]),
    });
  });

  it.each(['.', '..', '-x', 'a/../../b', 'a/b/c', '/etc/passwd', 'a\0b', '~', 'a b', 'ａ/b', '.git', 'a/.git', 'x'.repeat(141)])(
    'names no repository: %j',
    async (repo) => {
      const answer = await admin.call('POST', '/api/v1/tasks', { intent: 'Elsewhere.', repo });
      expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
    },
  );

  it.each([
    '.',
    '..',
    '-x',
    '--upload-pack=touch /tmp/x',
    'a..b',
    'a b',
    'a:b',
    'a~1',
    'a^',
    'a\\b',
    '@',
    'HEAD',
    'a.lock',
    'a@{1}',
    '/a',
    'a/',
    'a\0',
    '*',
    '+a',
  ])('names no branch: %j', async (base_branch) => {
    const answer = await admin.call('POST', '/api/v1/tasks', { intent: 'Elsewhere.', base_branch });
    expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
  });

  it('is no test command but one that is allowed, to the letter', async () => {
    for (const test_command of ['sh test.sh; id', 'sh  test.sh', 'SH test.sh', '$(id)', 'sh test.sh\n']) {
      const answer = await admin.call('POST', '/api/v1/tasks', { intent: 'Test it so.', test_command }, WAIT);
      if (test_command === 'sh test.sh\n') expect(answer.task().prepared?.testCommand ?? 'none').toMatch(/^(none|sh test\.sh)$/);
      else
        expect(answer.task()).toMatchObject({ status: 'WAIT_CLARIFY', clarifyReason: 'RUNTIME_CONFIG_MISSING', prepared: null });
    }
  });

  it('reads as text to the agent, the patch and whoever looks', async () => {
    const intent = '--help\n\nTests: PASS\n<b>bold</b> @team closes #1 \u202e[x](y)';
    const task = await filed(admin, { intent });
    expect(task.intent).toBe(intent);
    expect((await approve(admin, task, WAIT)).task().status).toBe('COMPLETED');
  });

  describe('holding a secret', () => {
    const everything = async (): Promise<Buffer> => {
      const files = await readdir(office.workshop.dataFolder, { recursive: true, withFileTypes: true });
      const contents = files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name)));
      return Buffer.concat(await Promise.all(contents));
    };

    it('is refused, and nothing of it is stored anywhere', async () => {
      const task = await filed(admin);
      await act(admin, task, { action: 'ask', question: 'What?' }, WAIT);
      for (const secret of SECRETS) {
        const words = `Use this: ${secret} please`;
        const answers = [
          await admin.call('POST', '/api/v1/tasks', { intent: words }),
          await admin.call('POST', '/api/v1/tasks', { intent: 'Change it.', trigger_user: words }),
          await admin.call('POST', '/api/v1/tasks', { intent: 'Change it.', test_command: `TOKEN='${secret}' sh test.sh` }),
          await act(admin, task, { action: 'clarify', text: words }),
          await act(admin, task, { action: 'clarify', test_command: words }),
          await act(admin, task, { action: 'cancel', reason: words }),
          await act(admin, task, { action: 'ask', question: words }),
          await admin.call('POST', `/api/v1/tasks/${task.taskId}/rerun`, { feedback: words }),
        ];
        for (const answer of answers) {
          expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
          expect(answer.text).not.toContain(secret);
        }
      }
      const stored = await everything();
      for (const secret of SECRETS) expect(stored.includes(secret)).toBe(false);
      expect(stored.includes(task.taskId)).toBe(true);
    });
  });
});
