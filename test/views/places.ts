import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openSqliteStore, type SqliteStore } from '../../src/infra/store/sqlite.ts';
import { type KeeperOptions, openKeeper } from '../../src/infra/views/keeper.ts';
import { openViews, type Views } from '../../src/infra/views/views.ts';

/** A folder of the test's own, removed after it. */
export const aFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-views-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export const aStore = (folder: string, name = 'log.db'): SqliteStore => {
  const store = openSqliteStore({ file: join(folder, name) });
  onTestFinished(() => store.close());
  return store;
};

/** The views of `store`, kept on the test's own thread, so that its store and its projections may be anything. */
export const theViews = async (folder: string, store: SqliteStore, options: Partial<KeeperOptions> = {}): Promise<Views> => {
  const file = join(folder, 'views.db');
  const views = await openViews(file, await openKeeper({ file, auditFile: join(folder, 'audit.jsonl'), store, ...options }));
  onTestFinished(() => views.close());
  return views;
};
