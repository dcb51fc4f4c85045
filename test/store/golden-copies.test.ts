import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as client from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventStore, RecordedEvent } from '../../src/domain/event-store.ts';
import { openEventStoreDb } from '../../src/infra/store/eventstoredb.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { copyEvents } from '../../src/infra/store-copy/copy.ts';
import { dumped } from '../chaos/checker/rebuilt.ts';
import { verifyAuditFile } from '../support/audit.ts';
import { all } from './contract.ts';
import { startServerDouble } from './server-double/index.ts';

const LOGS = join(import.meta.dirname, '..', 'fixtures', 'logs');

/** All that a copy must keep, ids, types, data, metadata and hashes: everything but positions. */
const kept = async (store: EventStore): Promise<readonly Omit<RecordedEvent, 'position'>[]> =>
  (await all(store.readAll())).map(({ position: _, ...event }) => event);

/** Every row of the views of a log, each position as the event it stands for: they are the store's own. Their audit is left beside them. */
const views = async (store: EventStore, folder: string): Promise<readonly unknown[]> => {
  const eventAt = new Map<string, string>(
    (await all(store.readAll())).map(({ position, stream, revision }) => [position, `${stream}@${revision}`]),
  );
  return (await dumped(store, folder)).map((row) =>
    JSON.parse(row, (_, value: unknown) => (typeof value === 'string' ? (eventAt.get(value) ?? value) : value)),
  );
};

describe.each(readdirSync(LOGS).filter((name) => name.endsWith('.tar.gz')))('The log %s', (name) => {
  const opened = new AsyncDisposableStack();
  /** As it was left, on a server, and back in a file. */
  let stores: readonly [left: EventStore, there: EventStore, back: EventStore];
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-golden-'));
    opened.defer(() => rmSync(folder, { recursive: true }));
    execFileSync('tar', ['-xzf', join(LOGS, name), '-C', folder, './log.db', './made.json']);
    const server = await startServerDouble();
    opened.defer(() => server.stop());
    stores = [
      openSqliteStore({ file: join(folder, 'log.db') }),
      openEventStoreDb({ url: server.url, client }),
      openSqliteStore({ file: join(folder, 'back.db') }),
    ];
    for (const store of stores) opened.defer(() => store.close());
    const [left, there, back] = stores;
    for (const [from, to] of [
      [left, there],
      [there, back],
    ] as const)
      await copyEvents({ from, to, erasedThere: false, onProgress: () => undefined });
  });
  afterAll(() => opened.disposeAsync());

  it('goes to a server and back, event by event, and loses only signs of life', async () => {
    const [left, there, back] = await Promise.all(stores.map(kept));
    const told = left?.filter(({ stream }) => !/^(worker|lease)-/.test(stream));
    expect(told?.length).toBeGreaterThan(100);
    expect(there).toEqual(told);
    expect(back).toEqual(told);
  });

  it('gives the same views there and back, and the audit whose head was noted then', async () => {
    const { head } = JSON.parse(readFileSync(join(folder, 'made.json'), 'utf8'));
    const seen = stores.map(async (store, index) => {
      const place = join(folder, String(index));
      mkdirSync(place);
      const rows = await views(store, place);
      const audit = join(place, 'audit.jsonl');
      expect(await verifyAuditFile(audit, head)).toMatchObject({ valid: true });
      return { rows, audit: readFileSync(audit, 'utf8') };
    });
    const [left, ...copies] = await Promise.all(seen);
    expect(left?.rows.length).toBeGreaterThan(10);
    for (const copy of copies) expect(copy).toEqual(left);
  });
});
