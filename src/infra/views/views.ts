import type { DatabaseSync } from 'node:sqlite';
import type { AuditHead } from '../../projections/audit.ts';
import { dumpTables } from './dump.ts';
import type { Keeper, Touched } from './keeper.ts';
import { type ParkedStream, parkedIn } from './parked.ts';
import { answeringIn, type ViewQueries, viewQueries } from './queries.ts';
import type { Progress, ViewStanding } from './slot.ts';
import { isDamaged, openViewReader } from './view-file.ts';
import { tableName } from './view-tables.ts';
import { createWaiters } from './waiters.ts';
import type { PendingStep } from './work-queries.ts';

export interface ViewStatus extends Omit<ViewStanding, 'answering'> {
  /** Streams that hold what only newer code knows. */
  readonly parked: readonly ParkedStream[];
}

export type ChangeListener = (streams: ReadonlySet<string>) => void;

export interface Views {
  /** Ask anew each time: a rebuilt view brings queries of its own. */
  readonly queries: ViewQueries;
  /** The pending work, for the runner. */
  readonly work: {
    due(kind: string, now: string, limit: number, believedUntil?: string): readonly PendingStep[];
    dueByPair(kind: string, now: string, each: number, limit: number, believedUntil?: string): readonly PendingStep[];
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
  /** Tries the streams that were parked again, in every view. Resolves to how many go on. */
  resume(): Promise<number>;
  status(): readonly ViewStatus[];
  /** The end of the audit file as it is synced: noted elsewhere, it proves later that nothing was cut off. */
  auditHead(): AuditHead;
  /** Whether the audit file holds everything up to `position`, synced; waits for it, `timeoutMs` at most. */
  waitForAudit(position: string, timeoutMs: number): Promise<boolean>;
  /** Everything the views hold, for comparing them: see dump.ts. */
  dump(): Iterable<string>;
  close(): Promise<void>;
}

/** `part` with functions that tell what they throw. */
const telling = <Part extends object>(part: Part, tell: (error: unknown) => void): Part =>
  Object.fromEntries(
    Object.entries(part).map(([name, value]) => {
      if (typeof value !== 'function') return [name, telling(value, tell)];
      const told = (...args: readonly unknown[]): unknown => {
        try {
          return value(...args);
        } catch (error) {
          tell(error);
          throw error;
        }
      };
      return [name, told];
    }),
  ) as Part; // The same names, and functions of the same shape.

const viewsOver = (database: DatabaseSync, keeper: Keeper): Views => {
  const listeners = new Set<ChangeListener>();
  const viewWaiters = createWaiters();
  const auditWaiters = createWaiters();
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined); // Whoever awaits it is told; nobody must.
  const parked = parkedIn(database);
  /** A page that only readers come by would be met again and again: nothing but a new file heals it. */
  const healed = (error: unknown): void => {
    if (isDamaged(error)) keeper.damaged();
  };
  const queriesNow = (): ViewQueries => telling(viewQueries(database, answeringIn(standing.views)), healed);
  let standing = keeper.standing();
  let queries = queriesNow();

  const look = (touched: Touched): void => {
    standing = keeper.standing();
    if (touched?.size === 0) {
      queries = queriesNow();
      keeper.release(standing);
    }
    if (standing.isReady) ready.resolve();
    viewWaiters.check();
    auditWaiters.check();
    if (touched) for (const listener of [...listeners]) listener(touched);
  };
  keeper.onNews(look);
  look(undefined);
  keeper.done.then(ready.resolve, ready.reject);

  const onChange = (listener: ChangeListener): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const reached = (position: string): boolean => standing.views.every((view) => (view.position ?? '') >= position);
  const isWritten = (position: string): boolean => (standing.audit.position ?? '') >= position;

  return {
    get queries() {
      return queries;
    },
    work: {
      due: (...asked) => queries.work.due(...asked),
      dueByPair: (...asked) => queries.work.dueByPair(...asked),
      claimed: () => queries.work.claimed(),
      nextAt: (now) => queries.work.nextAt(now),
      onChange,
    },
    ready: ready.promise,
    done: keeper.done,
    waitFor: (position, timeoutMs) => viewWaiters.until(() => reached(position), timeoutMs),
    waitForAudit: (position, timeoutMs) => auditWaiters.until(() => isWritten(position), timeoutMs),
    auditHead: () => standing.audit.head,
    onChange,
    rebuild: (onProgress = () => {}) => keeper.rebuild(onProgress),
    resume: keeper.resume,
    status: () =>
      standing.views.map(({ answering, ...view }) => ({
        ...view,
        parked: answering.version === view.version ? parked(tableName(view.name, answering.version, answering.build)) : [],
      })),
    dump: () => dumpTables(database, standing.views),
    close: async () => {
      keeper.onNews(() => {});
      await keeper.close();
      if (database.isOpen) database.close();
    },
  };
};

/** Reads what `keeper` keeps in `file`, and closes it in the end. */
export const openViews = async (file: string, keeper: Keeper): Promise<Views> => {
  let database: DatabaseSync | undefined;
  try {
    database = openViewReader(file);
    return viewsOver(database, keeper);
  } catch (error) {
    database?.close();
    await keeper.close();
    throw error;
  }
};
