import type { ClientModule } from './eventstoredb-client.ts';

/**
 * The client that a connection string asks for: `kurrentdb://` the successor, `esdb://` the older one. Only that one is loaded: both in one process
 * register the same names in a global.
 */
export const loadClient = async (url: string): Promise<ClientModule> =>
  // The successor's own types name what is used here in the same way; they only differ in what is not.
  /^(?:kurrentdb|kurrent)[+:]/.test(url)
    ? ((await import('@kurrent/kurrentdb-client')) as unknown as ClientModule)
    : import('@eventstore/db-client');
