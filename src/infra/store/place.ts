import type { EventStore } from '../../domain/event-store.ts';
import { openEventStoreDb } from './eventstoredb.ts';
import { loadClient } from './eventstoredb-module.ts';
import { openSqliteStore, type SqliteStore } from './sqlite.ts';

/** Where the log is. Plain data: it crosses threads. */
export interface StorePlace {
  /** A connection string; never logged. `null`: the log is `file`. */
  readonly eventStoreUrl: string | null;
  readonly file: string;
}

/** Opens the log; each thread that does has connections of its own. */
export const openStore = async ({ eventStoreUrl, file }: StorePlace): Promise<EventStore | SqliteStore> =>
  eventStoreUrl === null
    ? openSqliteStore({ file })
    : openEventStoreDb({ url: eventStoreUrl, client: await loadClient(eventStoreUrl) });
