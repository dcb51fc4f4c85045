import { createRequire } from 'node:module';
import { afterAll, describe, expect, it } from 'vitest';
import { openEventStoreDb } from '../../src/infra/store/eventstoredb.ts';
import { loadClient } from '../../src/infra/store/eventstoredb-module.ts';
import { eventStoreContract } from './contract.ts';
import { startServerDouble } from './server-double/index.ts';

const server = await startServerDouble({ flavour: 'kurrentdb' });
const client = await loadClient(server.url);
afterAll(() => server.stop());

describe('The KurrentDB event store', () => {
  eventStoreContract(async () => openEventStoreDb({ url: server.url, client }));
});

describe('A process', () => {
  it('that was given a kurrentdb connection string has loaded that client and not the other', () => {
    const loaded = Object.keys(createRequire(import.meta.url).cache);

    expect(loaded.some((file) => file.includes('/@kurrent/kurrentdb-client/'))).toBe(true);
    expect(loaded.filter((file) => file.includes('/@eventstore/db-client/'))).toEqual([]);
  });
});
