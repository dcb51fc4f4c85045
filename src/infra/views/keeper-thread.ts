import { parentPort, workerData } from 'node:worker_threads';
import { openStore } from '../store/place.ts';
import { openKeeper } from './keeper.ts';
import { failureOf, type KeeperPlace, type Order, type Report } from './keeper-messages.ts';

/** The thread that `startKeeper` starts: it has connections of its own to the log and to the views, and ends when it is told to. */
const port = parentPort;
if (!port) throw new Error('Only the service starts this.');
const say = (report: Report): void => port.postMessage(report);

const { file, auditFile, store: place } = workerData as KeeperPlace; // What `startKeeper` hands over.
const store = await openStore(place);
const keeper = await openKeeper({ file, auditFile, store });

/** That positions moved, of which a turn of the event loop may bring one for each view, is said once, unless other news says it before. */
let unsaid: (() => void) | undefined;

const rebuild = async (id: number): Promise<void> => {
  try {
    await keeper.rebuild((progress) => say({ about: 'progress', id, progress }));
    unsaid?.();
    say({ about: 'rebuilt', id });
  } catch (error) {
    say({ about: 'not done', id, failure: failureOf(error) });
  }
};

const resume = async (id: number): Promise<void> => {
  try {
    say({ about: 'resumed', id, streams: await keeper.resume() });
  } catch (error) {
    say({ about: 'not done', id, failure: failureOf(error) });
  }
};

const close = async (): Promise<void> => {
  await keeper.close();
  await store.close();
  port.close();
};

port.on('message', (order: Order) => {
  if (order.about === 'rebuild') void rebuild(order.id);
  else if (order.about === 'resume') void resume(order.id);
  else if (order.about === 'release') keeper.release(order.read);
  else if (order.about === 'damaged') keeper.damaged();
  else void close();
});

keeper.onNews((touched) => {
  const tell = (): void => {
    unsaid = undefined;
    say({ about: 'news', standing: keeper.standing(), touched });
  };
  if (touched) return tell();
  if (unsaid) return;
  unsaid = tell;
  setImmediate(() => unsaid?.());
});
keeper.done.catch((error: unknown) => say({ about: 'fault', error }));
say({ about: 'news', standing: keeper.standing(), touched: undefined });
