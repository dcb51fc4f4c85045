import { onTestFinished } from 'vitest';
import type { Weight } from '../../src/commands/admission.ts';
import { createDispatch } from '../../src/commands/dispatch.ts';
import type { Effect } from '../../src/commands/effect.ts';
import type { Process } from '../../src/commands/execution.ts';
import { createPeople } from '../../src/commands/people.ts';
import type { Artifacts } from '../../src/commands/ports/artifacts.ts';
import type { Clock } from '../../src/commands/ports/clock.ts';
import { soleOwner } from '../../src/commands/ports/liveness.ts';
import type { WorkView } from '../../src/commands/ports/work.ts';
import { createRunner, type RunnerOptions } from '../../src/commands/runner.ts';
import { createStreams } from '../../src/commands/streams.ts';
import { taskClaim } from '../../src/commands/task/claim.ts';
import type { Kind } from '../../src/domain/decider.ts';
import type { EventStore } from '../../src/domain/event-store.ts';
import { taskKind } from '../../src/domain/task/index.ts';
import type { Task } from '../../src/domain/task/state.ts';
import { NOON } from '../domain/task/samples.ts';

/** It goes on from the time of the sample events. */
export const clock: Clock = {
  now: () => new Date(Date.parse(NOON) + performance.now()).toISOString(),
  uuid: () => crypto.randomUUID(),
};

export const dispatchOn = (store: EventStore) => {
  const streams = createStreams(store);
  return { streams, dispatch: createDispatch({ store, streams, people: createPeople(streams), kinds: [taskKind as Kind] }) };
};

/** A stage that is claimed as in life and does what the test says. */
export const stage = (
  run: Effect<Task>['run'],
  {
    weight = 'begins',
    put = async () => ({ digest: '0'.repeat(64), bytes: 0 }),
  }: { weight?: Weight; put?: Artifacts['put'] } = {},
): Effect<Task> => ({ weight, claim: taskClaim({ put, get: async () => Buffer.alloc(0) }), run });

/** Until the runner ends it. */
export const untilAborted = ({ signal }: { readonly signal: AbortSignal }): Promise<undefined> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)));

/** A started runner of tasks, stopped after the test; nobody else is heard. */
export const startRunner = (
  store: EventStore,
  work: WorkView,
  effects: Readonly<Record<string, Effect<Task>>>,
  more: Partial<RunnerOptions> = {},
) => {
  const runner = createRunner({
    worker: 'here',
    processes: [{ kind: taskKind, effects } as unknown as Process], // As main.ts gives it: the runner knows no kind's state.
    ...dispatchOn(store),
    work,
    liveness: soleOwner,
    admission: { runningMax: 64, runningPerRepositoryMax: 2, runningHereMax: 64, lightMax: 16 },
    clock,
    log: { info: () => undefined, error: () => undefined },
    onProgress: () => undefined,
    retryDelaysMs: [60_000],
    ...more,
  });
  runner.start();
  onTestFinished(() => runner.stop());
  return runner;
};
