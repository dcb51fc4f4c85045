import type { Check } from '../checks.ts';
import type { Configuration } from '../config/configuration.ts';
import type { OnCopyProgress, StoreCopyOrder, StoreCopyReport } from '../store-copy/store-copy.ts';

/** A running service, in this process. */
export interface Service {
  /** `http://127.0.0.1:3000`, with the port it really listens on. */
  readonly url: string;
  /** Resolves when it was stopped; rejects when it cannot go on (it is to be stopped then, and started again). */
  readonly done: Promise<void>;
  /** Hands running stages back, flushes the views, frees the data folder. Safe to call twice. */
  stop(): Promise<void>;
}

/** What only `src/main.ts` can build, handed to the command line. */
export interface Composition {
  /** Builds every adapter, starts, and writes the service file; throws an `Error` whose message says what to do. */
  serve(configuration: Configuration): Promise<Service>;
  /** Opens the data folder under its lock, without a server, for what can be done while no service runs. */
  offline(configuration: Configuration): Promise<Offline>;
  /** Copies a log from one store to another while no service runs. Throws an `Error` whose message says what to do. */
  copyStore(configuration: Configuration, order: StoreCopyOrder, onProgress: OnCopyProgress): Promise<StoreCopyReport>;
  /** Asks every component for real: store, disk, sandbox, image, agent, forge, repositories. Never throws for what it finds. */
  preflight(configuration: Configuration): Promise<readonly Check[]>;
}

export interface Offline {
  /** Builds every view and the audit file anew from the log; `onProgress` hears events done and, when known, how many there are. */
  rebuild(onProgress: (done: number, total: number | null) => void): Promise<void>;
  /** Folds every stream of the log and compares hashes; resolves to what was read and what does not hold. */
  replay(onProgress: (done: number) => void): Promise<ReplayReport>;
  /** Digests of the artifacts that open tasks name, each with the id of one. */
  needed(): Promise<ReadonlyMap<string, string>>;
  close(): Promise<void>;
}

export interface ReplayReport {
  readonly events: number;
  readonly streams: number;
  /** Streams whose hashes or folds do not hold, with a sentence each. */
  readonly faults: readonly { readonly stream: string; readonly sentence: string }[];
}

/** Where a running service of this data folder listens, and the token of its local admin: `<DATA_DIR>/service.json`, mode 0600. */
export interface ServiceFile {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
}

export const SERVICE_FILE = 'service.json';
