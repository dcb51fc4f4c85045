import type { NewEvent } from '../../domain/event.ts';
import { EVENT_BYTES_MAX, EventTooLarge } from '../../domain/event-store.ts';

export interface EncodedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

/**
 * The JSON of the events of one append. The limit is on the append as a whole, because that is what EventStoreDB limits. Throws `EventTooLarge`,
 * a `RangeError` for no event, a `TypeError` for data that JSON cannot hold.
 */
export const encoded = (events: readonly NewEvent[]): readonly EncodedEvent[] => {
  if (events.length === 0) throw new RangeError('an append of no events');
  let bytes = 0;
  return events.map(({ id, type, data, metadata }) => {
    const json = JSON.stringify(data);
    if (json === undefined) throw new TypeError(`the data of ${type} is nothing that JSON can hold`);
    const event = { id, type, data: json, metadata: JSON.stringify(metadata) };
    bytes += Buffer.byteLength(event.data) + Buffer.byteLength(event.metadata);
    if (bytes > EVENT_BYTES_MAX) {
      throw new EventTooLarge(`${type} makes the append larger than ${EVENT_BYTES_MAX} bytes. Keep large texts as artifacts.`);
    }
    return event;
  });
};
