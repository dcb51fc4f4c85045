import { setTimeout as pause } from 'node:timers/promises';
import type { Kind } from '../domain/decider.ts';
import type { Fact } from '../domain/event.ts';
import { StoreUnavailable } from '../domain/event-store.ts';
import { derivedId } from '../domain/ids.ts';
import { DomainError } from '../domain/refusals.ts';
import { ConflictError, type Dispatch } from './dispatch.ts';
import { believedUntil, type Claim, type Effect, type Execution, type Order, StageFailure } from './effect.ts';
import type { Clock } from './ports/clock.ts';
import type { Liveness } from './ports/liveness.ts';
import type { RunnerLog } from './ports/log.ts';
import { outsideFailure } from './ports/repositories.ts';
import type { Loaded, Streams } from './streams.ts';

/** A kind of stream together with how its steps are carried out, by the kind of step. */
export interface Process<State = unknown> {
  readonly kind: Kind<State>;
  readonly effects: Readonly<Record<string, Effect<State>>>;
}

export interface ExecutionOptions {
  readonly worker: string;
  readonly dispatch: Dispatch;
  readonly streams: Streams;
  readonly liveness: Liveness;
  readonly clock: Clock;
  readonly log: RunnerLog;
  readonly onProgress: (stream: string, line: string) => void;
  /** How long to wait after the first, second, … outside failure of a stage, in milliseconds. */
  readonly retryDelaysMs: readonly number[];
}

/** How often something is recorded again while the store is away, in milliseconds. */
const RESEND_MS = { first: 100, max: 5_000 } as const;

/** Why an execution is told to end. */
export const ENDINGS = { shutdown: 'shutdown', overtaken: 'overtaken' } as const;

/** An execution under way. `stillHeld` asks the stream whether its claim is the one that counts. */
export interface Running {
  readonly abort: AbortController;
  readonly stillHeld: () => Promise<boolean>;
}

/** Another worker took the stage over, or a person ended the attempt: what was done here no longer counts. */
const isOvertaken = (error: unknown): boolean =>
  error instanceof DomainError && ['fence-overtaken', 'stage-not-due', 'another-attempt', 'stream-parked'].includes(error.code);

const later = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString();

/** Carries out one step of one stream: claim, execute, record. */
export const createExecutor = (options: ExecutionOptions) => {
  const { worker, dispatch, streams, liveness, clock, log } = options;
  /** Streams whose claim got no answer: if it is there all the same it is ours, and nobody has worked under it. */
  const unanswered = new Set<string>();
  const tidying = new Set<Promise<void>>();

  const tidyUp = (left: AsyncDisposableStack): void => {
    const done = left
      .disposeAsync()
      .catch((err: unknown) => log.error({ err }, 'what a stage left behind could not be tidied up'))
      .finally(() => tidying.delete(done));
    tidying.add(done);
  };

  const send = async (
    order: Order,
    id: string,
    cause: string,
    at = clock.now(),
    known?: Loaded<unknown>,
  ): Promise<readonly Fact[]> =>
    (await dispatch({ id, ...order, actor: `system:${worker}`, channel: 'system', at, correlationId: cause }, known)).events;

  /** Records it however long the store is away: the id is carried out once, and a claim keeps others from doing the work again. */
  const insist = async (
    order: Order,
    id: string,
    cause: string,
    at: string,
    signal: AbortSignal,
    known?: Loaded<unknown>,
  ): Promise<readonly Fact[]> => {
    for (let wait: number = RESEND_MS.first; ; wait = Math.min(wait * 2, RESEND_MS.max)) {
      try {
        return await send(order, id, cause, at, known);
      } catch (error) {
        const notNow = error instanceof StoreUnavailable || error instanceof ConflictError;
        if (!notNow || signal.aborted) throw error;
        await pause(wait, undefined, { signal }).catch(() => undefined); // A stop does not wait for it.
      }
    }
  };

  /** What an execution that threw comes to: handed back, failed, or nothing when it is no longer ours. `before`: what had ended it already. */
  const afterFailure = async <State>(
    claim: Claim<State>,
    state: State,
    error: unknown,
    signal: AbortSignal,
    before = '',
  ): Promise<Order | undefined> => {
    if (signal.aborted)
      return signal.reason === ENDINGS.shutdown ? claim.release(state, 'shutdown', null, clock.now()) : undefined;
    // Its log may have no place to be kept just now.
    if (error instanceof StageFailure)
      return claim.fail(state, error).catch((away: unknown) => afterFailure(claim, state, away, signal, `${error.message} `));
    if (isOvertaken(error) || error instanceof StoreUnavailable) throw error;
    const outside = outsideFailure(error);
    if (!outside) log.error({ err: error }, 'a stage met a fault of our own');
    const sentence = before + (outside?.message ?? 'The service met a fault of its own; its log says more.');
    const delays = options.retryDelaysMs;
    const delay = delays[Math.min(claim.counted(state), delays.length) - 1] ?? 0;
    return claim.release(state, 'outside_failure', sentence, later(clock.now(), delay));
  };

  /**
   * Carries out the step that `stream` has due; one that needs a slot only when it `mayBegin`. `onRunning` is told once the step is ours.
   * Resolves to `true` when something was recorded, so that the stream may have another step at once. Throws `DomainError` when another was
   * faster.
   */
  const execute = async (
    process: Process,
    stream: string,
    mayBegin: boolean,
    onRunning: (running: Running) => void,
  ): Promise<boolean> => {
    const { kind, effects } = process;
    let loaded = await streams.load(kind, stream);
    const step = kind.nextStep(loaded.state);
    const effect = step && effects[step.kind];
    if (!step || !effect) return false;
    const { notBefore = '' } = step;
    const now = clock.now();
    if (now < notBefore && notBefore <= (believedUntil(effect, now) ?? notBefore)) return false;
    if (effect.weight === 'begins' && !mayBegin) return false;
    if (effect.claim && !liveness.mayClaim()) return false;
    if (step.claimedBy !== undefined && (await liveness.isHeard(step.claimedBy))) return false;
    const cause = loaded.first ?? stream;
    const { claim } = effect;

    if (claim) {
      const isClaimed = unanswered.delete(stream) && step.claimedBy === worker;
      try {
        // A random id: two workers' claims must never be one event. What it yields may also be the end of the attempt.
        if (!isClaimed) await send(claim.take(loaded.state, worker), clock.uuid(), cause);
        loaded = await streams.load(kind, stream);
      } catch (error) {
        if (error instanceof StoreUnavailable) unanswered.add(stream);
        throw error;
      }
      if (kind.nextStep(loaded.state)?.claimedBy !== worker) return true;
    }
    const { state } = loaded;
    const held = kind.nextStep(state);
    const abort = new AbortController();
    onRunning({
      abort,
      stillHeld: async () => {
        const now = kind.nextStep((await streams.load(kind, stream)).state);
        return now?.key === held?.key && now?.claimedBy === held?.claimedBy;
      },
    });

    // As the step is named once it is claimed: a claim that got no answer and the next one never go by one name.
    const key = `${stream}-${(held ?? step).key}`;
    const left = new AsyncDisposableStack();
    let reports = 0;
    const execution: Execution = {
      key,
      signal: abort.signal,
      progress: (line) => options.onProgress(stream, line),
      report: (order, at = clock.now()) => insist(order, derivedId(key, 'report', reports++), cause, at, abort.signal),
      afterwards: (work) => left.defer(work),
    };
    const recover = (error: unknown) => {
      if (!claim) throw error;
      return afterFailure(claim, state, error, abort.signal);
    };
    const record = async (order: Order | undefined, name: string): Promise<boolean> => {
      // What takes a moment finds the stream as it was read; a stage was reported on, or outlasted, meanwhile.
      if (order) await insist(order, derivedId(key, name), cause, clock.now(), abort.signal, claim ? undefined : loaded);
      return order !== undefined;
    };
    try {
      const outcome = await effect.run(state, step, execution).catch(recover);
      // An outcome that is refused for what it says must not leave the claim held for ever.
      return await record(outcome, 'outcome').catch(async (error: unknown) => record(await recover(error), 'release'));
    } finally {
      tidyUp(left);
    }
  };

  return {
    execute,
    /** Resolves when everything is tidied up that was left so far. */
    tidied: async (): Promise<void> => void (await Promise.all(tidying)),
  };
};
