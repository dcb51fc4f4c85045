import { describe } from 'vitest';
import { openEventStoreDb } from '../../src/infra/store/eventstoredb.ts';
import { loadClient } from '../../src/infra/store/eventstoredb-module.ts';
import { eventStoreContract } from './contract.ts';

/** A real server of one's own, as `docker compose up eventstore` starts one: `EVENTSTORE_TEST_URL=esdb://127.0.0.1:2113?tls=false`, or `kurrentdb://…`. */
const url = process.env.EVENTSTORE_TEST_URL ?? '';

describe.runIf(url !== '')('The EventStoreDB event store on a server', () => {
  eventStoreContract(async () => openEventStoreDb({ url, client: await loadClient(url) }));
});
