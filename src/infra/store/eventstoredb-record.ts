import { z } from 'zod';
import type { Position, RecordedEvent } from '../../domain/event-store.ts';
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

/** Other writers may have put anything on the server; what carries no flat metadata is none of ours. */
export const isOurs = ({ streamId, metadata }: ClientRecord): boolean =>
  !streamId.startsWith('$') && streamId !== STORE_STREAM && Metadata.safeParse(metadata).success;

/** Holds the id of the store and nothing else. */
export const STORE_STREAM = 'countersign-store';

export const recorded = (record: ClientRecord): RecordedEvent => {
  if (!record.position) throw new Error('the event store gives no positions: at least version 22.6 is needed');
  return {
    id: record.id,
    type: record.type,
    data: record.data,
    metadata: Metadata.parse(record.metadata),
    stream: record.streamId,
    revision: Number(record.revision),
    position: positionOf(record.position),
  };
};
