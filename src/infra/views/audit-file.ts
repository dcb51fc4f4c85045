import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { type Batch, EVENT_BYTES_MAX, type EventStore, type Position, type RecordedEvent } from '../../domain/event-store.ts';
import { AUDITED_STREAMS, type AuditHead, auditLine, NO_LINES, readAuditLine } from '../../projections/audit.ts';
import { ERASURES } from '../../projections/projection.ts';
import { persevere } from './persevere.ts';

/** Most events read at once. */
const BATCH_EVENTS_MAX = 500;

/** Longest run of making lines before the event loop goes on, in milliseconds. */
const RENDER_MS = 5;

/** Between two syncs of the file, in milliseconds: the log has the disk meanwhile, and the lines that follow share a sync. */
const SYNC_PAUSE_MS = 200;

/** An event, its envelope and what a line adds. */
const LINE_BYTES_MAX = 2 * EVENT_BYTES_MAX;

/** How far the file is written and synced. */
interface Written extends AuditHead {
  readonly position: Position | null;
  readonly bytes: number;
}

/** What to do with the file next. */
type Turn = 'append' | 'rewrite' | 'end';

const NOTHING: Written = { ...NO_LINES, position: null, bytes: 0 };

export interface AuditOptions {
  readonly file: string;
  readonly database: DatabaseSync;
  readonly store: EventStore;
  readonly signal: AbortSignal;
  /** After each commit. */
  readonly onCommit: () => void;
}

/** The hash of the line that ends at `bytes`; `undefined` when none does. */
const lineHashAt = async (handle: FileHandle, bytes: number): Promise<string | undefined> => {
  if (bytes === 0) return NO_LINES.lineHash;
  const from = Math.max(0, bytes - LINE_BYTES_MAX);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes - from), 0, bytes - from, from);
  const text = buffer.toString('utf8', 0, bytesRead);
  if (bytesRead < bytes - from || !text.endsWith('\n')) return undefined;
  try {
    return readAuditLine(text.slice(text.lastIndexOf('\n', text.length - 2) + 1, -1), 0).lineHash;
  } catch {
    return undefined;
  }
};

const isUsable = async (file: string, written: Written): Promise<boolean> => {
  const handle = await open(file, 'r').catch(() => undefined);
  if (!handle) return false;
  return (await lineHashAt(handle, written.bytes).finally(() => handle.close())) === written.lineHash;
};

const syncFolder = async (file: string): Promise<void> => {
  await using folder = await open(dirname(file), 'r');
  await folder.sync();
};

const writeAll = async (handle: FileHandle, bytes: Buffer, at: number): Promise<void> => {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
};

/** Writes the lines of the events after `before` behind it. */
const writeLines = async (handle: FileHandle, { events, checkpoint }: Batch, before: Written): Promise<Written> => {
  const texts: string[] = [];
  let head: AuditHead = before;
  let until = performance.now() + RENDER_MS;
  for (const event of events) {
    if (before.position !== null && event.position <= before.position) continue;
    const line = auditLine(event, head);
    texts.push(line.text, '\n');
    ({ head } = line);
    if (performance.now() > until) {
      await nextTurn();
      until = performance.now() + RENDER_MS;
    }
  }
  const bytes = Buffer.from(texts.join(''));
  await writeAll(handle, bytes, before.bytes);
  const { sequence, lineHash } = head;
  return { sequence, lineHash, position: checkpoint ?? before.position, bytes: before.bytes + bytes.length };
};

/** What is stored of the file: it is never ahead of what was synced. */
const auditRow = (database: DatabaseSync, file: string) => {
  const load = database.prepare('SELECT position, sequence, line_hash, bytes FROM audit WHERE file = ?');
  const save = database.prepare(
    'INSERT OR REPLACE INTO audit (file, position, sequence, line_hash, bytes) VALUES (?, ?, ?, ?, ?)',
  );
  return {
    load(): Written | undefined {
      const row = load.get(file);
      return (
        row && {
          position: row.position as Position | null, // Written below.
          sequence: Number(row.sequence),
          lineHash: String(row.line_hash),
          bytes: Number(row.bytes),
        }
      );
    },
    save: ({ position, sequence, lineHash, bytes }: Written): void => {
      save.run(file, position, sequence, lineHash, bytes);
    },
  };
};

/**
 * Keeps the audit file up with the log until `signal` aborts. The file is synced before the view says how far it goes, so what a crash leaves
 * behind that is cut off and written again, the same bytes. An erased text makes the file anew beside the old one, which it then replaces.
 */
export const createAuditFile = ({ file, database, store, signal, onCommit }: AuditOptions) => {
  const row = auditRow(database, file);
  const known = row.load();
  let written = known ?? NOTHING;
  /** The file was found to be, or made, what `written` says of it. */
  let isWhole = false;
  /** Erasures up to here were done before the file was begun. */
  let erasedUpTo = '';
  let turn = new AbortController();
  let asked: { readonly onProgress: (lines: number) => void; readonly done: () => void }[] = [];

  const isErasure = ({ type, position }: RecordedEvent): boolean => ERASURES.has(type) && position > erasedUpTo;

  const commit = (next: Written): void => {
    row.save(next);
    written = next;
    onCommit();
  };

  const subscribe = (after: Position | null) =>
    store.subscribe({
      after,
      streamPrefixes: AUDITED_STREAMS,
      batchSize: BATCH_EVENTS_MAX,
      signal: AbortSignal.any([signal, turn.signal]),
    });

  /** Writes the whole file anew, beside the old one. */
  const rewrite = async (): Promise<Turn> => {
    const beside = `${file}.new`;
    const requests = asked;
    erasedUpTo = (await store.head()) ?? '';
    await rm(beside, { force: true });
    await using handle = await open(beside, 'wx', 0o600);
    let next = NOTHING;
    for await (const batch of subscribe(null)) {
      next = await writeLines(handle, batch, next);
      for (const { onProgress } of requests) onProgress(next.sequence);
      if (batch.events.some(isErasure)) return 'rewrite';
      if (!batch.live) continue;
      await handle.datasync();
      await rename(beside, file);
      await syncFolder(file);
      isWhole = true;
      commit(next);
      asked = asked.filter((request) => !requests.includes(request));
      for (const { done } of requests) done();
      return 'append';
    }
    return turn.signal.aborted ? 'rewrite' : 'end';
  };

  /** Adds to the file, as long as it need not be written anew. */
  const append = async (): Promise<Turn> => {
    await using handle = await open(file, 'r+');
    await handle.chmod(0o600);
    await handle.truncate(written.bytes);
    isWhole = true;
    for await (const batch of subscribe(written.position)) {
      if (batch.events.some(isErasure)) return 'rewrite';
      const next = await writeLines(handle, batch, written);
      if (next.bytes > written.bytes) await handle.datasync();
      commit(next);
      if (!batch.live) continue;
      await pause(SYNC_PAUSE_MS, undefined, { signal: AbortSignal.any([signal, turn.signal]) }).catch(() => undefined);
    }
    return turn.signal.aborted ? 'rewrite' : 'end';
  };

  return {
    head: (): AuditHead => ({ sequence: written.sequence, lineHash: written.lineHash }),
    /** Everything up to here stands in the file; `null` until it has been looked at. */
    position: (): Position | null => (isWhole ? written.position : null),

    /** Runs until `signal` aborts or the store is closed. */
    follow: async (): Promise<void> => {
      let next: Turn = known && (await isUsable(file, known)) ? 'append' : 'rewrite';
      await persevere(signal, async (gotSomewhere) => {
        await rm(`${file}.new`, { force: true }); // It was cut off, here or in a process that was killed.
        while (next !== 'end' && !signal.aborted) {
          turn = new AbortController();
          next = await (next === 'append' && asked.length === 0 ? append() : rewrite());
          gotSomewhere();
        }
      });
    },

    /** Writes the file anew; the old one stands until then. */
    rebuild: (onProgress: (lines: number) => void = () => {}): Promise<void> =>
      new Promise((resolve) => {
        asked.push({ onProgress, done: resolve });
        turn.abort();
      }),
  };
};
