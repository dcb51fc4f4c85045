import { fstatSync, writeSync } from 'node:fs';
import { namesOf } from './names.ts';
import { type Fate, type Notice, Order } from './shapes.ts';

/** The other end is read by whoever started this process. A write to it is done before a signal is. */
export const NOTICES_FD = 4;
/** A notice is written in one piece. */
const SENTENCE_CHARACTERS_MAX = 500;

let fates: readonly Fate[] = [];
let skewMs = Number(process.env.CHAOS_SKEW_MS ?? 0);

process.on('message', (message) => {
  const order = Order.parse(message);
  if ('fates' in order) ({ fates } = order);
  else ({ skewMs } = order);
  process.send?.('heard');
});
process.on('disconnect', () => process.exit());
process.channel?.unref();

fstatSync(NOTICES_FD); // A service that nobody listens to would wait for its fate for ever.
const tell = (notice: Notice): void => void writeSync(NOTICES_FD, `${JSON.stringify(notice)}\n`);

type Method = (...args: readonly unknown[]) => unknown;

/** Takes a fate that is about one of these calls, and all others with it: nobody meets two. */
const meet = (names: readonly string[]): Fate | undefined => {
  const met = fates.find(({ call }) => names.includes(call));
  if (met) fates = [];
  return met;
};

const end = (fate: Fate): void => {
  tell(fate);
  process.kill(process.pid, fate.signal);
};

/** A code of the system's says what a sentence of git's may not. */
const sentenceOf = (error: unknown): string =>
  error instanceof Error ? `${error.message} ${'code' in error ? error.code : ''}`.slice(0, SENTENCE_CHARACTERS_MAX) : '';

/** The same result. That it failed is told, so that who plays a fault knows that it was met. */
const watched = (call: string, result: unknown): unknown =>
  result instanceof Promise
    ? result.catch((error: unknown) => {
        tell({ failed: call, sentence: sentenceOf(error) });
        throw error;
      })
    : result;

const isRead = (result: unknown): result is AsyncIterable<unknown> =>
  typeof result === 'object' && result !== null && Symbol.asyncIterator in result;

/** What is read bit by bit is over when it was read. */
const readThenEnd = async function* (result: AsyncIterable<unknown>, fate: Fate): AsyncIterable<unknown> {
  try {
    yield* result;
  } finally {
    end(fate);
  }
};

/** The part itself, but for the call that meets its fate. */
export const mortal = <Part extends object>(part: string, real: Part): Part =>
  new Proxy(real, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as Method; // Whatever it takes is handed on as it came.
      return (...args: readonly unknown[]): unknown => {
        const names = namesOf(part, String(property), args);
        const met = meet(names);
        if (met?.when === 'before') end(met);
        if (met?.when === 'during') tell(met);
        const result = watched(names[0] ?? part, method(...args));
        if (met?.when !== 'after') return result;
        return isRead(result) ? readThenEnd(result, met) : Promise.resolve(result).finally(() => end(met));
      };
    },
  });

/** A clock that was set wrong. */
export const skewed = <Clock extends { now(): string }>(clock: Clock): Clock => ({
  ...clock,
  now: () => new Date(Date.now() + skewMs).toISOString(),
});
