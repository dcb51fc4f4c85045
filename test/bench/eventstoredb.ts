import * as client from '@eventstore/db-client';
import { openEventStoreDb } from '../../src/infra/store/eventstoredb.ts';
import { against, type Figure, median } from './figure.ts';

/** Of one turn, in milliseconds: port and client take turns, because a server slows down and recovers within seconds. */
const FOR_MS = 1_000;
const TURNS = 8;
const WRITERS = 16;

const rate = async (append: (stream: string, revision: number) => Promise<unknown>): Promise<number> => {
  const end = performance.now() + FOR_MS;
  const begin = performance.now();
  let count = 0;
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      const stream = `bench-${crypto.randomUUID()}`;
      for (let revision = 0; performance.now() < end; revision++) {
        await append(stream, revision);
        count++;
      }
    }),
  );
  return count / ((performance.now() - begin) / 1_000);
};

/** The port over the bare client on the same server, both one call an append with a checked revision. */
export const portOverClient = async (): Promise<Figure[]> => {
  const url = process.env.EVENTSTORE_TEST_URL;
  if (url === undefined) return [];
  const bare = client.EventStoreDBClient.connectionString(url);
  const store = openEventStoreDb({ url, client });
  const data = { words: 'x'.repeat(500) };
  const throughClient = () =>
    rate((stream, revision) =>
      bare.appendToStream(stream, client.jsonEvent({ id: crypto.randomUUID(), type: 'Benched', data, metadata: { a: 'b' } }), {
        expectedRevision: revision === 0 ? 'no_stream' : BigInt(revision - 1),
        credentials: { username: 'admin', password: 'changeit' },
      }),
    );
  const throughPort = () =>
    rate((stream, revision) =>
      store.append(
        stream,
        [{ id: crypto.randomUUID(), type: 'Benched', data, metadata: { a: 'b' } }],
        revision === 0 ? 'no_stream' : revision - 1,
      ),
    );
  await throughClient();
  await throughPort();
  const port: number[] = [];
  const bareClient: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    port.push(await throughPort());
    bareClient.push(await throughClient());
  }
  await Promise.all([bare.dispose(), store.close()]);
  return [
    against(`EventStoreDB appends, ${WRITERS} writers, over the bare client`, median(port), '/s', median(bareClient), '>= 0.9'),
  ];
};
