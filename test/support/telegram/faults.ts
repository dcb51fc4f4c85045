import { Refusal, tooManyRequests } from './refusal.ts';

/**
 * What goes wrong with a call. A status is answered as the real server would, 502 to 504 with the page of a proxy instead of JSON. `reset` and
 * `hang` leave no effect; `lost` has its effect, and the connection breaks where the answer would be.
 */
export interface Fault {
  readonly error?: number | 'reset' | 'hang' | 'lost';
  /** Other words than the usual ones of the status, such as `Bad Request: TOPIC_CLOSED`. */
  readonly description?: string;
  /** Seconds, with 429; 1 without it. */
  readonly retryAfter?: number;
  /** Waited for before anything else happens. */
  readonly delayMs?: number;
  /** One by default; `Infinity` until the faults are cleared. */
  readonly times?: number;
  /** Told of each. */
  readonly happened?: () => void;
}

export interface Faults {
  /** The next calls of a method, or of any with `*`, go wrong. */
  plan(method: string, fault: Fault): void;
  /** Takes the fault that is planned for this call. */
  take(method: string): Fault | undefined;
  /** Forgets the faults that have not happened. */
  clear(): void;
}

export const createFaults = (): Faults => {
  let planned: { readonly method: string; readonly fault: Fault; times: number }[] = [];
  return {
    plan: (method, fault) => {
      planned.push({ method: method.toLowerCase(), fault, times: fault.times ?? 1 });
    },
    take: (method) => {
      const plan = planned.find(({ method: of }) => of === '*' || of === method.toLowerCase());
      if (plan === undefined) return undefined;
      plan.times--;
      planned = planned.filter(({ times }) => times > 0);
      plan.fault.happened?.();
      return plan.fault;
    },
    clear: () => {
      planned = [];
    },
  };
};

const WORDS: Readonly<Record<number, string>> = {
  400: 'Bad Request: something is wrong',
  401: 'Unauthorized',
  403: 'Forbidden: bot was blocked by the user',
  404: 'Not Found',
  409: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
  500: 'Internal Server Error',
};

/** The refusal that a planned status stands for; `description` replaces everything else it says, such as how long to wait. */
export const faultRefusal = (status: number, { description, retryAfter = 1 }: Fault): Refusal => {
  if (description !== undefined) return new Refusal(status, description);
  return status === 429 ? tooManyRequests(retryAfter) : new Refusal(status, WORDS[status] ?? 'Internal Server Error');
};
