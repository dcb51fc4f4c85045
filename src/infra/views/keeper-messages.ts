import { StoreFull, StoreUnavailable } from '../../domain/event-store.ts';
import type { StorePlace } from '../store/place.ts';
import { storeError } from '../store/sqlite-errors.ts';
import type { Standing, Touched } from './keeper.ts';
import type { Progress } from './slot.ts';

/** What the thread that keeps the views is started with. */
export interface KeeperPlace {
  readonly file: string;
  readonly auditFile: string;
  readonly store: StorePlace;
}

/** To the thread. */
export type Order =
  | { readonly about: 'rebuild'; readonly id: number }
  | { readonly about: 'resume'; readonly id: number }
  | { readonly about: 'release'; readonly read: Standing }
  | { readonly about: 'damaged' }
  | { readonly about: 'close' };

/** From the thread; the first one is `news`, once the views are open. */
export type Report =
  | { readonly about: 'news'; readonly standing: Standing; readonly touched: Touched }
  | { readonly about: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly about: 'rebuilt'; readonly id: number }
  | { readonly about: 'resumed'; readonly id: number; readonly streams: number }
  | { readonly about: 'not done'; readonly id: number; readonly failure: Failure }
  | { readonly about: 'fault'; readonly error: unknown };

/** Why something was not done. An error loses its class between threads, and what a caller is told depends on that. */
type Failure =
  | { readonly kind: 'full' | 'away'; readonly sentence: string }
  | { readonly kind: 'fault'; readonly error: unknown };

export const failureOf = (error: unknown): Failure => {
  const known = storeError(error);
  if (!(known instanceof StoreUnavailable)) return { kind: 'fault', error };
  return { kind: known instanceof StoreFull ? 'full' : 'away', sentence: known.message };
};

export const errorOf = (failure: Failure): unknown => {
  if (failure.kind === 'fault') return failure.error;
  return failure.kind === 'full' ? new StoreFull(failure.sentence) : new StoreUnavailable(failure.sentence);
};
