import { randomUUID } from 'node:crypto';
import { WrongExpectedRevision } from '../../../src/domain/event-store.ts';
import { openSqliteStore } from '../../../src/infra/store/sqlite.ts';

/** Appends a number of events to one stream, whoever else writes there, and prints how many conflicts that took. */
const [file = '', stream = '', count = '0'] = process.argv.slice(2);
const store = openSqliteStore({ file });
let conflicts = 0;

for (let left = Number(count); left > 0; ) {
  const [last] = await Array.fromAsync(store.readStream(stream, { direction: 'backwards', limit: 1 }));
  const event = { id: randomUUID(), type: 'SomethingHappened', data: {}, metadata: {} };
  try {
    await store.append(stream, [event], last?.revision ?? 'no_stream');
    left -= 1;
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error;
    conflicts += 1;
  }
}
await store.close();
process.stdout.write(`${conflicts}\n`);
