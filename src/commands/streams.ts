import type { Kind } from '../domain/decider.ts';
import type { EventStore, Position } from '../domain/event-store.ts';
import { DomainError } from '../domain/refusals.ts';
import { happened, UnreadableEvent } from '../domain/upcasters.ts';

/** What a command made true: the type of its first event, and the position of its last. */
export interface Made {
  readonly type: string;
  readonly position: Position;
}

/** A stream as far as it was read. */
export interface Loaded<State> {
  readonly state: State;
  /** -1 for a stream that does not exist. */
  readonly revision: number;
  readonly lastHash: string;
  /** Every command id the stream has seen, with what it made true. */
  readonly seen: ReadonlyMap<string, Made>;
  /** Id of the command that made the stream. */
  readonly first: string | undefined;
}

/** A stream that does not exist. */
export const unwritten = <State>({ initialState }: Kind<State>): Loaded<State> => ({
  state: initialState,
  revision: -1,
  lastHash: '',
  seen: new Map(),
  first: undefined,
});

/** Reads and folds streams: decisions are made on these, never on views. */
export const createStreams = (store: EventStore) => ({
  /** With `known`, only what came after it is read. Throws `DomainError` `stream-parked` at an event that needs newer code, or that nobody wrote in this form. */
  async load<State>(kind: Kind<State>, stream: string, known?: Loaded<State>): Promise<Loaded<State>> {
    const before = known ?? unwritten(kind);
    let { state, revision, lastHash, first } = before;
    let seen: Map<string, Made> | undefined;
    for await (const event of store.readStream(stream, { from: revision + 1 })) {
      try {
        state = kind.evolve(state, happened(kind, event));
      } catch (error) {
        throw error instanceof UnreadableEvent ? new DomainError('stream-parked') : error;
      }
      const commandId = event.metadata.commandId ?? '';
      first ??= commandId;
      seen ??= new Map(before.seen);
      seen.set(commandId, { type: seen.get(commandId)?.type ?? event.type, position: event.position });
      ({ revision } = event);
      lastHash = event.metadata.hash ?? '';
    }
    return { state, revision, lastHash, seen: seen ?? before.seen, first };
  },
});

export type Streams = ReturnType<typeof createStreams>;
