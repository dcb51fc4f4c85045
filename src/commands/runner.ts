import { setTimeout as pause } from 'node:timers/promises';
import { StoreUnavailable } from '../domain/event-store.ts';
import { DomainError } from '../domain/refusals.ts';
import { type AdmissionLimits, admitted, createTurns, type Weighed, type Weight } from './admission.ts';
import { ConflictError } from './dispatch.ts';
import { dueSteps } from './due.ts';
import { createExecutor, ENDINGS, type ExecutionOptions, type Process, type Running } from './execution.ts';
import { soleOwner } from './ports/liveness.ts';
import type { WorkItem, WorkView } from './ports/work.ts';

export interface RunnerOptions extends ExecutionOptions {
  readonly processes: readonly Process[];
  readonly work: WorkView;
  readonly admission: AdmissionLimits;
}

/**
 * Between two looks, in milliseconds, and for each light step that the first of them began: while many requests are filed, preparing them takes a
 * small share of the event loop, and filing the rest.
 */
const LOOK_PAUSE_MS = 10;
const LIGHT_PAUSE_MS = 2.5;
/** Looks at least this often, whatever the view says: a worker that falls silent raises no event. */
const TICK_MS = 1_000;

interface Active {
  readonly item: WorkItem;
  running?: Running;
  done: Promise<void>;
}

/**
 * Takes every due step of every stream. What next is asked of the stream each time, so a restart needs nothing but the log, and any process
 * may take any step. `stop` hands running stages back.
 */
export const createRunner = (options: RunnerOptions) => {
  const { work, clock, log, liveness, admission } = options;
  const { execute, tidied } = createExecutor(options);
  const active = new Map<string, Active>();
  const turns = createTurns();
  const due = dueSteps(work, options.processes, admission, liveness === soleOwner);
  let stopping = false;
  let looking = false;
  let again = false;
  let nextLookAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe = () => {};

  const processOf = (stream: string) => options.processes.find(({ kind }) => stream.startsWith(`${kind.name}-`));
  const weighed = (item: WorkItem) => {
    const weight: Weight = processOf(item.stream)?.effects[item.step.kind]?.weight ?? 'light';
    return { ...item, weight, here: active.has(item.stream) };
  };
  const underWayHere = (): readonly Weighed[] => [...active.values()].map(({ item }) => weighed(item));

  /** Due steps whose worker fell silent. Each worker is asked after once a look; whoever cannot be asked after is taken for heard. */
  const abandoned = async (claimed: readonly WorkItem[], now: string): Promise<readonly WorkItem[]> => {
    const isDue = ({ stream, step }: WorkItem): boolean =>
      !active.has(stream) && processOf(stream)?.effects[step.kind] !== undefined && (step.notBefore ?? '') <= now;
    const held = claimed.filter(isDue);
    const workers = [...new Set(held.flatMap(({ step }) => step.claimedBy ?? []))];
    const isHeard = (other: string): Promise<boolean> =>
      liveness.isHeard(other).catch((error: unknown) => {
        tell(error, { worker: other });
        return true;
      });
    const heard = await Promise.all(workers.map(isHeard));
    const silent = new Set(workers.filter((_, index) => heard[index] === false));
    return held.filter(({ step }) => step.claimedBy !== undefined && silent.has(step.claimedBy));
  };

  /** An error that ended something of the runner; the log alone says what comes next, so the runner goes on. */
  const tell = (error: unknown, about: object): void => {
    if (error instanceof DomainError) log.info({ ...about, refused: error.code }, 'another was faster');
    else if (error instanceof StoreUnavailable || error instanceof ConflictError) log.info(about, 'the store is away');
    else log.error({ ...about, err: error }, 'the runner met a fault of our own');
  };

  const drive = async (mine: Active): Promise<boolean> => {
    const { stream } = mine.item;
    const process = processOf(stream);
    let recorded = false;
    try {
      const onRunning = (running: Running) => {
        mine.running = running;
        if (stopping) running.abort.abort(ENDINGS.shutdown);
      };
      // Straight on to the next step of the same stream: the view need not be waited for. What needs a slot waits until it is given one.
      const hasSlot = weighed(mine.item).weight === 'begins';
      while (process && !stopping && (await execute(process, stream, hasSlot && !recorded, onRunning))) recorded = true;
    } catch (error) {
      tell(error, { stream });
    }
    return recorded;
  };

  const begin = (item: WorkItem): void => {
    const mine: Active = { item, done: Promise.resolve() };
    active.set(item.stream, mine);
    mine.done = drive(mine).then((recorded) => {
      active.delete(item.stream);
      // Without anything recorded the view is merely behind: its next change, or the next tick, is soon enough.
      if (recorded) look();
    });
  };

  const once = async (): Promise<void> => {
    const now = clock.now();
    const left = await abandoned(work.claimed(), now);
    if (stopping) return;
    const free = [...left, ...due(now, underWayHere()).filter(({ stream }) => !active.has(stream))];
    const taken = [...work.claimed().map(weighed), ...underWayHere()];
    const running = [...new Map(taken.map((item) => [item.stream, item])).values()];
    const waiting = new Set(free.map(({ stream }) => stream));
    const underWay = running.filter(({ stream }) => !waiting.has(stream));
    turns.saw(underWay);
    const admittedNow = admitted(admission, free.map(weighed), underWay, turns);
    for (const item of admittedNow) begin(item);
    nextLookAt += LIGHT_PAUSE_MS * admittedNow.filter(({ weight }) => weight === 'light').length;
    schedule(work.nextAt(now));
  };

  const schedule = (nextAt: string | undefined): void => {
    clearTimeout(timer);
    if (stopping) return;
    const untilNext = nextAt === undefined ? TICK_MS : Math.max(1, Date.parse(nextAt) - Date.parse(clock.now()));
    timer = setTimeout(look, Math.min(TICK_MS, untilNext));
  };

  /** Looks for due work. Calls while a look is under way, or so soon after one, come to one more look. */
  const look = (): void => {
    again = true;
    if (looking || stopping) return;
    looking = true;
    void (async () => {
      while (again && !stopping) {
        const tooSoonMs = nextLookAt - performance.now();
        if (tooSoonMs > 0) await pause(tooSoonMs);
        if (stopping) break;
        again = false;
        nextLookAt = performance.now() + LOOK_PAUSE_MS;
        await once().catch((error: unknown) => {
          tell(error, {});
          schedule(undefined);
        });
      }
      looking = false;
    })();
  };

  /** Ends an execution whose claim no longer counts: cancelled, or taken over. */
  const check = async ({ running }: Active): Promise<void> => {
    if (running && !(await running.stillHeld())) running.abort.abort(ENDINGS.overtaken);
  };

  return {
    start(): void {
      unsubscribe = work.onChange((touched) => {
        for (const [stream, mine] of active) {
          if (touched.size === 0 || touched.has(stream)) void check(mine).catch((error: unknown) => tell(error, { stream }));
        }
        look();
      });
      look();
    },
    /** Streams under way in this process. */
    active: (): readonly string[] => [...active.keys()],
    /** Hands running stages back; resolves when nothing of this runner runs any more. */
    async stop(): Promise<void> {
      stopping = true;
      clearTimeout(timer);
      unsubscribe();
      for (const { running } of active.values()) running?.abort.abort(ENDINGS.shutdown);
      await Promise.allSettled([...active.values()].map(({ done }) => done));
      await tidied();
    },
  };
};
