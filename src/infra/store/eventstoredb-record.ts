import { z } from 'zod';
import type { Position, RecordedEvent } from '../../domain/event-store.ts';
import { AUDITED_STREAMS } from '../../projections/audit.ts';
import type { ClientPosition, ClientRecord } from './eventstoredb-client.ts';

/** Digits of the largest unsigned 64-bit integer. */
const DIGITS = 20;

const digits = (value: bigint): string => value.toString().padStart(DIGITS, '0');

/** Commit and prepare position: together they order the log. */
export const positionOf = ({ commit, prepare }: ClientPosition): Position => `${digits(commit)}.${digits(prepare)}` as Position; // The one place that makes them.

/** Throws a `RangeError` for what is no position of this kind of store. */
export const clientPosition = (position: Position): ClientPosition => {
  const [, commit, prepare] = /^(\d{20})\.(\d{20})$/.exec(position) ?? [];
  if (!commit || !prepare) throw new RangeError('a position of another kind of event store');
  return { commit: BigInt(commit), prepare: BigInt(prepare) };
};

const Metadata = z.record(z.string(), z.string());

/** Holds the id of the store and nothing else. */
export const STORE_STREAM = 'countersign-store';

/** Streams that are appended to where their last event is: each one counts, also one that somebody else put there. */
const OURS = new RegExp(`^((${AUDITED_STREAMS.join('|')})[0-9a-f-]{36}|lease-.+)$`);

/**
 * `undefined` for the server's own events and for what others may have put on it: what carries no flat metadata is none of ours. In a stream of
 * ours it comes without metadata and data, and whoever reads it stands still there. Throws an `Error` when the server is too old.
 */
export const recorded = (record: ClientRecord): RecordedEvent | undefined => {
  // The server says in a stream itself, too, that it was deleted.
  if (record.streamId.startsWith('$') || record.type.startsWith('$') || record.streamId === STORE_STREAM) return undefined;
  const metadata = Metadata.safeParse(record.metadata);
  if (!metadata.success && !OURS.test(record.streamId)) return undefined;
  if (!record.position) throw new Error('The event store gives no positions. At least version 22.6 is needed.');
  return {
    id: record.id,
    type: record.type,
    data: metadata.success ? record.data : null,
    metadata: metadata.data ?? {},
    stream: record.streamId,
    revision: Number(record.revision),
    position: positionOf(record.position),
  };
};
