import { randomUUID } from 'node:crypto';
import { openSqliteStore } from '../../../src/infra/store/sqlite.ts';

/** Appends to its own stream for ever, and prints each revision once it is acknowledged. */
const [file = '', stream = '', writers = '1'] = process.argv.slice(2);
const store = openSqliteStore({ file });

const write = async (name: string): Promise<void> => {
  for (let revision = -1; ; ) {
    const event = { id: randomUUID(), type: 'SomethingHappened', data: { after: revision }, metadata: {} };
    ({ revision } = await store.append(name, [event], revision === -1 ? 'no_stream' : revision));
    process.stdout.write(`${name} ${revision}\n`);
  }
};
await Promise.all(Array.from({ length: Number(writers) }, (_, n) => write(`${stream}-${n}`)));
