import type { EventStore, Position, RecordedEvent } from '../../domain/event-store.ts';
import { happened, UnreadableEvent } from '../../domain/upcasters.ts';
import type { Parking, Projection, Seen, Shown } from '../../projections/projection.ts';
import { IN_LOG_ONLY, type StoredStream } from './view-tables.ts';

/** Where a stream is folded no further, and why. */
interface ParkedAt extends Parking {
  readonly revision: number;
  /** Of the event. */
  readonly type: string;
}

/** What folding came to and is not stored yet, by stream. */
export interface Changes {
  readonly folded: Map<string, StoredStream>;
  /** Those that are not stored at all yet. */
  readonly isNew: Set<string>;
  readonly parked: Map<string, ParkedAt>;
  /** The last event that was folded into each. */
  readonly last: Map<string, RecordedEvent>;
}

export const noChanges = (): Changes => ({ folded: new Map(), isNew: new Set(), parked: new Map(), last: new Map() });

/** What is no fault of the event is the view's own. */
const parking = ({ revision, type }: RecordedEvent, error: unknown): ParkedAt => ({
  revision,
  type,
  needs: error instanceof UnreadableEvent ? error.needs : 'fault',
});

/** Folds events into the changes they make, and parks the streams that cannot be folded any further. Stores nothing. */
export const createFolding = (projection: Projection, store: Pick<EventStore, 'readStream'>) => {
  const seen = (event: RecordedEvent): Seen => ({
    ...happened(projection.kind, event),
    stream: event.stream,
    revision: event.revision,
    position: event.position,
    channel: event.metadata.channel ?? '',
  });

  const park = (event: RecordedEvent, { id, state }: StoredStream, error: unknown, changes: Changes): void => {
    const why = parking(event, error);
    changes.parked.set(event.stream, why);
    // The state shows why, where there is something to show.
    const parked = state === undefined || !projection.park ? state : projection.park(state, why);
    changes.folded.set(event.stream, { id, state: parked });
  };

  /** Folds a stream anew, from the store, as far as `upTo`. Throws what the store throws. */
  const refold = async (stream: string, id: number, upTo: Position, changes: Changes): Promise<void> => {
    let state: unknown;
    for await (const event of store.readStream(stream)) {
      if (event.position > upTo) break;
      changes.last.set(stream, event);
      try {
        state = projection.fold(state, seen(event));
      } catch (error) {
        park(event, { id, state }, error, changes);
        return;
      }
    }
    changes.folded.set(stream, { id, state });
  };

  return {
    refold,

    /**
     * Folds one event into what its stream was. What a view fails at is tried once more with the stream folded anew, and so is what only the log
     * knows: then there is something to wait for.
     */
    fold(event: RecordedEvent, { id, state }: StoredStream, changes: Changes): Promise<void> | undefined {
      const { stream, position } = event;
      if (state === IN_LOG_ONLY) return refold(stream, id, position, changes);
      changes.last.set(stream, event);
      try {
        changes.folded.set(stream, { id, state: projection.fold(state, seen(event)) });
      } catch (error) {
        if (!(error instanceof UnreadableEvent)) return refold(stream, id, position, changes);
        park(event, { id, state }, error, changes);
      }
      return undefined;
    },

    /** What the stream shows from now on. One that cannot be shown is parked, and no change: it shows what it did. */
    show(stream: string, changes: Changes): Shown | undefined {
      const state = changes.folded.get(stream)?.state;
      if (state === undefined) return undefined;
      try {
        return projection.show(state);
      } catch (error) {
        const event = changes.last.get(stream);
        if (!event) throw error;
        changes.parked.set(stream, parking(event, error));
        changes.folded.delete(stream);
        return undefined;
      }
    },
  };
};
