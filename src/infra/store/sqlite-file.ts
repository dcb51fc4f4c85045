import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateFile } from './private-file.ts';
import { isForeign } from './sqlite-errors.ts';

/** Marks the file as ours (`PRAGMA application_id`): "CSGN". */
const APPLICATION_ID = 0x4353474e;

/** Version of the tables, not of the events. A file of a newer one is refused. */
const TABLES_VERSION = 1;

/** Longest wait for another process while the file is opened, in milliseconds. */
const OPEN_TIMEOUT_MS = 5000;

/** Longest wait for a lock inside one call, which stops the event loop, in milliseconds. The rest of the waiting is done outside. */
const CALL_TIMEOUT_MS = 10;

/**
 * AUTOINCREMENT is assigned under the write lock, so the order of positions is the order of commits and there are no gaps. There is no unique
 * index on the event id: it costs more than the rest of an append, and the revision check makes it superfluous.
 */
const TABLES = `
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL) STRICT;
CREATE TABLE events (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  stream_id INTEGER NOT NULL REFERENCES streams,
  revision INTEGER NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,
  metadata TEXT NOT NULL,
  UNIQUE (stream_id, revision)
) STRICT;

CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the log is append-only: events are never deleted'); END;
CREATE TRIGGER events_stand BEFORE UPDATE OF position, stream_id, revision, id, type, metadata ON events
  BEGIN SELECT RAISE(ABORT, 'the log is append-only: only data is ever redacted'); END;
CREATE TRIGGER streams_stay BEFORE DELETE ON streams BEGIN SELECT RAISE(ABORT, 'the log is append-only: streams are never deleted'); END;
CREATE TRIGGER streams_stand BEFORE UPDATE OF id, name ON streams
  BEGIN SELECT RAISE(ABORT, 'the log is append-only: streams are never renamed'); END;
CREATE TRIGGER about_stays BEFORE DELETE ON about BEGIN SELECT RAISE(ABORT, 'the identity of the log is never deleted'); END;
CREATE TRIGGER about_stands BEFORE UPDATE ON about BEGIN SELECT RAISE(ABORT, 'the identity of the log never changes'); END;
`;

const pragma = (database: DatabaseSync, name: string): unknown => database.prepare(`PRAGMA ${name}`).get()?.[name];

const foreignFile = (cause?: unknown): Error =>
  new Error('The file in the place of the event log is something else. Move it away, or name another data folder.', { cause });

const makeTables = (database: DatabaseSync): void => {
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = pragma(database, 'user_version');
    if (version === 0 && database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined) {
      database.exec(TABLES);
      database.prepare("INSERT INTO about (key, value) VALUES ('store id', ?)").run(randomUUID());
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${TABLES_VERSION}`);
    } else if (pragma(database, 'application_id') !== APPLICATION_ID) {
      throw foreignFile();
    } else if (version !== TABLES_VERSION) {
      throw new Error(
        `The event log was written by another version (tables ${version}, known here ${TABLES_VERSION}). Start that version.`,
      );
    }
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
};

/**
 * Pages in the write-ahead log before it is written back, by whoever commits next: 16 MiB. A page that changes often is written back once, and a
 * burst waits for it a few times a second at most.
 */
const WAL_PAGES = 4_096;

/**
 * Opens the log, and makes it, readable by the owner only, when it is missing (SQLite gives the files beside it the same mode). `secure_delete` overwrites what a redaction removes; `synchronous=FULL` makes each commit
 * durable before it returns. Throws an `Error` that says what to do, or what SQLite threw.
 */
export const openLogFile = (file: string): DatabaseSync => {
  makePrivateFile(file);
  const database = new DatabaseSync(file, { timeout: OPEN_TIMEOUT_MS, defensive: true });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF');
    makeTables(database);
    database.exec(`PRAGMA wal_autocheckpoint = ${WAL_PAGES}`);
    database.exec(`PRAGMA busy_timeout = ${CALL_TIMEOUT_MS}`);
    return database;
  } catch (error) {
    database.close();
    throw isForeign(error) ? foreignFile(error) : error;
  }
};

export const storeIdOf = (database: DatabaseSync): string =>
  String(database.prepare("SELECT value FROM about WHERE key = 'store id'").get()?.value);

/** Writes what stands there already: SQLite takes it for a change of the first page, and so for one that has to be durable. */
export const writeNothing = (database: DatabaseSync): void => database.exec(`PRAGMA user_version = ${TABLES_VERSION}`);
