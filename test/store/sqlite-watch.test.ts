import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';

it('A SQLite log wakes its readers on other connections of the process at once, without their looking again and again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-store-'));
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const [written, read] = [openSqliteStore({ file: join(folder, 'log.db') }), openSqliteStore({ file: join(folder, 'log.db') })];
  onTestFinished(async () => {
    vi.useRealTimers();
    await Promise.all([written.close(), read.close()]);
    rmSync(folder, { recursive: true });
  });
  const batches = read.subscribe({ after: null })[Symbol.asyncIterator]();
  expect((await batches.next()).value?.events).toEqual([]);

  const next = batches.next();
  await written.append('task-one', [{ id: 'one', type: 'Heard', data: {}, metadata: {} }], 'no_stream');
  expect((await next).value?.events).toMatchObject([{ id: 'one' }]);
});
