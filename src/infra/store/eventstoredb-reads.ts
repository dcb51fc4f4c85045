import { StoreUnavailable } from '../../domain/event-store.ts';
import type { Client, ClientRecord, ClientRecords, ClientStream } from './eventstoredb-client.ts';
import { recordsOf } from './eventstoredb-stream.ts';

/** Between two new clients while none gets an answer, in milliseconds. */
const RENEW_MS = 1_000;

export interface Reads {
  /** The records of a read. Throws `StoreUnavailable`; the next one may find another node. */
  read(open: (client: Client) => ClientStream | ClientRecords): AsyncGenerator<ClientRecord>;
  close(): Promise<void>;
}

/**
 * Reads, with a client of their own. That of the successor stays with a node that died, for ever, where one that is made anew asks the cluster who
 * lives: so after an outage another is made. `timeoutMs` bounds each wait for a record.
 */
export const renewingReads = (connect: () => Client, timeoutMs: number): Reads => {
  let current = { client: connect(), since: Number.NEGATIVE_INFINITY };
  let open = true;

  const renew = (used: Client): void => {
    if (!open || used !== current.client || performance.now() - current.since < RENEW_MS) return;
    current = { client: connect(), since: performance.now() };
    // What others still read through it may come to its end.
    setTimeout(() => void used.dispose().catch(() => undefined), timeoutMs).unref();
  };

  return {
    async *read(opened) {
      const { client } = current;
      try {
        yield* recordsOf(opened(client), timeoutMs);
      } catch (error) {
        if (error instanceof StoreUnavailable) renew(client);
        throw error;
      }
    },
    close: async () => {
      open = false;
      await current.client.dispose();
    },
  };
};
