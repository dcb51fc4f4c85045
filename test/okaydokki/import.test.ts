import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AuditLine } from '../../src/projections/audit.ts';
import { HistorySummary, HistoryView } from '../../src/projections/history.ts';
import { type RunningService, startService } from '../cli/workbench.ts';
import { FIRST, OLD_STORY, oldLine, oldRow, SECOND, writeOldAudit, writeOldDatabase } from './remains.ts';

const TOKEN = `ghp_${'a1B2'.repeat(9)}`;
const HOSTILE = '</b>\u001b[2J\u202e "quoted" '.repeat(3);

describe('Bringing an OkayDokki in', () => {
  let service: RunningService;
  let files: readonly string[];

  beforeAll(async () => {
    service = await startService('true');
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
  const list = async (...more: readonly string[]) => history.parse(await service.json('history', 'list', ...more));
  const show = async (id: string) => z.object({ history: HistoryView }).parse(await service.json('history', 'show', id)).history;

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
    expect(await service.json('task', 'list')).toMatchObject({ tasks: [] });
    expect(await service.json('person', 'list')).toMatchObject({ people: [{ name: 'Local administrator' }] });
    for (const verb of ['show', 'approve', 'rerun', 'cancel'])
      expect(await service.run('task', verb, FIRST)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('There is no such task'),
      });
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
    const first = await list('--limit', '3');
    expect(first.history).toHaveLength(3);
    expect((await list('--limit', '3', '--cursor', first.next_cursor ?? '')).history.map(({ sourceId }) => sourceId)).toEqual([
      FIRST,
    ]);
  });

  it('is for admins to bring in, and for those to read who may read its repository', async () => {
    const { person_id } = await service.json('person', 'add', 'Rita');
    await service.json('person', 'grant', 'Rita', 'requester', 'acme/*');
    const { token } = await service.json('token', 'issue', String(person_id));
    const as = (...args: readonly string[]) => service.run(...args, '--token', String(token));
    expect((await as('import', 'okaydokki', ...files)).stderr).toContain('You may not do this here.');
    const seen = history.parse(JSON.parse((await as('history', 'list', '--json')).stdout));
    expect(seen.history.map(({ repo }) => repo)).toEqual(['acme/other', 'acme/widgets']);
    expect((await as('history', 'show', FIRST)).code).toBe(0);
    for (const hidden of ['third', 'audit-only'])
      expect((await as('history', 'show', hidden)).stderr).toContain('There is no such history');
  });

  it('says every line that it cannot read, and brings nothing in unless it is told to leave them out', async () => {
    const audit = writeOldAudit(service.folder, [oldLine({ taskId: 'new' }), '{"torn', oldLine({ eventType: 'DANCED' })]);
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

  it('is there again after everything was built anew, and folds', async () => {
    const before = await list();
    await service.json('projections', 'rebuild');
    expect(await list()).toEqual(before);
    await service.stop();
    expect(await service.json('replay')).toMatchObject({ faults: [] });
  });
});
