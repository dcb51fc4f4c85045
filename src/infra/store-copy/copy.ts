import { isDeepStrictEqual } from 'node:util';
import { type EventStore, type RecordedEvent, StoreUnavailable, WrongExpectedRevision } from '../../domain/event-store.ts';
import { withoutTexts } from '../../domain/text.ts';
import { ERASURES } from '../../projections/projection.ts';

/** Most events of one append, and most bytes of them as JSON: far below what an append may hold, unless one event alone has more. */
const RUN_EVENTS_MAX = 100;
const RUN_BYTES_MAX = 256 * 1024;

/** Streams that say who works at the moment: while a log is copied that is nobody. */
const PASSING_STREAMS = ['worker-', 'lease-'];

/** What erasing writes behind the events of the source. */
const ERASING: ReadonlySet<string> = new Set([
  ...ERASURES,
  ...['RoleRevoked', 'TokenRevoked', 'IdentityUnlinked', 'InvitationWithdrawn', 'PersonErased'],
]);

/** The copy cannot be made, or not go on. The message is for the person at the terminal. */
export class CopyRefused extends Error {
  override readonly name = 'CopyRefused';
}

/** The target holds what the source does not begin with. */
export class TargetDiffers extends CopyRefused {}

export interface CopyOptions {
  readonly from: EventStore;
  readonly to: EventStore;
  /** An event whose texts were erased in the copy counts as the same, and the copy may go on with the events that say so. */
  readonly erasedThere: boolean;
  /** Hears events dealt with, and how many there are. */
  readonly onProgress: (done: number, total: number) => void;
}

export interface Copied {
  /** In the source. */
  readonly events: number;
  /** By this run; the others stood there already. */
  readonly added: number;
}

async function* lasting(store: EventStore): AsyncGenerator<RecordedEvent> {
  for await (const event of store.readAll()) {
    if (!PASSING_STREAMS.some((prefix) => event.stream.startsWith(prefix))) yield event;
  }
}

const bytesOf = ({ data, metadata }: RecordedEvent): number => Buffer.byteLength(JSON.stringify([data, metadata]));

/** Events that follow each other in one stream, as many as one append may hold; the order of the log stays what it is. */
async function* runsOf(events: AsyncIterable<RecordedEvent>): AsyncGenerator<readonly RecordedEvent[]> {
  let run: RecordedEvent[] = [];
  let bytes = 0;
  for await (const event of events) {
    const size = bytesOf(event);
    const fits = run.length < RUN_EVENTS_MAX && bytes + size <= RUN_BYTES_MAX && run.at(-1)?.stream === event.stream;
    if (!fits) {
      if (run.length > 0) yield run;
      [run, bytes] = [[], 0];
    }
    run.push(event);
    bytes += size;
  }
  if (run.length > 0) yield run;
}

/** All but where it stands: positions are each store's own. */
const same = (one: RecordedEvent, other: RecordedEvent, erasedThere: boolean): boolean => {
  const { position: _, data, ...envelope } = one;
  const { position: __, data: there, ...envelopeThere } = other;
  if (!isDeepStrictEqual(envelope, envelopeThere)) return false;
  return isDeepStrictEqual(data, there) || (erasedThere && isDeepStrictEqual(withoutTexts(data).data, there));
};

const otherThings = ({ stream, revision }: RecordedEvent): TargetDiffers =>
  new TargetDiffers(
    `The target holds other things than the source: ${stream}, event ${revision}. Name an empty target, or the one that this copy was begun in.`,
  );

/**
 * Goes over the source beside what the target holds, which must be how the source begins, and gives what is not there yet. Throws `CopyRefused`.
 */
async function* missing({ from, to, erasedThere, onProgress }: CopyOptions, total: number): AsyncGenerator<RecordedEvent> {
  const held = lasting(to);
  let next = await held.next();
  let done = 0;
  for await (const event of lasting(from)) {
    if (next.done) yield event;
    else if (!same(event, next.value, erasedThere)) throw otherThings(next.value);
    else next = await held.next();
    done++;
    onProgress(done, total);
  }
  for (; !next.done; next = await held.next()) {
    if (!erasedThere || !ERASING.has(next.value.type)) throw otherThings(next.value);
  }
}

const countOf = async (events: AsyncIterable<unknown>): Promise<number> => {
  let count = 0;
  for await (const _ of events) count++;
  return count;
};

const appendRun = async (to: EventStore, run: readonly RecordedEvent[]): Promise<void> => {
  const [{ stream, revision } = { stream: '', revision: 0 }] = run;
  const events = run.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }));
  await to.append(stream, events, revision === 0 ? 'no_stream' : revision - 1);
};

const refusal = (error: unknown): unknown => {
  if (error instanceof WrongExpectedRevision)
    return new CopyRefused('Something else writes to the target. Stop it, or name an empty target.', { cause: error });
  if (error instanceof StoreUnavailable)
    return new CopyRefused('A store does not answer. Once it does, type the same again: the copy goes on where it stopped.', {
      cause: error,
    });
  return error;
};

/**
 * Makes the target hold every event of the source that is more than a sign of life: the same ids, times, hashes and revisions, in the same order.
 * Goes on where an earlier run stopped. What was written is read back and compared before it resolves. Throws `CopyRefused`.
 */
export const copyEvents = async (options: CopyOptions): Promise<Copied> => {
  const { from, to } = options;
  try {
    const begun = await from.head();
    const total = await countOf(lasting(from));
    let added = 0;
    for await (const run of runsOf(missing(options, total))) {
      await appendRun(to, run);
      added += run.length;
    }
    if (added > 0 && (await countOf(missing({ ...options, onProgress: () => undefined }, total))) > 0)
      throw new CopyRefused('The target does not hold what was written to it. Look at its log, and name an empty target.');
    if ((await from.head()) !== begun)
      throw new CopyRefused(
        'A service wrote to the source meanwhile. Stop every one, then type the same again: the copy goes on.',
      );
    return { events: total, added };
  } catch (error) {
    throw refusal(error);
  }
};
