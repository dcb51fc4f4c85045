import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './git-http.ts';

/**
 * What goes wrong with a request. A status (or a whole answer) and `reset` leave no effect; `lost_answer` has its effect and breaks the
 * connection where the answer would be; `delayMs` only takes its time.
 */
export type Fault =
  | number
  | 'reset'
  | 'lost_answer'
  | { readonly delayMs: number }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: unknown };

export interface Faults {
  /** The next `times` requests (one by default) whose `METHOD /path?query` matches; `/api/v3` is not part of the path. Each is told to `happened`. */
  failNext(pattern: RegExp, fault: Fault, times?: number, happened?: () => void): void;
  /** Forgets the faults that have not happened. */
  clear(): void;
}

/** Like `Faults`, with what the front does about them: `null` is a broken connection. */
export const createFaults = (): Faults & { apply(target: string, answer: () => Promise<Answer>): Promise<Answer | null> } => {
  let planned: { readonly pattern: RegExp; readonly fault: Fault; times: number; readonly happened: () => void }[] = [];

  const take = (target: string): Fault | undefined => {
    const plan = planned.find(({ pattern }) => pattern.test(target));
    if (plan === undefined) return undefined;
    plan.times--;
    planned = planned.filter(({ times }) => times > 0);
    plan.happened();
    return plan.fault;
  };

  return {
    failNext: (pattern, fault, times = 1, happened = () => {}) => {
      planned.push({ pattern, fault, times, happened });
    },
    clear: () => {
      planned = [];
    },
    apply: async (target, answer) => {
      const fault = take(target);
      if (fault === undefined) return answer();
      if (fault === 'reset') return null;
      if (fault === 'lost_answer') {
        await answer();
        return null;
      }
      if (typeof fault === 'number') return { status: fault, headers: {}, body: JSON.stringify({ message: `Fault ${fault}` }) };
      if ('delayMs' in fault) {
        await sleep(fault.delayMs);
        return answer();
      }
      return { status: fault.status, headers: fault.headers ?? {}, body: JSON.stringify(fault.body) };
    },
  };
};
