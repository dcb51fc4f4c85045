import type { StorePlace } from '../store/place.ts';
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
  | { readonly about: 'not done'; readonly id: number; readonly error: unknown }
  | { readonly about: 'fault'; readonly error: unknown };
