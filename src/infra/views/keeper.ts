import type { DatabaseSync } from 'node:sqlite';
import type { EventStore, Position } from '../../domain/event-store.ts';
import type { AuditHead } from '../../projections/audit.ts';
import type { Projection } from '../../projections/projection.ts';
import { createAuditFile } from './audit-file.ts';
import { type Follower, feed } from './feed.ts';
import { PROJECTIONS } from './projections.ts';
import { answeringIn, viewQueries } from './queries.ts';
import { createSlot, type Progress, type Slot, type ViewStanding } from './slot.ts';
import { closeViewFile, isDamaged, openViewFile, removeViewFile } from './view-file.ts';
import { viewStore } from './view-store.ts';

/** How far everything is that is made of the log. Plain data: it crosses threads. */
export interface Standing {
  readonly views: readonly ViewStanding[];
  /** Every view has folded what there was at the start, or an older version of it answers meanwhile. */
  readonly isReady: boolean;
  readonly audit: {
    /** Everything up to here stands in the file, synced; `null` until it has been looked at. */
    readonly position: Position | null;
    readonly head: AuditHead;
  };
}

/** The streams a commit touched: none when another build took a view's place. `undefined`: nothing that is read has changed. */
export type Touched = ReadonlySet<string> | undefined;

/**
 * Keeps the views and the audit file up with the log, and is the only one that writes them. Who reads the views has a connection of its own, and
 * hears of each commit after it was made.
 */
export interface Keeper {
  /** As it was when the listener was last called, or at the start. */
  standing(): Standing;
  /** Calls `listener`, the only one, whenever something stands otherwise. */
  onNews(listener: (touched: Touched) => void): void;
  /** Builds every view again, beside the one that answers, which it then replaces; then the audit file. */
  rebuild(onProgress: (progress: Progress) => void): Promise<void>;
  /** Tries the streams that were parked again, in every view. Resolves to how many go on. */
  resume(): Promise<number>;
  /** The reader has moved on to the builds that answer in `read`: the tables of those they replaced are removed. */
  release(read: Standing): void;
  /** The reader met damage in the file. Ends the keeper as if it had met that itself: the next start builds the views anew. */
  damaged(): void;
  /** Resolves when everything is closed; rejects with what ended it before. */
  readonly done: Promise<void>;
  close(): Promise<void>;
}

export interface KeeperOptions {
  /** `views.db` in the data folder. */
  readonly file: string;
  /** `audit.jsonl`. */
  readonly auditFile: string;
  readonly store: EventStore;
  readonly projections?: readonly Projection[];
}

/** Builds of an older version answer when this code can read their tables; else the views answer from what there is of the new ones. */
const chooseReadable = (database: DatabaseSync, slots: readonly Slot[]): void => {
  try {
    viewQueries(database, answeringIn(slots.map((slot) => slot.standing())));
  } catch {
    for (const slot of slots) slot.answerAnew();
  }
};

const keeperOf = (database: DatabaseSync, options: KeeperOptions): Keeper => {
  const { file, auditFile, store, projections = PROJECTIONS } = options;
  const closing = new AbortController();
  const { signal } = closing;
  const background = new Set<Promise<void>>();
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => undefined); // Whoever awaits it is told; nobody must.
  let listener = (_touched: Touched): void => {};

  /** A damaged file is removed, so that the next start builds it anew. */
  const fail = (error: unknown, damaged = isDamaged(error)): void => {
    if (damaged) removeViewFile(file);
    done.reject(error);
  };
  const keep = (work: Promise<void>): void => {
    const tracked = work.catch((error: unknown) => fail(error)).finally(() => background.delete(tracked));
    background.add(tracked);
  };
  const onNews = (touched: Touched): void => listener(touched);
  const views = viewStore(database, store);
  const slots = projections.map((projection) => createSlot({ views, store, projection, signal, background: keep, onNews }));
  chooseReadable(database, slots);
  const audit = createAuditFile({ file: auditFile, database, store, signal, onCommit: () => onNews(undefined) });

  let isReady = false;
  const followers = slots.map((slot) => slot.start()).filter((follower) => follower !== undefined);
  // The log is read once for all that begin and once for all that go on; who begins keeps nobody waiting.
  const isBegun = ({ build }: Follower): boolean => build.position() !== null;
  for (const together of [followers.filter(isBegun), followers.filter((follower) => !isBegun(follower))]) {
    if (together.length > 0) keep(feed({ store, followers: together, signal }));
  }
  const ready = Promise.all(slots.map((slot) => slot.ready)).then(() => {
    isReady = true;
    onNews(undefined);
  });
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  // After the views: they are waited for, and both read the same log.
  keep(Promise.race([ready, ended]).then(audit.follow));

  const standing = (): Standing => ({
    views: slots.map((slot) => slot.standing()),
    isReady,
    audit: { position: audit.position(), head: audit.head() },
  });
  const release = ({ views: read }: Standing): void => {
    for (const [index, slot] of slots.entries()) {
      const answering = read[index]?.answering;
      if (answering) slot.release(answering);
    }
  };
  const rebuildAudit = (onProgress: (progress: Progress) => void): Promise<void> => {
    const expected = audit.head().sequence;
    return audit.rebuild((events) => onProgress({ name: 'audit', version: 1, events, expected }));
  };
  release(standing());

  return {
    standing,
    onNews: (called) => {
      listener = called;
    },
    rebuild: async (onProgress) => {
      const rebuilt = Promise.all(slots.map((slot) => slot.rebuild(onProgress))).then(() => rebuildAudit(onProgress));
      const closed = done.promise.then(() => Promise.reject(new Error('The views were closed during the rebuild.')));
      await Promise.race([rebuilt, closed]);
    },
    resume: async () => {
      const resumed = await Promise.all(slots.map((slot) => slot.resume()));
      return resumed.reduce((sum, { size }) => sum + size, 0);
    },
    release,
    damaged: () => fail(new Error('The file of the views is damaged.'), true),
    done: done.promise,
    close: async () => {
      closing.abort();
      await Promise.all(background);
      if (database.isOpen) for (const slot of slots) slot.save();
      closeViewFile(database);
      done.resolve();
    },
  };
};

/** Opens the views of a log and keeps them up with it until `close`. A file that is damaged or of another log is built anew. */
export const openKeeper = async (options: KeeperOptions): Promise<Keeper> => {
  const storeId = await options.store.storeId();
  const database = openViewFile(options.file, storeId);
  try {
    return keeperOf(database, options);
  } catch (error) {
    database.close();
    if (!isDamaged(error)) throw error;
  }
  removeViewFile(options.file);
  return keeperOf(openViewFile(options.file, storeId), options);
};
