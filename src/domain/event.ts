import { z } from 'zod';
import { type Digest, digestOf } from './canonical.ts';
import { derivedId } from './ids.ts';
import { withTextDigests } from './text.ts';

/** Flat, string values: EventStoreDB keeps metadata so. `$correlationId` and `$causationId` are the names it reserves for us. */
export const Metadata = z.object({
  $correlationId: z.string(),
  $causationId: z.string(),
  commandId: z.string(),
  /** A person id, or `system:<worker>`. */
  actor: z.string(),
  channel: z.string(),
  /** UTC, milliseconds, ISO 8601. */
  at: z.iso.datetime({ precision: 3 }),
  schema: z.string(),
  prevHash: z.string(),
  hash: z.string(),
});
export type Metadata = z.infer<typeof Metadata>;

/** What a decider returns: a fact, without who and when. */
export interface Fact<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** What `evolve` and projections see. `data` was parsed (and upcast) by the schema of its type. */
export interface Happened<Type extends string = string, Data = unknown> extends Fact<Type, Data> {
  readonly actor: string;
  readonly at: string;
}

/** An event as a store keeps it. A retry of an append sends the identical one. `metadata` is free for `worker-` and `card-` streams. */
export interface NewEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Who asks for what, when, over which channel. Made at a surface or by a worker; `id` makes a repetition harmless. */
export interface Command<Type extends string = string, Data = unknown> {
  readonly id: string;
  readonly type: Type;
  readonly data: Data;
  readonly actor: string;
  readonly channel: string;
  readonly at: string;
  /** The intake that began the story; its own id when the command is the intake. */
  readonly correlationId?: string;
  /** The event that made a worker send this command; the command's own id otherwise. */
  readonly causationId?: string;
}

/** Version of the stored shape written by this code. Raised together with an upcaster. */
export const SCHEMA_VERSION = '1';

const hashOf = (
  stream: string,
  revision: number,
  event: Pick<NewEvent, 'id' | 'type' | 'data'>,
  metadata: Readonly<Record<string, string>>,
): Digest => {
  const { hash: _, ...hashed } = metadata;
  return digestOf({
    stream,
    revision,
    id: event.id,
    type: event.type,
    metadata: hashed,
    dataHash: digestOf(withTextDigests(event.data)),
  });
};

/**
 * Facts of one command as events, chained to `prevHash` (empty before the first of a stream). `first` is the revision the first of them
 * will get. The same input gives the same bytes.
 */
export const sealed = (stream: string, facts: readonly Fact[], command: Command, first: number, prevHash: string): NewEvent[] => {
  let last = prevHash;
  return facts.map((fact, index) => {
    const id = derivedId(command.id, index);
    const open: Metadata = {
      $correlationId: command.correlationId ?? command.id,
      $causationId: command.causationId ?? command.id,
      commandId: command.id,
      actor: command.actor,
      channel: command.channel,
      at: command.at,
      schema: SCHEMA_VERSION,
      prevHash: last,
      hash: '',
    };
    const hash = hashOf(stream, first + index, { id, ...fact }, open);
    last = hash;
    return { id, type: fact.type, data: fact.data, metadata: { ...open, hash } };
  });
};

/** Whether the event's own hash is what its content gives. The link to the one before is the caller's to compare. */
export const hashHolds = (event: {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, string>>;
}): boolean => {
  try {
    return event.metadata.hash === hashOf(event.stream, event.revision, event, event.metadata);
  } catch {
    // What has no canonical form was never sealed.
    return false;
  }
};
