import * as client from '@eventstore/db-client';
import { afterAll, describe } from 'vitest';
import { openEventStoreDb } from '../../src/infra/store/eventstoredb.ts';
import { eventStoreContract } from './contract.ts';
import { startServerDouble } from './server-double/index.ts';

const server = await startServerDouble();
afterAll(() => server.stop());

describe('The EventStoreDB event store', () => {
  eventStoreContract(async () => openEventStoreDb({ url: server.url, client }));
});
