import { z } from 'zod';

/** What becomes of a process, once: right before or right after the `nth` of the calls from now on it sends itself `signal`. */
export const Fate = z.strictObject({
  /** `<part>.<method>`, such as `forge.openDraft`. Of `store.append` only those to the streams of tasks count. */
  call: z.string(),
  nth: z.int().min(1),
  when: z.enum(['before', 'after']),
  signal: z.enum(['SIGKILL', 'SIGTERM', 'SIGSTOP']),
});
export type Fate = z.infer<typeof Fate>;

type Method = (...args: readonly unknown[]) => unknown;

/** A first fate, known before the service starts, as JSON. */
const { REHEARSED_FATE } = process.env;

let fate = REHEARSED_FATE === undefined ? undefined : Fate.parse(JSON.parse(REHEARSED_FATE));
let calls = 0;

/** Takes later fates from the process that started this one, and ends with it. */
process.on('message', (message) => {
  fate = Fate.parse(message);
  calls = 0;
  process.send?.('armed');
});
process.on('disconnect', () => process.exit());
process.channel?.unref();

const isMeant = (call: string, [stream]: readonly unknown[]): boolean =>
  call === fate?.call && (call !== 'store.append' || `${stream}`.startsWith('task-'));

const meets = (call: string, args: readonly unknown[]): Fate | undefined =>
  isMeant(call, args) && ++calls === fate?.nth ? fate : undefined;

/** The process that started this one hears when. */
const meet = (signal: NodeJS.Signals): void => {
  process.send?.(Date.now());
  process.kill(process.pid, signal);
};

/** The part itself, but for the call that meets its fate. */
export const mortal = <Part extends object>(name: string, part: Part): Part =>
  new Proxy(part, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as Method; // Whatever it takes is handed on as it came.
      return (...args: readonly unknown[]): unknown => {
        const met = meets(`${name}.${String(property)}`, args);
        if (met?.when === 'before') meet(met.signal);
        const result = method(...args);
        if (met?.when !== 'after') return result;
        return Promise.resolve(result).then((value) => {
          meet(met.signal);
          return value;
        });
      };
    },
  });
