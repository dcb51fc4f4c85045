import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sealed } from '../../src/domain/event.ts';
import { redacted, type Text } from '../../src/domain/text.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { all, collect, newEvents, newStream } from './contract.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-file-'));
  file = join(folder, 'log.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('The file of the log', () => {
  it('is readable by its owner only, with the files beside it', async () => {
    const store = openSqliteStore({ file });
    await store.append(newStream(), newEvents(1), 'no_stream');

    const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);

    expect(modes).toEqual([0o600, 0o600, 0o600]);
    await store.close();
  });

  it('keeps its id for as long as it lives', async () => {
    const first = openSqliteStore({ file });
    const id = await first.storeId();
    await first.close();
    const second = openSqliteStore({ file });

    expect(await second.storeId()).toBe(id);
    await second.close();
    const other = openSqliteStore({ file: join(folder, 'other.db') });
    expect(await other.storeId()).not.toBe(id);
    await other.close();
  });

  it('lets nobody delete or change what it holds', async () => {
    const store = openSqliteStore({ file });
    await store.append('task-1', newEvents(2), 'no_stream');
    const other = new DatabaseSync(file);

    const attempts = [
      'DELETE FROM events',
      'DELETE FROM streams',
      'DELETE FROM about',
      "UPDATE about SET value = 'x'",
      "UPDATE events SET type = 'Other'",
      "UPDATE events SET metadata = '{}'",
      "UPDATE events SET id = 'x' WHERE revision = 0",
      'UPDATE events SET revision = 7 WHERE revision = 1',
      'UPDATE events SET position = 99 WHERE revision = 1',
      "UPDATE streams SET name = 'task-2'",
    ];
    for (const attempt of attempts) expect(() => other.exec(attempt), attempt).toThrow(/append-only|identity of the log/);

    other.close();
    expect(await all(store.readStream('task-1'))).toHaveLength(2);
    await store.close();
  });

  it('is refused with what to do when it is something else, or newer', async () => {
    writeFileSync(file, 'not a database, but long enough to look like a file that somebody needs'.repeat(20));
    expect(() => openSqliteStore({ file })).toThrow(/is something else. Move it away/);

    const foreign = join(folder, 'foreign.db');
    const database = new DatabaseSync(foreign);
    database.exec('CREATE TABLE recipes (id INTEGER)');
    database.close();
    expect(() => openSqliteStore({ file: foreign })).toThrow(/is something else. Move it away/);

    const newer = join(folder, 'newer.db');
    await openSqliteStore({ file: newer }).close();
    const future = new DatabaseSync(newer);
    future.exec('PRAGMA user_version = 2');
    future.close();
    expect(() => openSqliteStore({ file: newer })).toThrow(/another version/);
  });

  it('refuses a position of another kind of store', async () => {
    const store = openSqliteStore({ file });

    await expect(all(store.readAll({ after: '00000000000000000007.00000000000000000007' as never }))).rejects.toThrow(RangeError);
    await store.close();
  });
});

describe('Redacting an event', () => {
  const secret = 'the name that must be forgotten';
  const command = { id: 'c', type: 'x', data: {}, actor: 'person-1', channel: 'http', at: '2026-11-21T10:00:00.000Z' };
  const data = (name: Text) => ({ n: 1, name });

  it('erases the text from the files and keeps the hash', async () => {
    const store = openSqliteStore({ file });
    const text = { text: secret, salt: 'salt' };
    const events = sealed(
      'person-1',
      [
        { type: 'PersonAdded', data: data(text) },
        { type: 'Noted', data: {} },
      ],
      command,
      0,
      '',
    );
    await store.append('person-1', events, 'no_stream');

    await store.redactEvent('person-1', 0, data(redacted(text)));
    await store.redactEvent('person-1', 0, data(redacted(text)));

    const [first] = await all(store.readStream('person-1'));
    expect(first).toMatchObject({ data: data(redacted(text)), metadata: events[0]?.metadata ?? {} });
    // Looked at from another process: reading the file here would drop the locks that SQLite holds on it.
    expect(spawnSync('grep', ['--text', '--recursive', '--count', 'PersonAdded', folder]).status).toBe(0);
    expect(spawnSync('grep', ['--text', '--recursive', secret, folder]).status).toBe(1);
    await store.close();
  });

  it('is refused when anything else would change', async () => {
    const store = openSqliteStore({ file });
    const events = sealed('person-1', [{ type: 'PersonAdded', data: data({ text: secret, salt: 'salt' }) }], command, 0, '');
    await store.append('person-1', events, 'no_stream');

    await expect(store.redactEvent('person-1', 0, data({ text: 'another', salt: 'salt' }))).rejects.toThrow('not a redaction');
    await expect(store.redactEvent('person-1', 0, { ...data(redacted({ text: secret, salt: 'salt' })), n: 2 })).rejects.toThrow(
      'not a redaction',
    );
    await expect(store.redactEvent('person-1', 1, {})).rejects.toThrow('there is no event 1');
    await expect(store.redactEvent('person-2', 0, {})).rejects.toThrow('there is no event 0');
    await store.close();
  });

  it('is to be repeated while another process reads the old text', async () => {
    const store = openSqliteStore({ file });
    const text = { text: secret, salt: 'salt' };
    await store.append('person-1', sealed('person-1', [{ type: 'PersonAdded', data: data(text) }], command, 0, ''), 'no_stream');
    const reader = new DatabaseSync(file);
    reader.exec('BEGIN');
    reader.prepare('SELECT * FROM events').all();

    await expect(store.redactEvent('person-1', 0, data(redacted(text)))).rejects.toThrow('Redact again');
    reader.close();
    await store.redactEvent('person-1', 0, data(redacted(text)));

    expect(spawnSync('grep', ['--text', '--recursive', secret, folder]).status).toBe(1);
    await store.close();
  });

  it('is not seen as a new event by subscribers', async () => {
    const store = openSqliteStore({ file });
    const text = { text: secret, salt: 'salt' };
    await store.append('person-1', sealed('person-1', [{ type: 'PersonAdded', data: data(text) }], command, 0, ''), 'no_stream');
    const head = await store.head();

    await store.redactEvent('person-1', 0, data(redacted(text)));

    const { events } = await collect(store, { after: head }, (_, { live }) => live);
    expect(events).toEqual([]);
    await store.close();
  });
});
