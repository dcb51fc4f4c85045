import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '../../domain/canonical.ts';
import type { Kind } from '../../domain/decider.ts';
import type { ReplayReport } from '../cli/composition.ts';
import { writePrivately } from '../local-admin.ts';
import { removeFolder } from '../remove-folder.ts';
import { replay } from '../replay.ts';
import { lockDataFolder } from '../store/data-folder-lock.ts';
import { openStore, type StorePlace } from '../store/place.ts';
import { type Copied, CopyRefused, copyEvents, TargetDiffers } from './copy.ts';
import { type Eraser, eraseNamed, type ToErase } from './erase.ts';

export interface StoreCopyOrder {
  readonly from: StorePlace;
  readonly to: StorePlace;
  /** What the copy is to be without; nothing: it holds what the source holds. */
  readonly erase: readonly ToErase[];
}

export type CopyPhase = 'copying' | 'checking';
export type OnCopyProgress = (phase: CopyPhase, done: number, total: number | null) => void;

/** What came of it: the copy was read back, and all that `replay` finds in it. */
export type StoreCopyReport = Copied & Pick<ReplayReport, 'faults'>;

export interface StoreCopyOptions {
  readonly kinds: readonly Kind[];
  /** Of this configuration: nothing works in it meanwhile, and what is erased on the way to a server is erased here. */
  readonly dataFolder: string;
  /** Opens the log of a data folder, under its lock, with what can erase in it; whoever calls closes it. */
  readonly openEraser: (folder: string, open: AsyncDisposableStack) => Promise<Eraser>;
}

const isFile = ({ eventStoreUrl }: StorePlace): boolean => eventStoreUrl === null;

/** A server cannot tell who works on it: `copyEvents` notices whoever writes. */
const lockPlaces = (places: readonly StorePlace[], dataFolder: string, open: DisposableStack): void => {
  const folders = new Set([dataFolder, ...places.filter(isFile).map(({ file }) => dirname(file))]);
  for (const folder of folders) open.defer(lockDataFolder(folder).release);
};

const headOf = async (place: StorePlace) => {
  const store = await openStore(place);
  return store.head().finally(() => store.close());
};

/**
 * Copies a log from one store to another, file or server. Texts that are to be left out are erased in a file of the data folder before the target
 * sees anything; it is kept until the copy is whole. Cut off at any point, the same again goes on. Throws `CopyRefused`, `DataFolderInUse` or what
 * the stores throw.
 */
export const createStoreCopy = ({ kinds, dataFolder, openEraser }: StoreCopyOptions) => {
  const folder = join(dataFolder, 'store-copy');
  const between: StorePlace = { eventStoreUrl: null, file: join(folder, 'log.db') };

  const copy = async (
    from: StorePlace,
    to: StorePlace,
    erasedThere: boolean,
    onProgress: OnCopyProgress,
  ): Promise<StoreCopyReport> => {
    await using stores = new AsyncDisposableStack();
    const opened = async (place: StorePlace) => {
      const store = await openStore(place);
      stores.defer(() => store.close());
      return store;
    };
    const [source, target] = [await opened(from), await opened(to)];
    const options = { from: source, to: target, erasedThere };
    const copied = await copyEvents({ ...options, onProgress: (done, total) => onProgress('copying', done, total) });
    const { faults } = await replay(target, kinds, (done) => onProgress('checking', done, null));
    return { ...copied, faults };
  };

  /** What was erased for another order is not gone on with. */
  const beginBetween = async ({ from, erase }: StoreCopyOrder): Promise<void> => {
    const file = join(folder, 'order.json');
    const order = digestOf({ from, erase: erase.map(({ stream, revision }) => `${stream}:${revision}`).toSorted() });
    if ((await readFile(file, 'utf8').catch(() => '')).trim() === JSON.stringify(order)) return;
    await removeFolder(folder);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writePrivately(file, order);
  };

  const copyToBetween = async (order: StoreCopyOrder, onProgress: OnCopyProgress): Promise<StoreCopyReport> => {
    await beginBetween(order);
    return copy(order.from, between, true, onProgress).catch(async (error: unknown) => {
      if (!(error instanceof TargetDiffers)) throw error;
      // The source has moved on since an earlier run was cut off behind its erasing.
      await removeFolder(folder);
      await beginBetween(order);
      return copy(order.from, between, true, onProgress);
    });
  };

  return async (order: StoreCopyOrder, onProgress: OnCopyProgress): Promise<StoreCopyReport> => {
    const { from, to, erase } = order;
    if (isFile(from) && !existsSync(from.file))
      throw new CopyRefused('There is no log in the source. Name a data folder that holds a log.db.');
    for (const made of [dataFolder, ...(isFile(to) ? [dirname(to.file)] : [])])
      await mkdir(made, { recursive: true, mode: 0o700 });
    using locks = new DisposableStack();
    lockPlaces([from, to], dataFolder, locks);
    if (erase.length === 0) return copy(from, to, false, onProgress);

    const head = await headOf(from);
    await copyToBetween(order, onProgress);
    {
      await using eraser = new AsyncDisposableStack();
      await eraseNamed(await openEraser(folder, eraser), erase);
    }
    const second = await copy(between, to, false, onProgress);
    if ((await headOf(from)) !== head)
      throw new CopyRefused('A service wrote to the source meanwhile. Stop every one, and copy into a new target.');
    await removeFolder(folder);
    return second;
  };
};
