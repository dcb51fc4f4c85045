import { EventEmitter } from 'node:events';

export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface Stored extends Proposed {
  readonly stream: string;
  readonly revision: number;
  /** Commit and prepare position alike, as the server has them for events that commit themselves. */
  readonly position: number;
  /** Ticks of 100 ns since 1970. */
  readonly created: string;
}

export type Expected = number | 'no_stream' | 'any' | 'stream_exists';

/** What the server keeps, in memory, with its rules for revisions, repeated appends and `$maxCount`. */
export interface MemoryLog {
  readonly events: readonly Stored[];
  /** `undefined`: wrong expected revision. */
  append(stream: string, expected: Expected, proposed: readonly Proposed[]): Stored | undefined;
  /** What a reader of the stream sees; `undefined` when there is no such stream. */
  stream(name: string): readonly Stored[] | undefined;
  /** Emits `appended`. */
  readonly changes: EventEmitter;
}

const maxCountOf = (metastream: readonly Stored[] | undefined): number => {
  const last = metastream?.at(-1);
  const metadata: unknown = last && JSON.parse(Buffer.from(last.data).toString());
  const count: unknown = metadata && Reflect.get(Object(metadata), '$maxCount');
  return typeof count === 'number' ? count : Number.POSITIVE_INFINITY;
};

export const memoryLog = (): MemoryLog => {
  const events: Stored[] = [];
  const streams = new Map<string, Stored[]>();
  const changes = new EventEmitter().setMaxListeners(0);
  let position = 0;

  const repeated = (stored: readonly Stored[], first: number, proposed: readonly Proposed[]): Stored | undefined =>
    proposed.every(({ id }, index) => stored[first + index]?.id === id) ? stored[first + proposed.length - 1] : undefined;

  return {
    events,
    changes,
    append: (stream, expected, proposed) => {
      const stored = streams.get(stream) ?? [];
      const current = stored.length - 1;
      const before = expected === 'no_stream' ? -1 : expected === 'any' || expected === 'stream_exists' ? current : expected;
      if (before !== current || (expected === 'stream_exists' && current < 0)) return repeated(stored, before + 1, proposed);

      for (const event of proposed) {
        position += 100 + event.data.length;
        const created = `${Date.now()}0000`;
        const recorded = { ...event, stream, revision: stored.length, position, created };
        stored.push(recorded);
        events.push(recorded);
      }
      streams.set(stream, stored);
      changes.emit('appended');
      return stored.at(-1);
    },
    stream: (name) => {
      const stored = streams.get(name);
      return stored?.slice(Math.max(0, stored.length - maxCountOf(streams.get(`$$${name}`))));
    },
  };
};
