import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../src/projections/audit.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { act, approve, filed, type Office, openOffice, WAIT, type Worker } from '../http/office.ts';

const WORDS = 'Ask Rosalind about the sum.';

describe('Erasing the words of a task', () => {
  let office: Office;
  let admin: Worker;
  let task: TaskView;

  const redact = (worker: Worker, taskId: string, revision: unknown) =>
    worker.call('POST', `/api/v1/tasks/${taskId}/redactions`, { revision });
  const types = async (): Promise<string[]> => {
    const { events } = (await admin.call('GET', `/api/v1/tasks/${task.taskId}/events`)).json() as { events: { type: string }[] };
    return events.map(({ type }) => type);
  };
  const onDisk = (what: string): number | null =>
    spawnSync('grep', [
      '--recursive',
      '--text',
      '--quiet',
      what,
      ...['log.db', 'log.db-wal', 'views.db', 'views.db-wal', 'audit.jsonl'].map((file) =>
        join(office.workshop.dataFolder, file),
      ),
    ]).status;

  beforeAll(async () => {
    office = await openOffice();
    ({ admin } = office);
    task = await filed(admin, { intent: WORDS });
  });
  afterAll(() => office?.close());

  it('waits until the task is over', async () => {
    const answer = await redact(admin, task.taskId, 0);
    expect([answer.status, answer.code()]).toEqual([409, 'STATE_CONFLICT']);
    expect((await admin.call('GET', `/api/v1/tasks/${task.taskId}`)).task().intent).toBe(WORDS);
    task = (await approve(admin, task, WAIT)).task();
    expect(task.status).toBe('COMPLETED');
  });

  it('is for administrators of the repository alone', async () => {
    const approver = await office.hire(['approver', '*'], ['requester', '*']);
    const elsewhere = await office.hire(['admin', 'other/*']);
    expect((await redact(approver, task.taskId, 0)).code()).toBe('FORBIDDEN');
    expect((await redact(elsewhere, task.taskId, 0)).code()).toBe('TASK_NOT_FOUND');
    expect(await types()).not.toContain('TextRedacted');
  });

  it.each([[1_000], [-1], ['0'], [null]])('is refused for event %j', async (revision) => {
    expect((await redact(admin, task.taskId, revision)).status).toBeOneOf([400, 409]);
  });

  it('takes them out of the log, the views and the audit, and every hash still holds', async () => {
    expect(onDisk(WORDS)).toBe(0);
    expect((await redact(admin, task.taskId, 0)).status).toBe(200);
    expect((await admin.call('GET', `/api/v1/tasks/${task.taskId}`)).task().intent).toBe('[redacted]');
    expect((await admin.call('GET', '/api/v1/tasks')).text).not.toContain(WORDS);
    await expect.poll(() => onDisk(WORDS), { timeout: 10_000 }).toBe(1);

    const lines = (await admin.call('GET', '/api/v1/audit.jsonl')).text.trimEnd().split('\n');
    expect(await verifyAudit(lines)).toMatchObject({ valid: true });
    expect(lines.at(-1)).toContain('TextRedacted');
  });

  it('is done once', async () => {
    expect((await redact(admin, task.taskId, 0)).code()).toBe('INVALID_ACTION');
    expect((await types()).filter((type) => type === 'TextRedacted')).toHaveLength(1);
  });

  it('leaves a task that can be tried again, by who reads what is left', async () => {
    await admin.call('POST', `/api/v1/tasks/${task.taskId}/rerun`, {}, WAIT);
    expect((await act(admin, task, { action: 'cancel' })).status).toBe(202);
  });
});
