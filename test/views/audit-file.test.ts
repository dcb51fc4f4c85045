import { appendFileSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { taskStream } from '../../src/domain/ids.ts';
import { redacted } from '../../src/domain/text.ts';
import type { Views } from '../../src/infra/views/views.ts';
import { type AuditFilter, auditMatches, readAuditLine } from '../../src/projections/audit.ts';
import { INTENT, textRedacted, untilCompleted, untilPrepared } from '../domain/task/events.ts';
import { ANNA } from '../domain/task/samples.ts';
import { verifyAuditFile } from '../support/audit.ts';
import { aFolder, aStore, theViews } from './places.ts';
import { taskIdOf, tell, tellMany } from './stories.ts';

/** A log of some tasks with its audit, all of it written. */
const audited = async (tasks: number) => {
  const folder = aFolder();
  const store = aStore(folder);
  await tellMany(store, tasks, (number) => (number % 2 ? untilCompleted : untilPrepared));
  const views = await written(folder, store);
  const file = join(folder, 'audit.jsonl');
  return { folder, store, views, file, text: () => readFileSync(file, 'utf8') };
};

const written = async (folder: string, store: ReturnType<typeof aStore>): Promise<Views> => {
  const views = await theViews(folder, store);
  await views.ready;
  expect(await views.waitForAudit((await store.head()) ?? '', 10_000)).toBe(true);
  return views;
};

const matching = (text: string, filter: AuditFilter) =>
  text
    .trimEnd()
    .split('\n')
    .map(readAuditLine)
    .filter((line) => auditMatches(line, filter));

describe('The audit file', () => {
  it('holds a line for every event of tasks, which verifies without the service', async () => {
    const { views, file } = await audited(10);
    const events = 5 * untilCompleted.length + 5 * untilPrepared.length;

    expect(await verifyAuditFile(file, views.auditHead())).toMatchObject({ valid: true, lines: events });
  });

  it('is for the owner only', async () => {
    const { file } = await audited(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is the same bytes after it and the views were deleted', async () => {
    const { folder, store, views, file, text } = await audited(50);
    const before = text();
    await views.close();
    rmSync(file);
    rmSync(join(folder, 'views.db'));

    await written(folder, store);
    expect(text() === before).toBe(true);
  });

  it('is the same bytes after a rebuild of a service that goes on', async () => {
    const { store, views, text } = await audited(20);
    const before = text();
    const progress: string[] = [];

    await views.rebuild(({ name, events, expected }) => progress.push(`${name} ${events}/${expected}`));
    expect(text() === before).toBe(true);
    expect(progress).toContain(`audit ${before.split('\n').length - 1}/${before.split('\n').length - 1}`);

    await views.waitForAudit(await tell(store, 99, untilPrepared), 5_000);
    expect(text().startsWith(before)).toBe(true);
    expect(text().split('\n')).toHaveLength(before.split('\n').length + untilPrepared.length);
  });

  it.each([
    ['a line that was torn', (file: string) => appendFileSync(file, '{"auditVersion":"2.0","da')],
    ['the beginning of one that was made anew', (file: string) => writeFileSync(`${file}.new`, '{"auditVersion":"2.0","da')],
    ['whole lines that no view knows of', (file: string) => appendFileSync(file, readFileSync(file))],
    ['nothing more of a file that was cut', (file: string) => truncateSync(file, statSync(file).size - 10)],
    ['a file of something else', (file: string) => writeFileSync(file, 'x'.repeat(statSync(file).size))],
  ])('keeps %s out after a restart', async (_, damage) => {
    const { folder, store, views, file, text } = await audited(6);
    const before = text();
    await views.close();
    damage(file);

    const again = await written(folder, store);
    expect(text() === before).toBe(true);
    await again.waitForAudit(await tell(store, 99, untilPrepared), 5_000);
    expect(await verifyAuditFile(file, again.auditHead())).toMatchObject({ valid: true });
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it('loses and doubles nothing when the process died between the sync of the file and the commit of the view', async () => {
    const { folder, store, views, file, text } = await audited(6);
    await views.close();
    const earlier = new DatabaseSync(join(folder, 'views.db'));
    const row = earlier.prepare('SELECT * FROM audit').get() ?? {};
    earlier.close();
    const again = await written(folder, store);
    await again.waitForAudit(await tell(store, 99, untilCompleted), 5_000);
    const complete = text();
    await again.close();
    const died = new DatabaseSync(join(folder, 'views.db'));
    died
      .prepare('UPDATE audit SET position = ?, sequence = ?, line_hash = ?, bytes = ?')
      .run(row.position ?? null, row.sequence ?? 0, row.line_hash ?? '', row.bytes ?? 0);
    died.close();

    await written(folder, store);
    expect(text() === complete).toBe(true);
    expect(await verifyAuditFile(file)).toMatchObject({ valid: true });
  });

  it('no longer holds a text that was erased, and still verifies', async () => {
    const { store, views, file, text } = await audited(4);
    const stream = taskStream(taskIdOf(1));
    for await (const { revision, data } of store.readStream(stream, { limit: 1 })) {
      await store.redactEvent(stream, revision, { ...(data as object), intent: redacted(INTENT) });
    }
    const before = text().length;
    await views.waitForAudit(await tell(store, 1, [...untilCompleted, textRedacted()], untilCompleted.length), 5_000);

    expect(text().length).not.toBe(before);
    const [created] = matching(text(), { task: taskIdOf(1), type: 'TaskCreated' });
    expect(created?.data).toMatchObject({ intent: redacted(INTENT) });
    expect(await verifyAuditFile(file, views.auditHead())).toMatchObject({ valid: true });
  });

  it('is filtered by task, person and time', async () => {
    const { text } = await audited(4);
    expect(matching(text(), { task: taskIdOf(1) })).toHaveLength(untilCompleted.length);
    expect(matching(text(), { actor: ANNA, type: 'TaskCreated' })).toHaveLength(4);
    expect(matching(text(), { until: '2000-01-01T00:00:00.000Z' })).toEqual([]);
  });
});
