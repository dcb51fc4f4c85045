import { openEventStoreDb } from '../../../src/infra/store/eventstoredb.ts';
import { loadClient } from '../../../src/infra/store/eventstoredb-module.ts';

/** Uses every call of a store once, closes it, and leaves the rest to the end of the event loop. */
const [url = '', id = ''] = process.argv.slice(2);
const store = openEventStoreDb({ url, client: await loadClient(url) });
await store.append(`task-${id}`, [{ id, type: 'SomethingHappened', data: {}, metadata: {} }], 'no_stream');
await Array.fromAsync(store.readStream(`task-${id}`));
await Array.fromAsync(store.readAll());
await store.storeId();
for await (const { live } of store.subscribe({ after: null })) if (live) break;
await store.close();
