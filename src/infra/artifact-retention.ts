import { ArtifactRef } from '../domain/artifact.ts';
import type { EventStore } from '../domain/event-store.ts';
import { taskStream } from '../domain/ids.ts';
import { TaskStatus, type TaskSummary } from '../projections/task-view.ts';
import type { Views } from './views/views.ts';

/** Between two looks, in milliseconds; and how finely what is kept is told apart by its age. */
export const PRUNED_EVERY_MS = 3_600_000;
/** What was put so lately may be of an outcome that is on its way to the log. In milliseconds. */
const NAMED_WITHIN_MS = 3_600_000;
/** How long the views may take to come to the end of the log, in milliseconds. */
const VIEWS_WAIT_MS = 30_000;
const PAGE_TASKS = 100;

/** What a store of artifacts holds, so that it can be cleared up. */
export interface ArtifactStock {
  /** In no order. Times are milliseconds since 1970; putting the same bytes again counts. */
  list(): AsyncIterable<{ readonly digest: string; readonly bytes: number; readonly putAt: number }>;
  /** Nothing happens when it was put again since, or is gone. */
  remove(digest: string, putBefore: number): Promise<void>;
}

/** How much is kept of what tasks left that are over. */
export interface Retention {
  readonly ageMsMax: number;
  /** All artifacts together, those of open tasks included. */
  readonly bytesMax: number;
}

/** When the oldest was put of those that fit into `bytesMax`, as finely as looks are far apart. It keeps no more than a number a look. */
const fittingSince = async (stock: ArtifactStock, bytesMax: number): Promise<number> => {
  const bytesAt = new Map<number, number>();
  for await (const { bytes, putAt } of stock.list()) {
    const at = Math.floor(putAt / PRUNED_EVERY_MS);
    bytesAt.set(at, (bytesAt.get(at) ?? 0) + bytes);
  }
  let total = 0;
  for (const [at, bytes] of [...bytesAt].sort(([one], [other]) => other - one)) {
    total += bytes;
    if (total > bytesMax) return (at + 1) * PRUNED_EVERY_MS;
  }
  return 0;
};

/**
 * Removes what is too old, then the oldest until the rest fits; nothing that `named` tells is needed, and nothing that was just put. Ends as soon
 * as `isHeld`: somebody copies what there is.
 */
export const pruneArtifacts = async (
  stock: ArtifactStock,
  { ageMsMax, bytesMax }: Retention,
  named: () => Promise<Pick<ReadonlySet<string>, 'has'>>,
  isHeld: () => boolean = () => false,
): Promise<void> => {
  const now = Date.now();
  const before = Math.min(now - NAMED_WITHIN_MS, Math.max(now - ageMsMax, await fittingSince(stock, bytesMax)));
  const needed = await named();
  for await (const { digest, putAt } of stock.list()) {
    if (isHeld()) return;
    if (putAt < before && !needed.has(digest)) await stock.remove(digest, before);
  }
};

const OPEN = TaskStatus.options.filter((status) => status !== 'COMPLETED' && status !== 'FAILED');

/** Digests of all that tasks name which are not over, in whichever attempt, each with the id of one. Throws when the views do not keep up. */
export const namedByOpenTasks = async (
  store: Pick<EventStore, 'head' | 'readStream'>,
  views: Pick<Views, 'queries' | 'waitFor'>,
): Promise<ReadonlyMap<string, string>> => {
  if (!(await views.waitFor((await store.head()) ?? '', VIEWS_WAIT_MS))) throw new Error('the views are behind the log');
  const digests = new Map<string, string>();
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = views.queries.listTasks({ statuses: OPEN, limit: PAGE_TASKS, ...(cursor !== undefined && { cursor }) });
    for (const summary of page.tasks) {
      const { taskId }: TaskSummary = JSON.parse(summary); // Written by the projection.
      for await (const { data } of store.readStream(taskStream(taskId))) {
        // Facts are flat. What an event of newer code names is needed, too.
        for (const value of Object.values(data ?? {})) {
          const { data: ref } = ArtifactRef.safeParse(value);
          if (ref) digests.set(ref.digest, taskId);
        }
      }
    }
    cursor = page.next;
  }
  return digests;
};
