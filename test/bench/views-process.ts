import { join } from 'node:path';
import { openStore } from '../../src/infra/store/place.ts';
import { startKeeper } from '../../src/infra/views/threaded-keeper.ts';
import { openViews } from '../../src/infra/views/views.ts';

/** Brings the views of a data folder up with its log, as the service does, and prints how long it took and the most memory it needed, as JSON. */
const [folder = ''] = process.argv.slice(2);
const begin = performance.now();
let resident = 0;
const sample = setInterval(() => {
  resident = Math.max(resident, process.memoryUsage.rss());
}, 50);
const place = { eventStoreUrl: null, file: join(folder, 'log.db') };
const store = await openStore(place);
const file = join(folder, 'views.db');
const views = await openViews(file, await startKeeper({ file, auditFile: join(folder, 'audit.jsonl'), store: place }));
await views.ready;
const seconds = (performance.now() - begin) / 1_000;
const head = await store.head();
if (head !== null) await views.waitForAudit(head, 600_000);
clearInterval(sample);
console.log(JSON.stringify({ seconds, residentMiB: Math.max(resident, process.memoryUsage.rss()) / 1024 ** 2 }));
await views.close();
await store.close();
