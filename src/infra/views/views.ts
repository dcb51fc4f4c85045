import type { DatabaseSync } from 'node:sqlite';
import type { EventStore } from '../../domain/event-store.ts';
import type { AuditHead } from '../../projections/audit.ts';
import { cardsProjection } from '../../projections/cards.ts';
import { chatsProjection } from '../../projections/chats.ts';
import { historyProjection } from '../../projections/history.ts';
import { peopleProjection } from '../../projections/people.ts';
import type { Projection } from '../../projections/projection.ts';
import { tasksProjection } from '../../projections/tasks.ts';
import { createAuditFile } from './audit-file.ts';
import { dumpTables } from './dump.ts';
import { type PendingStep, type ViewQueries, viewQueries } from './queries.ts';
import { type ChangeListener, createSlot, type Progress, type Slot, type ViewStatus } from './slot.ts';
import { closeViewFile, isDamaged, openViewFile, removeViewFile } from './view-file.ts';
import { viewStore } from './view-store.ts';
import { createWaiters } from './waiters.ts';

export interface ViewsOptions {
  /** `views.db` in the data folder. */
  readonly file: string;
  readonly store: EventStore;
  readonly tasks?: Projection;
  readonly people?: Projection;
  readonly chats?: Projection;
  readonly cards?: Projection;
  readonly history?: Projection;
  /** `audit.jsonl`; this process owns it. */
  readonly auditFile: string;
}

export interface Views {
  /** Ask anew each time: a rebuilt view brings queries of its own. */
  readonly queries: ViewQueries;
  /** The pending work, for the runner. */
  readonly work: {
    due(kind: string, now: string, limit: number): readonly PendingStep[];
    claimed(): readonly PendingStep[];
    nextAt(now: string): string | undefined;
    onChange(listener: ChangeListener): () => void;
  };
  /** Resolves when every view has folded what there was at the start, or an older version of it answers meanwhile. */
  readonly ready: Promise<void>;
  /** Resolves when the views are closed; rejects with what ended them before. */
  readonly done: Promise<void>;
  /** Whether the views have come to `position`; waits for it, `timeoutMs` at most. */
  waitFor(position: string, timeoutMs: number): Promise<boolean>;
  /** Calls back after each commit with the streams it touched, none when another build took a view's place. Returns how to stop. */
  onChange(listener: ChangeListener): () => void;
  /** Builds every view again, beside the one that answers, which it then replaces; then the audit file. */
  rebuild(onProgress?: (progress: Progress) => void): Promise<void>;
  status(): readonly ViewStatus[];
  /** The end of the audit file as it is synced: noted elsewhere, it proves later that nothing was cut off. */
  auditHead(): AuditHead;
  /** Whether the audit file holds everything up to `position`, synced; waits for it, `timeoutMs` at most. */
  waitForAudit(position: string, timeoutMs: number): Promise<boolean>;
  /** Everything the views hold, for comparing them: see dump.ts. */
  dump(): Iterable<string>;
  close(): Promise<void>;
}

interface Slots {
  readonly tasks: Slot;
  readonly people: Slot;
  readonly chats: Slot;
  readonly cards: Slot;
  readonly history: Slot;
}

const queriesOf = (database: DatabaseSync, { tasks, people, chats, cards, history }: Slots): ViewQueries =>
  viewQueries(database, {
    tasks: tasks.answering().named,
    people: people.answering().named,
    chats: chats.answering().named,
    cards: cards.answering().named,
    history: history.answering().named,
  });

/** Queries of an older version's tables when this code can read them; else the views answer from what there is of the new ones. */
const firstQueries = (database: DatabaseSync, slots: Slots): ViewQueries => {
  try {
    return queriesOf(database, slots);
  } catch {
    for (const slot of Object.values(slots)) slot.answerAnew();
    return queriesOf(database, slots);
  }
};

const viewsIn = (database: DatabaseSync, { file, auditFile, store, ...projections }: ViewsOptions): Views => {
  const closing = new AbortController();
  const listeners = new Set<ChangeListener>();
  const viewWaiters = createWaiters();
  const auditWaiters = createWaiters();
  const background = new Set<Promise<void>>();
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => undefined); // Whoever awaits it is told; nobody must.

  /** A damaged file is removed, so that the next start builds it anew. */
  const fail = (error: unknown): void => {
    if (isDamaged(error)) removeViewFile(file);
    done.reject(error);
  };

  const changed: ChangeListener = (streams) => {
    viewWaiters.check();
    for (const listener of [...listeners]) listener(streams);
  };
  const shared = {
    views: viewStore(database, store),
    store,
    signal: closing.signal,
    background: (work: Promise<void>): void => {
      const tracked = work.catch(fail).finally(() => background.delete(tracked));
      background.add(tracked);
    },
    onCommit: changed,
    onSwap: (): void => {
      queries = queriesOf(database, named);
      changed(new Set());
    },
  };
  const named: Slots = {
    tasks: createSlot({ ...shared, projection: projections.tasks ?? tasksProjection }),
    people: createSlot({ ...shared, projection: projections.people ?? peopleProjection }),
    chats: createSlot({ ...shared, projection: projections.chats ?? chatsProjection }),
    cards: createSlot({ ...shared, projection: projections.cards ?? cardsProjection }),
    history: createSlot({ ...shared, projection: projections.history ?? historyProjection }),
  };
  const slots = Object.values<Slot>({ ...named });
  let queries = firstQueries(database, named);
  for (const slot of slots) slot.start();
  const audit = createAuditFile({ file: auditFile, database, store, signal: closing.signal, onCommit: auditWaiters.check });

  const ready = Promise.race([Promise.all(slots.map((slot) => slot.ready)).then(() => undefined), done.promise]);
  ready.catch(() => undefined);
  const closed = new Promise<void>((resolve) => closing.signal.addEventListener('abort', () => resolve(), { once: true }));
  // After the views: they are waited for, and both read the same log.
  shared.background(Promise.race([ready, closed]).then(audit.follow));
  const reached = (position: string): boolean => slots.every((slot) => (slot.position() ?? '') >= position);

  const rebuildAudit = (onProgress?: (progress: Progress) => void): Promise<void> => {
    const expected = audit.head().sequence;
    return audit.rebuild((events) => onProgress?.({ name: 'audit', version: 1, events, expected }));
  };

  const onChange = (listener: ChangeListener): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };

  return {
    get queries() {
      return queries;
    },
    work: {
      due: (kind, now, limit) => queries.work.due(kind, now, limit),
      claimed: () => queries.work.claimed(),
      nextAt: (now) => queries.work.nextAt(now),
      onChange,
    },
    ready,
    done: done.promise,
    waitFor: (position, timeoutMs) => viewWaiters.until(() => reached(position), timeoutMs),
    waitForAudit: (position, timeoutMs) => auditWaiters.until(() => (audit.position() ?? '') >= position, timeoutMs),
    auditHead: audit.head,
    onChange,
    rebuild: async (onProgress) => {
      const rebuilt = Promise.all(slots.map((slot) => slot.rebuild(onProgress))).then(() => rebuildAudit(onProgress));
      await Promise.race([
        rebuilt,
        done.promise.then(() => Promise.reject(new Error('The views were closed during the rebuild.'))),
      ]);
    },
    status: () => slots.map((slot) => slot.status()),
    dump: () =>
      dumpTables(
        database,
        slots.flatMap((slot) => slot.tables()),
      ),
    close: async () => {
      closing.abort();
      await Promise.all(background);
      closeViewFile(database);
      done.resolve();
    },
  };
};

/** Opens the views of a log and keeps them up with it until `close`. A file that is damaged or of another log is built anew. */
export const openViews = async (options: ViewsOptions): Promise<Views> => {
  const storeId = await options.store.storeId();
  const database = openViewFile(options.file, storeId);
  try {
    return viewsIn(database, options);
  } catch (error) {
    database.close();
    if (!isDamaged(error)) throw error;
  }
  removeViewFile(options.file);
  return viewsIn(openViewFile(options.file, storeId), options);
};
