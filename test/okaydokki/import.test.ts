import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AuditLine } from '../../src/projections/audit.ts';
import { HistorySummary, HistoryView } from '../../src/projections/history.ts';
import { type RunningService, startService } from '../cli/workbench.ts';
import { type Client, clientOf } from '../support/client.ts';
import { FIRST, OLD_STORY, oldLine, oldRow, SECOND, writeOldAudit, writeOldDatabase } from './remains.ts';

const TOKEN = `ghp_${'a1B2'.repeat(9)}`;
const HOSTILE = '</b>\u001b[2J\u202e "quoted" '.repeat(3);

describe('Bringing an OkayDokki in', () => {
  let service: RunningService;
  let files: readonly string[];
  let client: Client;

  beforeAll(async () => {
    service = await startService('true');
    client = await clientOf(join(service.folder, 'data'));
    const db = writeOldDatabase(service.folder, [
      oldRow(),
      oldRow({
        task_id: SECOND,
        repo: 'acme/other',
        status: 'WAIT_CLARIFY',
        approved_by: null,
        intent: `Use ${TOKEN}`,
        created_at: '2026-02-16T09:00:00Z',
      }),
      oldRow({ task_id: 'third', repo: 'hostile', intent: HOSTILE, created_at: '2026-02-17T09:00:00Z' }),
    ]);
    const audit = writeOldAudit(service.folder, [
      ...OLD_STORY,
      oldLine({ taskId: 'chat:4711', eventType: 'CHAT_REQUEST' }),
      oldLine({ taskId: 'audit-only', message: 'Nobody knows this task any more.' }),
    ]);
    files = ['--db', db, '--audit', audit];
  });
  afterAll(() => service.remove());

  const bringIn = (...more: readonly string[]) => service.json('import', 'okaydokki', ...files, ...more);
  const history = z.object({ history: z.array(HistorySummary), next_cursor: z.string().nullable() });
  const list = async (query = '') => history.parse((await client.call('GET', `/api/v1/history${query}`)).json());
  const show = async (id: string) =>
    z.object({ history: HistoryView }).parse((await client.call('GET', `/api/v1/history/${id}`)).json()).history;

  it('is tried first without changing anything', async () => {
    expect(await bringIn('--dry-run')).toEqual({ dry_run: true, tasks: 3, audit: 5, conversations: 1, bad: 0, faults: [] });
    expect((await list()).history).toEqual([]);
    expect((await service.run('history', 'list')).stdout).toContain('countersign import okaydokki');
  });

  it('makes history of it, once', async () => {
    expect(await bringIn()).toMatchObject({ tasks: { added: 3, known: 0 }, audit: { added: 5, known: 0 }, conversations: 1 });
    expect(await bringIn()).toMatchObject({ tasks: { added: 0, known: 3 }, audit: { added: 0, known: 5 } });
    expect((await list()).history.map(({ sourceId, proven }) => [sourceId, proven])).toEqual([
      ['audit-only', false],
      ['third', false],
      [SECOND, false],
      [FIRST, false],
    ]);
  });

  it('shows each task as it stood there, with people as labels', async () => {
    expect(await show(FIRST)).toMatchObject({
      source: 'okaydokki',
      sourceId: FIRST,
      proven: false,
      importedBy: expect.stringMatching(/^person-/),
      task: {
        status: 'COMPLETED',
        intent: 'Fix login 500.',
        requestedBy: 'tg:4711',
        approvedBy: 'tg:4712',
        repo: 'acme/widgets',
      },
      lines: [
        { eventType: 'REQUEST' },
        { eventType: 'APPROVE', approvalDecision: 'APPROVE' },
        { eventType: 'RUN', testsResult: 'PASS', diffHash: 'abc123', agentLogs: 'reading\nwriting\ndone' },
        { eventType: 'PR_CREATED', pullRequest: 'https://github.com/acme/widgets/pull/7' },
      ],
    });
    expect(await show('audit-only')).toMatchObject({ task: null, lines: [{ message: 'Nobody knows this task any more.' }] });
    const page = (await service.run('history', 'show', FIRST, '--logs')).stdout;
    for (const part of ['imported, not proven', 'tg:4712', 'COMPLETED', 'pull/7', 'writing']) expect(page).toContain(part);
    expect((await service.run('history', 'list')).stdout).toContain('imported, not proven');
  });

  it('obeys nothing that stands in it, and keeps no secret of it', async () => {
    expect((await service.run('history', 'show', 'third')).stdout).not.toMatch(/\u001b\[2J|\u202e/);
    expect((await show(SECOND)).task?.intent).toBe('Use [redacted]');
    expect(await readFile(join(service.folder, 'data', 'audit.jsonl'), 'utf8')).not.toContain(TOKEN);
  });

  it('is no task of this service: nothing lists, shows, approves or reruns it', async () => {
    expect((await client.call('GET', '/api/v1/tasks')).json()).toMatchObject({ tasks: [] });
    expect((await client.call('GET', '/api/v1/people')).json()).toMatchObject({ people: [{ name: 'Local administrator' }] });
    const calls = [
      client.call('GET', `/api/v1/tasks/${FIRST}`),
      client.call('POST', `/api/v1/tasks/${FIRST}/actions`, { action: 'approve', approval_digest: 'a'.repeat(64) }),
      client.call('POST', `/api/v1/tasks/${FIRST}/rerun`, {}),
    ];
    for (const answer of await Promise.all(calls)) expect(answer.json()).toMatchObject({ error_code: 'TASK_NOT_FOUND' });
  });

  it('is audited as what it is, one event each, and the audit holds', async () => {
    const lines = (await service.run('audit', 'export')).stdout
      .trimEnd()
      .split('\n')
      .map((line) => AuditLine.parse(JSON.parse(line)));
    const imported = lines.filter(({ stream }) => stream.startsWith('history-'));
    expect(imported.map(({ type }) => type).sort()).toEqual([
      ...Array.from({ length: 5 }, () => 'AuditImported'),
      ...Array.from({ length: 3 }, () => 'TaskImported'),
    ]);
    expect(lines.filter(({ stream }) => stream.startsWith('task-'))).toEqual([]);
    expect(await service.json('audit', 'verify')).toMatchObject({ valid: true });
    // What is exported in their form is what this service can prove.
    expect((await service.run('audit', 'export', '--format', 'okaydokki-1.0')).stdout).toBe('');
  });

  it('comes in pages', async () => {
    const first = await list('?limit=3');
    expect(first.history).toHaveLength(3);
    expect((await list(`?limit=3&cursor=${first.next_cursor}`)).history.map(({ sourceId }) => sourceId)).toEqual([FIRST]);
  });

  it('is for admins to bring in, and for those to read who may read its repository', async () => {
    const post = async (path: string, body: object) =>
      z.record(z.string(), z.unknown()).parse((await client.call('POST', path, body)).json());
    const { person_id } = await post('/api/v1/people', { name: 'Rita' });
    await post(`/api/v1/people/${person_id}/roles`, { role: 'requester', repositories: 'acme/*' });
    const { token } = await post(`/api/v1/people/${person_id}/tokens`, { name: 'laptop' });
    const as = (method: string, path: string, body?: object) =>
      client.call(method, `/api/v1/history${path}`, body, { authorization: `Bearer ${token}` });
    expect((await as('POST', '', { source: 'okaydokki', tasks: [], audit: [] })).status).toBe(403);
    expect((await as('DELETE', `/${FIRST}`)).status).toBe(403);
    const seen = history.parse((await as('GET', '')).json());
    expect(seen.history.map(({ repo }) => repo)).toEqual(['acme/other', 'acme/widgets']);
    expect((await as('GET', `/${FIRST}`)).status).toBe(200);
    for (const hidden of ['third', 'audit-only']) expect((await as('GET', `/${hidden}`)).status).toBe(404);
  });

  it('is refused by the service, too, when it is not of their form or a name holds a secret', async () => {
    const post = async (tasks: readonly object[], audit: readonly object[] = []) =>
      (await client.call('POST', '/api/v1/history', { source: 'okaydokki', tasks, audit })).json();
    expect(await post([oldRow({ status: 'DONE' })])).toMatchObject({ error_code: 'VALIDATION_ERROR' });
    expect(await post([{ ...oldRow(), proven: true }])).toMatchObject({ error_code: 'VALIDATION_ERROR' });
    expect(await post([], [oldLine()])).toMatchObject({
      error_code: 'VALIDATION_ERROR',
      fields: [{ path: 'audit.0.repetition' }],
    });
    expect(await post([oldRow({ task_id: 'secret', branch: TOKEN })])).toMatchObject({
      error: expect.stringContaining('secret'),
    });
    expect((await client.call('GET', '/api/v1/history/secret')).status).toBe(404);
  });

  it('says every line that it cannot read, and brings nothing in unless it is told to leave them out', async () => {
    const audit = writeOldAudit(
      service.folder,
      [oldLine({ taskId: 'new' }), '{"torn', oldLine({ eventType: 'DANCED' })],
      'bad.jsonl',
    );
    const refused = await service.run('import', 'okaydokki', '--audit', audit);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('audit, line 2: is no JSON, or was cut short');
    expect(refused.stderr).toContain('audit, line 3: eventType is none of its event types');
    expect(refused.stderr).toContain('--skip-bad');
    expect((await service.run('history', 'show', 'new')).code).toBe(1);
    expect((await service.run('import', 'okaydokki', '--audit', audit, '--dry-run')).code).toBe(1);
    const told = await service.json('import', 'okaydokki', '--audit', audit, '--skip-bad');
    expect(told).toMatchObject({ audit: { added: 1 }, bad: 2 });
    expect(await show('new')).toMatchObject({ lines: [{ eventType: 'REQUEST' }] });
  });

  it('says what to name when nothing, or something else, was named', async () => {
    expect(await service.run('import', 'okaydokki')).toMatchObject({ code: 2 });
    const nowhere = join(service.folder, 'nowhere');
    expect((await service.run('import', 'okaydokki', '--db', nowhere)).stderr).toContain('DATABASE_PATH');
    expect((await service.run('import', 'okaydokki', '--audit', nowhere)).stderr).toContain('AUDIT_LOG_PATH');
  });

  it('is forgotten for good when it must be, in the log, the views and the audit, which still holds', async () => {
    const everything = () =>
      Promise.all(['log.db', 'views.db', 'audit.jsonl'].map((file) => readFile(join(service.folder, 'data', file), 'latin1')));
    expect((await everything()).join('')).toContain('Nobody knows this task');
    expect((await service.run('history', 'forget', 'audit-only')).stderr).toContain('--yes');
    await service.json('history', 'forget', 'audit-only', '--yes');
    expect(await show('audit-only')).toMatchObject({
      lines: [{ eventType: 'REQUEST', message: '[redacted]', requestedBy: '[redacted]' }],
    });
    await expect.poll(async () => (await everything()).join('')).not.toContain('Nobody knows this task');
    expect(await bringIn()).toMatchObject({ audit: { added: 0 } });
    await service.json('history', 'forget', 'audit-only', '--yes');
    expect((await show('audit-only')).lines).toMatchObject([{ message: '[redacted]' }]);
    expect(await service.json('audit', 'verify')).toMatchObject({ valid: true });
    expect((await service.run('history', 'forget', 'nothing', '--yes')).stderr).toContain('There is no such history');
  });

  it('is there again after everything was built anew, and folds', async () => {
    const before = await list();
    await service.json('projections', 'rebuild');
    expect(await list()).toEqual(before);
    await service.stop();
    expect(await service.json('replay')).toMatchObject({ faults: [] });
  });
});
