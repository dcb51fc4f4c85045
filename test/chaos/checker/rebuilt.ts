import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as client from '@eventstore/db-client';
import type { EventStore } from '../../../src/domain/event-store.ts';
import { openEventStoreDb } from '../../../src/infra/store/eventstoredb.ts';
import { openSqliteStore } from '../../../src/infra/store/sqlite.ts';
import { openKeeper } from '../../../src/infra/views/keeper.ts';
import { openViews } from '../../../src/infra/views/views.ts';
import { verifyAuditFile } from '../../support/audit.ts';
import type { Site } from '../site.ts';
import { auditOf, unlikeLog } from './audit.ts';
import { readLog } from './records.ts';

const CATCH_UP_MS = 10_000;

/** Every row of the views that a log gives, and its audit beside them, made in `folder`. */
export const dumped = async (store: EventStore, folder: string, prefix = ''): Promise<readonly string[]> => {
  const file = join(folder, `${prefix}views.db`);
  const views = await openViews(file, await openKeeper({ file, auditFile: join(folder, `${prefix}audit.jsonl`), store }));
  try {
    await views.ready;
    if (!(await views.waitForAudit((await store.head()) ?? '', CATCH_UP_MS)))
      throw new Error('the audit does not come to its end');
    return [...views.dump()];
  } finally {
    await views.close();
  }
};

/**
 * What lived through it all is what is made from the log alone: the views row by row, the audit byte by byte. The audit is held against the log's
 * own rows, too, before anybody opens the views, which would mend it. No service runs any more.
 */
export const unlikeRebuilt = async (site: Site): Promise<readonly string[]> => {
  const { services, nodes, folder } = site;
  const faults: string[] = [];
  const expected = auditOf(readLog(site));
  for (const [index, { dataFolder }] of services.entries()) {
    const store = nodes ? openEventStoreDb({ url: nodes[0].url, client }) : openSqliteStore({ file: join(dataFolder, 'log.db') });
    const [file, fresh] = [join(dataFolder, 'audit.jsonl'), join(folder, `rebuilt-${index}-audit.jsonl`)];
    const hold = async (extent: 'begun' | 'whole'): Promise<void> => {
      const unlike = unlikeLog(await readFile(file, 'utf8'), expected, extent);
      faults.push(...unlike.map((fault) => `audit of service ${index + 1}, ${extent}: ${fault}`));
    };
    try {
      await hold('begun');
      const lived = await dumped(store, dataFolder);
      await hold('whole');
      const made = await dumped(store, folder, `rebuilt-${index}-`);
      const other = lived.findIndex((line, at) => line !== made[at]);
      if (other >= 0 || lived.length !== made.length)
        faults.push(`views of service ${index + 1}: ${lived[other]} is, rebuilt, ${made[other]}`);
      if (!(await readFile(file)).equals(await readFile(fresh)))
        faults.push(`audit of service ${index + 1}: is not what a rebuild makes`);
      const audit = await verifyAuditFile(file);
      if (!audit.valid) faults.push(`audit of service ${index + 1}: does not verify`);
    } catch (error) {
      faults.push(`views of service ${index + 1}: could not be rebuilt: ${error instanceof Error ? error.message : error}`);
    } finally {
      await store.close();
    }
  }
  return faults;
};
