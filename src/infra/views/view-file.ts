import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateFile } from '../store/private-file.ts';

/** Version of the tables every view shares. A file of another one is made anew. */
const TABLES_VERSION = '1';

const TABLES = `
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE builds (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  build INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('building', 'answering', 'discarded')),
  tables TEXT NOT NULL,
  position TEXT,
  events INTEGER NOT NULL,
  PRIMARY KEY (name, version, build)
) STRICT;
CREATE TABLE parked (
  tables TEXT NOT NULL,
  stream TEXT NOT NULL,
  revision INTEGER NOT NULL,
  type TEXT NOT NULL,
  needs TEXT NOT NULL,
  PRIMARY KEY (tables, stream)
) STRICT;
CREATE TABLE audit (
  file TEXT PRIMARY KEY,
  position TEXT,
  sequence INTEGER NOT NULL,
  line_hash TEXT NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
`;

/**
 * Nothing is synced while the service runs: that would hold the views up, and the log can always give them again. A process that dies
 * tears nothing; a machine that does might, so what it left is not trusted (see `machineStart`). Erased texts are overwritten.
 */
const PRAGMAS = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
PRAGMA wal_autocheckpoint = 4096;
PRAGMA secure_delete = ON;
PRAGMA trusted_schema = OFF;
`;

/** Stands for the start of the machine in a file that was closed, and synced, in order. */
const CLOSED = 'closed';

/** Another one after each start of the machine; where that cannot be told, another one each time. */
const machineStart = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return randomUUID();
  }
};

const CODE = { busy: 5, ioError: 10, corrupt: 11, full: 13, cantOpen: 14, notADatabase: 26 } as const;

const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;

/** The file holds what SQLite cannot read. */
export const isDamaged = (error: unknown): boolean => {
  const code = codeOf(error);
  return code === CODE.corrupt || code === CODE.notADatabase;
};

/** The disk is full or does not answer: worth another try later. */
export const isDiskTrouble = (error: unknown): boolean => {
  const code = codeOf(error);
  return code === CODE.busy || code === CODE.full || code === CODE.ioError || code === CODE.cantOpen;
};

export const removeViewFile = (file: string): void => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
};

const open = (file: string): DatabaseSync => {
  makePrivateFile(file);
  const database = new DatabaseSync(file, { timeout: 5_000 });
  try {
    database.exec(PRAGMAS);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/** So much of the file is read where the kernel keeps it, not copied, and not copied anew after each commit of the one that writes. In bytes. */
const MAPPED_BYTES_MAX = 128 * 1024 * 1024;

/** A connection that only reads, beside the one that writes; the file is there. Being the last one, it tidies up when it is closed. */
export const openViewReader = (file: string): DatabaseSync => {
  const database = new DatabaseSync(file, { timeout: 5_000 });
  database.exec(`PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = ${MAPPED_BYTES_MAX}`);
  return database;
};

const about = (database: DatabaseSync): ReadonlyMap<string, unknown> => {
  const made = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'about'").get();
  const rows = made ? database.prepare('SELECT key, value FROM about').all() : [];
  return new Map(rows.map(({ key, value }) => [String(key), value]));
};

const note = (database: DatabaseSync, key: string, value: string): void => {
  database.prepare('INSERT OR REPLACE INTO about (key, value) VALUES (?, ?)').run(key, value);
};

const make = (file: string, storeId: string): DatabaseSync => {
  removeViewFile(file);
  const database = open(file);
  database.exec(`BEGIN; ${TABLES}`);
  note(database, 'tables', TABLES_VERSION);
  note(database, 'store id', storeId);
  note(database, 'machine start', machineStart());
  database.exec('COMMIT');
  return database;
};

/** Opens the views of this log. A file that is missing, damaged, perhaps torn, of other tables or of another log is made anew, empty. */
export const openViewFile = (file: string, storeId: string): DatabaseSync => {
  let database: DatabaseSync | undefined;
  try {
    database = open(file);
    const known = about(database);
    const isWhole = [CLOSED, machineStart()].includes(String(known.get('machine start')));
    if (isWhole && known.get('tables') === TABLES_VERSION && known.get('store id') === storeId) {
      note(database, 'machine start', machineStart());
      return database;
    }
    database.close();
  } catch (error) {
    database?.close();
    if (!isDamaged(error)) throw error;
  }
  return make(file, storeId);
};

/** Syncs the file and says so in it, then closes it. Safe to call twice. */
export const closeViewFile = (database: DatabaseSync): void => {
  if (!database.isOpen) return;
  try {
    // Once for what stands in the file, once for the note that it does.
    database.exec('PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)');
    note(database, 'machine start', CLOSED);
  } catch (error) {
    if (!isDamaged(error) && !isDiskTrouble(error)) throw error;
  } finally {
    database.close();
  }
};
