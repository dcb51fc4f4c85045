import type { Step } from '../domain/decider.ts';
import type { Fact } from '../domain/event.ts';
import type { StageErrorCode } from '../domain/refusals.ts';
import { lastRetryAt } from '../domain/retry.ts';
import type { Weight } from './admission.ts';

/** Type and data of a command; the runner adds who, when and the id. */
export interface Order {
  readonly type: string;
  readonly data: unknown;
}

/** What an effect may use while it runs. */
export interface Execution {
  /** Unique for this execution: names containers, folders and logs. */
  readonly key: string;
  /** Aborts when the stage is overtaken, cancelled, or the service stops. */
  readonly signal: AbortSignal;
  /** Records something before the outcome, durable when it resolves; returns what it made true. `at` fixes the time of the event. */
  report(order: Order, at?: string): Promise<readonly Fact[]>;
  progress(line: string): void;
  /** Tidies up, last asked first, once the outcome is recorded. Nothing waits for it but a stop; what it throws is logged. */
  afterwards(work: () => Promise<void>): void;
}

/** How a step is taken for one execution, and given back. */
export interface Claim<State> {
  take(state: State, worker: string): Order;
  release(state: State, reason: 'shutdown' | 'outside_failure', sentence: string | null, notBefore: string): Order;
  fail(state: State, failure: StageFailure): Promise<Order>;
  /** Executions that counted so far, this one included: how long to wait after an outside failure. */
  counted(state: State): number;
}

/** How one kind of step is carried out. Everything here may run twice; only the fence decides whose outcome counts. */
export interface Effect<State> {
  readonly weight: Weight;
  /** Absent: the step is cheap and harmless to do twice at the same time. */
  readonly claim?: Claim<State>;
  /** Does the work and returns the outcome as a command; `undefined` when there is none to record. */
  run(state: State, step: Step, execution: Execution): Promise<Order | undefined>;
}

/**
 * Until when a step of this kind may say that it waits; one that says longer is due. What is claimed was handed back by the clock of another;
 * anything else is believed whatever it says: `undefined`.
 */
export const believedUntil = ({ claim }: Pick<Effect<never>, 'claim'>, now: string): string | undefined =>
  claim && lastRetryAt(now);

/** A stage came to an end that fails the attempt. The message is a sentence for a person. */
export class StageFailure extends Error {
  override readonly name = 'StageFailure';
  readonly errorCode: StageErrorCode;
  readonly output: Buffer | undefined;
  constructor(errorCode: StageErrorCode, sentence: string, output?: Buffer) {
    super(sentence);
    this.errorCode = errorCode;
    this.output = output;
  }
}
