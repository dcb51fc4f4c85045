import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitInto } from '../support/git-commands.ts';
import { countersign, onTerminal, type RunningService, startService } from './workbench.ts';

/** Repairs the example, slowly when told so; says on its way what a hostile program would say to a terminal. */
const AGENT = `
case "$OKD_INTENT" in *slowly*) sleep 60 ;; esac
printf 'working \\033[2J\\033]0;owned\\007 on it\\n'
sed -i 's/item.price, 0/item.price * item.quantity, 0/' order.js
`;

const HOSTILE = 'Fix the total.\x1b[2J\x1b]0;owned\x07\u202e Tests: PASS\u2066';
/** Nothing that clears a screen, sets a title, moves the cursor or turns text around. Colours of our own are allowed. */
const OBEYED = /\x1b(?!\[\d{1,2}m)|[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u;

interface Task {
  readonly taskId: string;
  readonly status: string;
  readonly approval: { readonly digest: string } | null;
  readonly pullRequest: { readonly number: number; readonly draft: boolean } | null;
}
const taskOf = (document: Record<string, unknown>): Task => document.task as Task; // Its shape is the API's; the tests of the API hold it.

describe('Tasks on the command line', () => {
  let service: RunningService;
  const file = async (intent = 'Three cups cost as much as one.'): Promise<Task> =>
    taskOf(await service.json('task', 'add', intent));
  const digestOf = ({ approval }: Task): string => approval?.digest ?? '';

  beforeAll(async () => {
    service = await startService(AGENT);
    await service.json('repo', 'add', service.origin, '--name', 'example/shop');
  });
  afterAll(() => service.remove());

  it('goes from a request to a Draft pull request, each step as the card before it says', async () => {
    const filed = await service.run('task', 'add', 'Three', 'cups', 'cost', 'as', 'much', 'as', 'one.');
    expect(filed).toMatchObject({ code: 0, stderr: '' });
    for (const part of [
      'May this run?',
      'Three cups cost as much as one.',
      'Local administrator, by the API',
      'example/shop at main',
      'custom, inside bubblewrap',
      'node --test',
      'weaker than Docker',
      'At most 50 files',
      'agent 30 min',
      /expires +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d CES?T/,
    ]) {
      expect(filed.stdout).toMatch(part);
    }
    const [, id = '', digest = ''] = /countersign task approve (\w{8}) (\w{8})/.exec(filed.stdout) ?? [];

    const approved = await service.run('task', 'approve', id, digest, '--watch');
    expect(approved).toMatchObject({ code: 0, stderr: '' });
    expect(approved.stdout).toMatch(/allowed to run, by the person who asked for it/);
    expect(approved.stdout).toContain('Draft pull request #');
    expect(approved.stdout).toMatch(/result = tested = allowed = delivered {2}[0-9a-f]{10}/);

    expect((await service.run('task', 'show', id, '--patch')).stdout).toContain(
      '+  const sum = items.reduce((cents, item) => cents + item.price * item.quantity, 0);',
    );
    expect((await service.run('task', 'show', id, '--log', 'tests')).stdout).toContain('every piece is paid for');
    expect((await service.run('task', 'show', id, '--events')).stdout).toMatch(/TaskApproved +Local administrator/);
    expect((await service.run('audit', 'verify')).stdout).toContain('The audit holds.');

    const again = await service.run('task', 'rerun', id, '--feedback', 'Name the variable better.');
    expect(again.stdout).toContain('Name the variable better.');
    expect(again.stdout).toMatch(new RegExp(`countersign task approve ${id} \\w{8}`));
  });

  it('says the same to programs as to people', async () => {
    const task = await file();
    expect(task.status).toBe('WAIT_APPROVE_WRITE');
    await service.json('task', 'approve', task.taskId, digestOf(task).slice(0, 8));
    const watched = await service.run('task', 'watch', task.taskId, '--json');
    const lines = watched.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ type }) => type)).toEqual(expect.arrayContaining(['TaskCreated', 'TestsFinished', 'TaskCompleted']));
    expect(taskOf(lines.at(-1) ?? {})).toMatchObject({ status: 'COMPLETED', pullRequest: { draft: true } });
    expect(await service.json('task', 'list', '--mine', '--limit', '1')).toHaveProperty('tasks.0.status');
  });

  it('approves nothing without a digest, and says what to type', async () => {
    const task = await file();
    const { code, stdout, stderr } = await service.run('task', 'approve', task.taskId);
    expect(code).toBe(1);
    expect(stderr).toContain('Nothing was allowed: that takes the digest');
    expect(stdout).toContain(`countersign task approve ${task.taskId.slice(0, 8)} ${digestOf(task).slice(0, 8)}`);
    expect(taskOf(await service.json('task', 'show', task.taskId)).status).toBe('WAIT_APPROVE_WRITE');

    await service.run('task', 'cancel', task.taskId);
    const late = await service.run('task', 'approve', task.taskId);
    expect(late.code).toBe(1);
    expect(late.stderr).toContain('Nothing was allowed: the task waits for no approval.');
  });

  it('takes a yes for exactly the card that a person at a terminal has read', async () => {
    const task = await file();
    const declined = await onTerminal(['task', 'approve', task.taskId], { cwd: service.folder, input: 'no\n' });
    expect(declined.stdout).toContain('Nothing was allowed.');
    expect(declined.code).toBe(1);
    const allowed = await onTerminal(['task', 'approve', task.taskId, '--watch'], { cwd: service.folder, input: 'y\n' });
    expect(allowed.stdout).toContain('Allow exactly this? [y/n]');
    expect(allowed.stdout).toContain('COMPLETED');
    expect(allowed.code).toBe(0);
  });

  it('refuses a digest that is not the one on the card, and a task that is not there', async () => {
    const task = await file();
    const wrong = await service.run('task', 'approve', task.taskId, '0123456789');
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toContain('What you read is not what would run now.');
    const missing = await service.run('task', 'show', 'ffffffffffff', '--json');
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(missing.stderr)).toMatchObject({ error_code: 'TASK_NOT_FOUND' });
    expect((await service.run('task', 'show', 'zzz')).stderr).toContain('at least 6 characters of its id');
    expect((await service.run('task', 'list', '--status', 'x')).stderr).toContain('status: must be one of CREATED, WAIT_CLARIFY');
  });

  it('asks back, clarifies, rejects and cancels', async () => {
    const task = await file();
    expect((await service.run('task', 'ask', task.taskId, 'Which cups?')).stdout).toContain('Which cups?');
    expect((await service.run('task', 'clarify', task.taskId, 'The blue ones.')).stdout).toContain('The blue ones.');
    expect((await service.run('task', 'reject', task.taskId, '--reason', 'No blue cups.')).stdout).toContain('FAILED');
    expect((await service.run('task', 'cancel', task.taskId)).stderr).toContain('The task is over.');
    expect((await service.run('task', 'watch', task.taskId)).code).toBe(1);
    expect((await service.run('task', 'retry', task.taskId)).code).toBe(1);
  });

  it('tells programs what came of each answer, of a stop and of a new attempt', async () => {
    const { taskId } = await file();
    const answered = async (...[action = '', ...more]: readonly string[]) =>
      taskOf(await service.json('task', action, taskId, ...more));
    expect(await answered('ask', 'Which cups?')).toMatchObject({ status: 'WAIT_CLARIFY', sentence: 'Which cups?' });
    expect(await answered('clarify', 'The blue ones.')).toMatchObject({
      status: 'WAIT_APPROVE_WRITE',
      clarifications: ['The blue ones.'],
    });
    expect(await answered('cancel', '--reason', 'Enough.')).toMatchObject({ status: 'FAILED', errorCode: 'CANCELLED' });
    expect(await answered('rerun', '--feedback', 'All cups.')).toMatchObject({
      status: 'WAIT_APPROVE_WRITE',
      attempt: 2,
      feedback: 'All cups.',
    });
    expect(await answered('reject', '--reason', 'No.')).toMatchObject({ status: 'FAILED', errorCode: 'REJECTED' });
  });

  it('stops a task whose agent is at work', async () => {
    const task = await file('Work slowly.');
    await service.json('task', 'approve', task.taskId, digestOf(task));
    await expect.poll(() => service.json('task', 'show', task.taskId), { timeout: 30_000 }).toHaveProperty('task.stage', 'agent');
    const stopped = await service.run('task', 'cancel', task.taskId, '--reason', 'It takes too long.');
    expect(stopped).toMatchObject({ code: 0, stderr: '' });
    expect(stopped.stdout).toContain('FAILED');
    expect(stopped.stdout).toContain('It takes too long.');
  });

  it('looks again once the branch that was missing is there', async () => {
    const add = ['task', 'add', 'Three cups cost as much as one.', '--base', 'later'];
    const [first, second] = [taskOf(await service.json(...add)), taskOf(await service.json(...add))];
    expect(first).toMatchObject({ status: 'WAIT_CLARIFY', clarifyReason: 'BASE_MISSING' });
    await commitInto(service.origin, 'later', 'news\n');
    const found = await service.run('task', 'retry', first.taskId);
    expect(found).toMatchObject({ code: 0, stderr: '' });
    expect(found.stdout).toMatch(/May this run\?[\s\S]*example\/shop at later/);
    const retried = taskOf(await service.json('task', 'retry', second.taskId));
    expect(retried).toMatchObject({ status: 'WAIT_APPROVE_WRITE', baseBranch: 'later' });
  });

  it('shows what others wrote without obeying it: intents, progress, logs', async () => {
    const task = await file(HOSTILE);
    const pages = [
      await onTerminal(['task', 'show', task.taskId], { cwd: service.folder }),
      await onTerminal(['task', 'list'], { cwd: service.folder }),
      await onTerminal(['task', 'show', task.taskId, '--json'], { cwd: service.folder }),
      await onTerminal(['task', 'approve', task.taskId, digestOf(task), '--watch'], { cwd: service.folder }),
      await onTerminal(['task', 'show', task.taskId, '--log', 'agent'], { cwd: service.folder }),
      await onTerminal(['task', 'show', task.taskId, '--events'], { cwd: service.folder }),
      await onTerminal(['task', 'show', task.taskId, '--log', 'agent', '--json'], { cwd: service.folder }),
      await onTerminal(['audit', 'show', '--json'], { cwd: service.folder }),
      await onTerminal(['audit', 'export'], { cwd: service.folder }),
    ];
    for (const { stdout } of pages) expect(stdout).not.toMatch(OBEYED);
    expect(pages[0]?.stdout).toContain('\\u{1b}[2J');
    expect(pages[4]?.stdout).toContain('\\u{1b}[2J\\u{1b}]0;owned\\u{7}');
  });

  it('colours pages on a terminal only, and never where NO_COLOR stands', async () => {
    const { folder: cwd } = service;
    expect((await onTerminal(['task', 'list'], { cwd })).stdout).toContain('\x1b[');
    expect((await onTerminal(['task', 'list'], { cwd, env: { NO_COLOR: '1' } })).stdout).not.toContain('\x1b[');
    expect((await service.run('task', 'list')).stdout).not.toContain('\x1b[');
  });

  it('reads a long request from standard input', async () => {
    const { stdout } = await countersign(['task', 'add', '-', '--json'], {
      cwd: service.folder,
      input: 'First line.\n\nMore of it.\n',
    });
    expect(JSON.parse(stdout)).toHaveProperty('task.intent', 'First line.\n\nMore of it.');
  });
});

describe('A patch that a person must allow', () => {
  let service: RunningService;
  beforeAll(async () => {
    service = await startService(AGENT, { PATCH_GATE: 'always' });
    await service.json('repo', 'add', service.origin, '--name', 'example/shop');
  });
  afterAll(() => service.remove());

  it('is shown whole to whoever is asked, and delivered after their yes', async () => {
    const { taskId, approval } = taskOf(await service.json('task', 'add', 'Three cups cost as much as one.'));
    await service.json('task', 'approve', taskId, approval?.digest ?? '');
    await expect
      .poll(async () => taskOf(await service.json('task', 'show', taskId)).status, { timeout: 30_000, interval: 250 })
      .toBe('WAIT_APPROVE_PATCH');

    const { code, stdout } = await onTerminal(['task', 'approve', taskId, '--watch'], { cwd: service.folder, input: 'y\n' });
    for (const part of [
      'May this patch be delivered?',
      '1 file, 1 line added, 1 removed',
      '-  const sum',
      '+  const sum',
      'passed: node --test',
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).toContain('The patch was allowed to be delivered');
    expect(code).toBe(0);
  });
});
