import { writeFileSync } from 'node:fs';
import type { NewEvent } from '../../src/domain/event.ts';
import type { EventStore } from '../../src/domain/event-store.ts';

/** Milliseconds that calls took so far, added up even where they ran beside each other or beside the work. */
let spentMs = 0;

/** Whoever measures asks by a message, and finds the sum in this file. */
process.on('message', () => {
  writeFileSync(process.env.COSTS_FILE ?? '', `${spentMs}`);
  process.send?.('written');
});
process.on('disconnect', () => process.exit());
process.channel?.unref();

const timed = async <T>(work: Promise<T>): Promise<T> => {
  const begin = performance.now();
  try {
    return await work;
  } finally {
    spentMs += performance.now() - begin;
  }
};

/** `part`, whose `methods` are counted. */
export const counted = <Part extends object>(part: Part, methods: readonly string[]): Part => {
  const own = Object.entries(part).filter(([name]) => methods.includes(name));
  const wrapped = own.map(([name, method]) => [name, (...args: readonly unknown[]) => timed(method(...args))]);
  return { ...part, ...Object.fromEntries(wrapped) };
};

const isOfLeases = (stream: string): boolean => stream.startsWith('worker-') || stream.startsWith('lease-');
const claims = (events: readonly NewEvent[]): boolean =>
  events.some(({ type }) => type === 'StageClaimed' || type === 'StageReleased');

/** `store`, of which heart-beats, leases, claims and looks at who is heard are counted. */
export const countedStore = <Store extends EventStore>(store: Store): Store => ({
  ...store,
  append: (stream, events, expected) => {
    const appended = store.append(stream, events, expected);
    return isOfLeases(stream) || claims(events) ? timed(appended) : appended;
  },
  async *readStream(stream, options) {
    const begin = performance.now();
    yield* store.readStream(stream, options);
    if (isOfLeases(stream)) spentMs += performance.now() - begin;
  },
});
