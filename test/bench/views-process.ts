import { join } from 'node:path';
import { openStore } from '../../src/infra/store/place.ts';
import { startKeeper } from '../../src/infra/views/threaded-keeper.ts';
import { openViews } from '../../src/infra/views/views.ts';

const SAMPLE_MS = 50;

/**
 * Brings the views and the audit file of a data folder up with its log, as the service does: first the one, then the other. Prints how long each
 * took, in seconds, and the memory it had resident meanwhile, in MiB every 50 ms, as JSON.
 */
const [folder = ''] = process.argv.slice(2);
let resident: number[] = [];
let begin = performance.now();
const sample = (): number => resident.push(process.memoryUsage.rss() / 1024 ** 2);
/** What was measured since the last time. */
const measured = () => {
  sample();
  const phase = { seconds: (performance.now() - begin) / 1_000, resident };
  begin = performance.now();
  resident = [];
  return phase;
};
const sampling = setInterval(sample, SAMPLE_MS);
const place = { eventStoreUrl: null, file: join(folder, 'log.db') };
const store = await openStore(place);
const file = join(folder, 'views.db');
const views = await openViews(file, await startKeeper({ file, auditFile: join(folder, 'audit.jsonl'), store: place }));
await views.ready;
const ofViews = measured();
const head = await store.head();
if (head !== null) await views.waitForAudit(head, 600_000);
console.log(JSON.stringify({ views: ofViews, audit: measured() }));
clearInterval(sampling);
await views.close();
await store.close();
