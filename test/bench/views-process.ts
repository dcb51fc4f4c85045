import { join } from 'node:path';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { openViews } from '../../src/infra/views/views.ts';

/** Brings the views of a data folder up with its log and prints how long it took and the most memory it needed, as JSON. */
const [folder = ''] = process.argv.slice(2);
const begin = performance.now();
let resident = 0;
const sample = setInterval(() => {
  resident = Math.max(resident, process.memoryUsage.rss());
}, 50);
const store = openSqliteStore({ file: join(folder, 'log.db') });
const views = await openViews({ file: join(folder, 'views.db'), store, auditFile: join(folder, 'audit.jsonl') });
await views.ready;
const seconds = (performance.now() - begin) / 1_000;
const head = await store.head();
if (head !== null) await views.waitForAudit(head, 600_000);
clearInterval(sample);
console.log(JSON.stringify({ seconds, residentMiB: Math.max(resident, process.memoryUsage.rss()) / 1024 ** 2 }));
await views.close();
await store.close();
