import type { Kind } from '../domain/decider.ts';
import { type Command, type NewEvent, sealed } from '../domain/event.ts';
import { type EventStore, type Position, WrongExpectedRevision } from '../domain/event-store.ts';
import { may } from '../domain/person/index.ts';
import { DomainError, type RefusalCode } from '../domain/refusals.ts';
import type { People } from './people.ts';
import { type Loaded, type Streams, unwritten } from './streams.ts';

/** Appends that may be lost to other writers of one stream before the caller is told to come back. */
const APPEND_ATTEMPTS_MAX = 10;

export interface Dispatched {
  readonly stream: string;
  /** What this command made true now; empty when it was so already. */
  readonly events: readonly NewEvent[];
  /** Where a reader must be to see what the command made true, now or when it was sent first. `null`: it made nothing true. */
  readonly position: Position | null;
}

/** Ten other writers in a row were faster. Nothing was written; the same command may be sent again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}

/**
 * `known`: the stream as the caller just read it, or `unwritten` when it was named this moment. It is decided on that first; should the
 * stream have moved on after all, it is read then.
 */
export type Dispatch = (command: Command, known?: Loaded<unknown> | 'unwritten') => Promise<Dispatched>;

/**
 * The one command handler: load, fold, allow, decide, append; after a conflict decide again. A command id that the stream has seen yields
 * nothing. Throws `DomainError` (refused), `ConflictError` or `StoreUnavailable` (not now: send the same again), a `ZodError` (malformed).
 */
export const createDispatch = ({
  store,
  streams,
  people,
  kinds,
}: {
  readonly store: EventStore;
  readonly streams: Streams;
  readonly people: People;
  readonly kinds: readonly Kind[];
}): Dispatch => {
  const kindOf = new Map(kinds.flatMap((kind) => Object.keys(kind.commands).map((type) => [type, kind] as const)));

  const allow = async (kind: Kind, command: Command, state: unknown): Promise<void> => {
    // Only workers of this process are `system:`; no surface can name one.
    if (command.actor.startsWith('system:')) return;
    const who = await people.get(command.actor);
    if (!who) throw new DomainError('unauthorized');
    const needs = kind.needs(command, state);
    if (needs.length > 0 && needs.every((need) => may(who, need))) return;
    const hidden = needs.some(({ repo }) => !may(who, { right: 'read', repo })) && command.type !== 'CreateTask';
    throw new DomainError((hidden && kind.name === 'task' ? 'task-not-found' : 'forbidden') satisfies RefusalCode);
  };

  const read = async (kind: Kind, stream: string, known: Loaded<unknown> | 'unwritten' | undefined): Promise<Loaded<unknown>> =>
    known === 'unwritten' ? unwritten(kind) : (known ?? streams.load(kind, stream));

  return async (sent, known) => {
    const kind = kindOf.get(sent.type);
    const schema = kind?.commands[sent.type];
    if (!kind || !schema) throw new DomainError('unknown-command');
    const command: Command = { ...sent, data: schema.parse(sent.data) };
    const stream = kind.streamOf(command);

    for (let attempt = 1; attempt <= APPEND_ATTEMPTS_MAX; attempt++) {
      const { state, revision, lastHash, seen, first } = await read(kind, stream, attempt === 1 ? known : undefined);
      await allow(kind, command, state);
      const made = seen.get(command.id);
      if (made && !(kind.beginnings[command.type] ?? [made.type]).includes(made.type)) {
        throw new DomainError('key-used-for-another-request');
      }
      // The command that made the stream is decided again, so that its id with another body is refused; nothing more comes of it.
      const facts = made && command.id !== first ? [] : kind.decide(command, state);
      if (made || facts.length === 0) return { stream, events: [], position: made?.position ?? null };

      const events = sealed(stream, facts, command, revision + 1, lastHash);
      try {
        const { position } = await store.append(stream, events, revision < 0 ? 'no_stream' : revision);
        return { stream, events, position };
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision)) throw error;
      }
    }
    throw new ConflictError('Others are changing this at the same moment. Send the same request again.');
  };
};
