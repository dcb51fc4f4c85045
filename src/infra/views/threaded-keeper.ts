import { Worker } from 'node:worker_threads';
import type { Keeper, Standing, Touched } from './keeper.ts';
import { errorOf, type KeeperPlace, type Order, type Report } from './keeper-messages.ts';
import type { Progress } from './slot.ts';

/** Something the thread was asked to do, until it says what came of it. */
interface Asked {
  readonly onProgress: (progress: Progress) => void;
  readonly resolve: (streams: number) => void;
  readonly reject: (error: unknown) => void;
}

/** A keeper on a thread of its own: what the views and the audit cost is no cost of the event loop that answers people. */
export const startKeeper = async (place: KeeperPlace): Promise<Keeper> => {
  const thread = new Worker(new URL('./keeper-thread.ts', import.meta.url), {
    workerData: place,
    // Three times a half: of 16 MiB most is garbage by the time it is full, of 2 MiB little, and a quarter of this thread's time went into moving it.
    resourceLimits: { maxYoungGenerationSizeMb: 48 },
  });
  const say = (order: Order): void => thread.postMessage(order);
  const first = Promise.withResolvers<Standing>();
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => undefined); // Whoever awaits it is told; nobody must.
  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const asked = new Map<number, Asked>();
  const ask = (about: 'rebuild' | 'resume', onProgress: Asked['onProgress'] = () => {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const id = Math.max(0, ...asked.keys()) + 1;
      asked.set(id, { onProgress, resolve, reject });
      say({ about, id });
    });
  let listener = (_touched: Touched): void => {};
  let standing: Standing | undefined;

  const onReport = (report: Report): void => {
    if (report.about === 'news') {
      ({ standing } = report);
      first.resolve(standing);
      listener(report.touched);
    } else if (report.about === 'fault') done.reject(report.error);
    else if (report.about === 'progress') asked.get(report.id)?.onProgress(report.progress);
    else {
      const known = asked.get(report.id);
      asked.delete(report.id);
      if (report.about === 'not done') known?.reject(errorOf(report.failure));
      else known?.resolve(report.about === 'resumed' ? report.streams : 0);
    }
  };
  thread.on('message', onReport).once('error', (error) => {
    first.reject(error);
    done.reject(error);
  });
  void exited.then(() => {
    const error = new Error('The thread that keeps the views has ended.');
    first.reject(error);
    for (const { reject } of asked.values()) reject(error);
    done.resolve();
  });
  const opened = await first.promise;

  return {
    standing: () => standing ?? opened,
    onNews: (called) => {
      listener = called;
    },
    rebuild: async (onProgress) => void (await ask('rebuild', onProgress)),
    resume: () => ask('resume'),
    release: (read) => say({ about: 'release', read }),
    damaged: () => say({ about: 'damaged' }),
    done: done.promise,
    close: async () => {
      say({ about: 'close' });
      await exited;
    },
  };
};
