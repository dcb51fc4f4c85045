import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { eventStoreContract } from './contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-store-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('The SQLite event store', () => {
  eventStoreContract(async () => openSqliteStore({ file: join(folder, 'log.db') }));
});
