import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Kind } from '../../domain/decider.ts';
import type { ReplayReport } from '../cli/composition.ts';
import { removeFolder } from '../remove-folder.ts';
import { replay } from '../replay.ts';
import { lockDataFolder } from '../store/data-folder-lock.ts';
import { openStore, type StorePlace } from '../store/place.ts';
import { type Copied, CopyRefused, copyEvents } from './copy.ts';
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

/**
 * Copies a log from one store to another, file or server. On a server nothing can be erased, so on the way to one the texts are erased in a file of
 * the data folder, which is kept until the copy is whole. Cut off at any point, the same again goes on. Throws `CopyRefused`, `DataFolderInUse`
 * or what the stores throw.
 */
export const createStoreCopy = ({ kinds, dataFolder, openEraser }: StoreCopyOptions) => {
  const between: StorePlace = { eventStoreUrl: null, file: join(dataFolder, 'store-copy', 'log.db') };

  const copy = async (
    from: StorePlace,
    to: StorePlace,
    erasedThere: boolean,
    onProgress: OnCopyProgress,
  ): Promise<StoreCopyReport> => {
    if (isFile(from) && !existsSync(from.file))
      throw new CopyRefused('There is no log in the source. Name a data folder that holds a log.db.');
    for (const folder of [dataFolder, ...(isFile(to) ? [dirname(to.file)] : [])])
      await mkdir(folder, { recursive: true, mode: 0o700 });
    using locks = new DisposableStack();
    lockPlaces([from, to], dataFolder, locks);
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

  const erase = async (folder: string, named: readonly ToErase[]): Promise<void> => {
    await using open = new AsyncDisposableStack();
    await eraseNamed(await openEraser(folder, open), named);
  };

  return async ({ from, to, erase: named }: StoreCopyOrder, onProgress: OnCopyProgress): Promise<StoreCopyReport> => {
    if (named.length === 0) return copy(from, to, false, onProgress);
    if (isFile(to)) {
      const copied = await copy(from, to, true, onProgress);
      await erase(dirname(to.file), named);
      return copied;
    }
    await copy(from, between, true, onProgress).catch(async (error: unknown) => {
      if (!(error instanceof CopyRefused) || !existsSync(between.file)) throw error;
      // What an earlier copy left there that was never finished, of a source that has moved on.
      await removeFolder(dirname(between.file));
      return copy(from, between, true, onProgress);
    });
    await erase(dirname(between.file), named);
    const copied = await copy(between, to, false, onProgress);
    await removeFolder(dirname(between.file));
    return copied;
  };
};
