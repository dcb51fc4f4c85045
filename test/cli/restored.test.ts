import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { verifyBackup } from '../../src/infra/backup/restore.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { dumped } from '../chaos/checker/rebuilt.ts';
import { verifyAuditFile } from '../support/audit.ts';
import { act, approve, type Client, clientOf, file, look, rerun } from '../support/client.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { countersign } from './workbench.ts';

/** Does what the first word of the request says. What is slow is under way for as long as the backups take. */
const AGENT =
  'case "$OKD_INTENT" in Fail*) exit 3;; Slowly*) sleep 5;; Test*) touch slow.txt;; Package*) echo {} > package.json;; esac; sed -i s/-/+/ sum.sh';
const FILES = { 'sum.sh': 'echo $(($1 - $2))\n', 'test.sh': '[ ! -e slow.txt ] || sleep 5\ntest "$(sh sum.sh 2 3)" = 5\n' };
const SETTINGS = {
  AGENT_CLI_TEMPLATE: AGENT,
  RUNNING_MAX: '6',
  RUNNING_PER_REPOSITORY_MAX: '6',
  WAITING_PER_PERSON_MAX: '10000',
};
/** People who file one request after the other while the backups are made. */
const PEOPLE = 3;

const Page = z.object({ tasks: z.array(z.object({ taskId: z.string() })), next_cursor: z.string().nullable() });

type Story = 'delivered' | 'failed' | 'waits' | 'goes on meanwhile' | 'is asked' | 'waits with its patch' | 'agent' | 'tests';

describe('A backup of a service at work', { timeout: 120_000 }, () => {
  let workshop: Workshop;
  let service: ServiceProcess;
  /** As they were right before the backups. */
  const tasks = new Map<Story, TaskView>();
  /** Filed and answered before. */
  let filedBefore: readonly string[] = [];
  const at = (...names: readonly string[]): string => join(workshop.folder, ...names);
  const run = (args: readonly string[], folder = 'data') =>
    countersign(args, { cwd: workshop.folder, env: workshop.environment({ ...SETTINGS, DATA_DIR: at(folder) }) });
  const story = (name: Story): TaskView => tasks.get(name) ?? expect.fail(`${name} is not there`);
  const untilStage = async (client: Client, task: TaskView, stage: TaskView['stage']): Promise<void> => {
    while ((await look(client, task)).stage !== stage) await pause(20);
  };
  const overHttp = async (name: string): Promise<void> => {
    const { url, token } = JSON.parse(await readFile(at('data', 'service.json'), 'utf8'));
    const answer = await fetch(`${url}/api/v1/backup`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(200);
    await pipeline(Readable.fromWeb(answer.body ?? expect.fail('it is empty')), createWriteStream(at(name)));
  };

  beforeAll(async () => {
    workshop = await openWorkshop(FILES);
    service = await startService(workshop.environment(SETTINGS), null);
    const { client } = service;
    const begin = async (name: Story, intent: string, more: object = {}): Promise<TaskView> => {
      const task = await file(client, intent, more);
      tasks.set(name, task);
      return task;
    };
    const settle = async (name: Story, intent: string): Promise<void> =>
      void tasks.set(name, await approve(client, await begin(name, intent)));
    const start = async (name: Story, intent: string): Promise<TaskView> => {
      const task = await begin(name, intent);
      await client.call('POST', `/api/v1/tasks/${task.taskId}/actions`, {
        action: 'approve',
        approval_digest: task.approval?.digest,
      });
      return task;
    };
    await Promise.all([
      settle('delivered', 'Mend the sum.'),
      settle('failed', 'Fail at once.'),
      settle('waits with its patch', 'Package it.'),
      begin('waits', 'Mend it later.'),
      begin('goes on meanwhile', 'Mend it at once.'),
      begin('is asked', 'Mend what is not there.', { base_branch: 'nowhere' }),
    ]);

    const filed: string[] = [];
    let filing = true;
    const load = Array.from({ length: PEOPLE }, async () => {
      while (filing) {
        const answer = await client.call('POST', '/api/v1/tasks', { intent: 'Mend one more.' });
        if (answer.status === 201) filed.push(answer.task().taskId);
        await pause(20);
      }
    });
    const loading = Promise.all(load);
    loading.catch(() => undefined); // Awaited below, unless something else is wrong.
    await untilStage(client, await start('tests', 'Test it slowly.'), 'sandbox');
    await untilStage(client, await start('agent', 'Slowly mend it.'), 'agent');
    filedBefore = [...filed];
    expect(filed.length).toBeGreaterThan(10);
    await overHttp('first.tar');
    await overHttp('second.tar');
    expect(await look(client, story('agent'))).toMatchObject({ status: 'RUNNING', stage: 'agent' });
    expect(await look(client, story('tests'))).toMatchObject({ status: 'RUNNING', stage: 'sandbox' });
    expect(await run(['backup', at('third.tar')])).toMatchObject({ code: 0 });
    // What the restored log knows nothing of.
    expect(await approve(client, story('goes on meanwhile'))).toMatchObject({ status: 'COMPLETED' });
    filing = false;
    await loading;
    await service.end('SIGKILL');
  });
  afterAll(async () => {
    if (!service.hasEnded()) await service.end('SIGKILL');
    await workshop.remove();
  });

  it('is whole, and so is the next one that is taken right behind it', async () => {
    const [first, second] = [await verifyBackup(at('first.tar')), await verifyBackup(at('second.tar'))];
    expect(second.log?.events).toBeGreaterThan(first.log?.events ?? 0);
  });

  it.each(['second', 'third'])('comes back whole, as the log was then: the %s', async (name) => {
    expect(await run(['restore', at(`${name}.tar`)], name)).toMatchObject({ code: 0 });
    const folder = at(`${name}-views`);
    await mkdir(folder);
    const store = openSqliteStore({ file: at(name, 'log.db') });
    await dumped(store, folder);
    await store.close();
    const [then, now] = await Promise.all(
      [join(folder, 'audit.jsonl'), at('data', 'audit.jsonl')].map((path) => readFile(path, 'utf8')),
    );
    expect(await verifyAuditFile(join(folder, 'audit.jsonl'))).toMatchObject({ valid: true });
    expect(now?.startsWith(then ?? 'nothing')).toBe(true);
    for (const taskId of filedBefore) expect(then).toContain(taskId);
  });

  describe('with a service that is started on it', () => {
    let client: Client;
    const shown = (name: Story): Promise<TaskView> => look(client, story(name));
    beforeAll(async () => {
      service = await startService(workshop.environment({ ...SETTINGS, DATA_DIR: at('second') }), null);
      client = await clientOf(at('second'));
    });

    it('shows every task as it was', async () => {
      const listed = new Set<string>();
      for (let cursor: string | null = ''; cursor !== null; ) {
        const answer = await client.call('GET', `/api/v1/tasks?limit=100${cursor && `&cursor=${cursor}`}`);
        const page = Page.parse(answer.json());
        for (const { taskId } of page.tasks) listed.add(taskId);
        cursor = page.next_cursor;
      }
      for (const taskId of [...filedBefore, ...[...tasks.values()].map((task) => task.taskId)]) expect(listed).toContain(taskId);
      for (const name of ['delivered', 'failed', 'waits', 'is asked', 'waits with its patch'] as const) {
        const { status, errorCode, pullRequest, transitions } = story(name);
        expect(await shown(name)).toMatchObject({ status, errorCode, pullRequest, transitions });
      }
    });

    it.each(['waits', 'waits with its patch'] as const)('goes on with what %s', async (name) => {
      expect(await approve(client, await shown(name))).toMatchObject({ status: 'COMPLETED', errorCode: null });
    });

    it('delivers what had been delivered after the backup once more, beside what it finds', async () => {
      expect(await approve(client, await shown('goes on meanwhile'))).toMatchObject({ status: 'COMPLETED', errorCode: null });
    });

    it('takes an answer, another attempt and a new request', async () => {
      const answered = await act(client, story('is asked'), { action: 'clarify', base_branch: 'main' });
      expect(await approve(client, answered)).toMatchObject({ status: 'COMPLETED' });
      const again = await approve(client, await rerun(client, story('delivered'), 'Once more.'));
      expect(again).toMatchObject({
        status: 'COMPLETED',
        attempt: 2,
        pullRequest: { number: story('delivered').pullRequest?.number },
      });
      expect(await approve(client, await file(client, 'Mend it anew.'))).toMatchObject({ status: 'COMPLETED' });
    });

    it.each(['agent', 'tests'] as const)('takes what was under way to its end: %s', async (name) => {
      await expect
        .poll(() => shown(name), { timeout: 30_000 })
        .toMatchObject({ status: 'COMPLETED', attempt: 1, errorCode: null });
      expect((await shown(name)).pullRequest).not.toBeNull();
    });

    it('has the views and the audit that its log gives', async () => {
      expect(await service.end('SIGTERM')).toBe(0);
      const store = openSqliteStore({ file: at('second', 'log.db') });
      const fresh = at('fresh');
      await mkdir(fresh);
      const [lived, made] = [await dumped(store, at('second')), await dumped(store, fresh)];
      await store.close();
      expect(lived).toEqual(made);
      const audits = await Promise.all([at('second'), fresh].map((folder) => readFile(join(folder, 'audit.jsonl'))));
      expect(audits[0]?.equals(audits[1] ?? Buffer.alloc(0))).toBe(true);
      expect(await verifyAuditFile(at('second', 'audit.jsonl'))).toMatchObject({ valid: true });
    });
  });
});
