import { ZodError } from 'zod';
import type { Kind } from './decider.ts';
import { type Happened, Metadata, SCHEMA_VERSION } from './event.ts';
import { ownText } from './text.ts';

/** What a stored event looks like when it is read: raw, before it is trusted. */
export interface Stored {
  readonly type: string;
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Of an agent of which nobody wrote down what the operator said: no agent has it, so what was approved with it runs with none. */
const NO_PROFILE = '0'.repeat(64);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

/** Two types stood in another shape in the first logs, under the number of the first version. By what they lack they are known. */
const FIRST_SHAPES: Readonly<Record<string, (data: Readonly<Record<string, unknown>>) => unknown>> = {
  RequestPrepared: (data) => {
    const { prepared } = data;
    if (!isObject(prepared) || !isObject(prepared.agent) || 'profile' in prepared.agent) return data;
    return { ...data, prepared: { ...prepared, agent: { ...prepared.agent, profile: NO_PROFILE } } };
  },
  ChangeCollected: (data) => {
    const { agentMeta } = data;
    if (!isObject(agentMeta) || Array.isArray(agentMeta)) return data;
    return { ...data, agentMeta: Object.entries(agentMeta).map(([name, value]) => ({ name: ownText(name), value })) };
  },
};

/** Brings the data of one event type from one schema version to the next. None was needed yet; the first stands here, keyed `type@version`. */
const UPCASTERS: Readonly<Record<string, (data: unknown) => unknown>> = {};

/** No code here understands the event: its stream is parked. */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent';
  /** The schema version that newer code wrote it in; `unreadable`: something other than the service wrote it. */
  readonly needs: string;
  constructor(type: string, needs: string, options?: ErrorOptions) {
    super(
      needs === 'unreadable'
        ? `event ${type} is of no form that the service ever wrote`
        : `event ${type} of schema version ${needs} is unknown to this version`,
      options,
    );
    this.needs = needs;
  }
}

const upcast = (type: string, data: unknown, from: number): unknown => {
  let current = isObject(data) ? (FIRST_SHAPES[type]?.(data) ?? data) : data;
  for (let version = from; version < Number(SCHEMA_VERSION); version++) {
    current = UPCASTERS[`${type}@${version}`]?.(current) ?? current;
  }
  return current;
};

/** An event as `evolve` and the projections see it: parsed by the schema of its type, brought to today's shape. Throws `UnreadableEvent`. */
export const happened = (kind: Pick<Kind, 'events'>, { type, data, metadata }: Stored): Happened => {
  try {
    const { actor, at, schema } = Metadata.parse(metadata);
    const shape = Object.hasOwn(kind.events, type) ? kind.events[type] : undefined;
    if (!shape || Number(schema) > Number(SCHEMA_VERSION)) throw new UnreadableEvent(type, schema);
    return { type, data: shape.parse(upcast(type, data, Number(schema))), actor, at };
  } catch (error) {
    throw error instanceof ZodError ? new UnreadableEvent(type, 'unreadable', { cause: error }) : error;
  }
};
