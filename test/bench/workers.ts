import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createDispatch } from '../../src/commands/dispatch.ts';
import { createPeople } from '../../src/commands/people.ts';
import type { Clock } from '../../src/commands/ports/clock.ts';
import { createRunner } from '../../src/commands/runner.ts';
import { createStreams } from '../../src/commands/streams.ts';
import type { Kind } from '../../src/domain/decider.ts';
import { taskStream } from '../../src/domain/ids.ts';
import { personKind } from '../../src/domain/person/index.ts';
import { taskKind } from '../../src/domain/task/index.ts';
import { createHeartbeats } from '../../src/infra/heartbeats.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { openKeeper } from '../../src/infra/views/keeper.ts';
import { openViews } from '../../src/infra/views/views.ts';
import { requestPrepared, taskApproved, taskCreated } from '../domain/task/events.ts';
import { NOON, uuid } from '../domain/task/samples.ts';
import { type SimulatedStage, simulatedStages } from '../support/simulated-stages.ts';
import { storyOf, taskIdOf } from '../views/stories.ts';
import { absolute, against, type Figure, median } from './figure.ts';

/** How much faster than life the simulated clock runs. */
const SCALE = 40;
const SLOTS_PER_WORKER = 4;
/** Tasks for each slot. */
const TASKS_PER_SLOT = 3;

/** Seconds in life, by stage. An agent takes from 2 to 8 minutes. */
const SECONDS = { agent: [120, 480], sandbox: [60, 120], delivery: [6, 10], bookkeeping: [1, 3] } as const;

/** The same for the same task and stage. */
const secondsOf = (stage: SimulatedStage, taskId: string): number => {
  const [least, most] = SECONDS[stage];
  return least + ((most - least) * Number.parseInt(uuid(`${stage} ${taskId}`).slice(0, 6), 16)) / 0xff_ffff;
};

interface Filed {
  readonly number: number;
  readonly person: string;
  readonly repo: string;
}

const personOf = (name: string): string => `person-${uuid(name)}`;

/** One person files half of all requests, before everybody else; of the others', six each, two thirds are on one repository. */
const filedBy = (tasks: number): readonly Filed[] => {
  const half = tasks / 2;
  const others = half / 6;
  return Array.from({ length: tasks }, (_, number) => {
    if (number < half) return { number, person: personOf('flood'), repo: `acme/flood-${number % 64}` };
    const [who, nth] = [number % others, Math.floor((number - half) / others)];
    return { number, person: personOf(`other ${who}`), repo: nth % 3 === 2 ? `acme/quiet-${who}` : `acme/busy-${who}` };
  });
};

interface Run {
  /** Tasks a simulated hour, while some wait for a place. */
  readonly perHour: number;
  /** Most that ran at once. */
  readonly atOnce: number;
  /** Longest that a request of the many, and one on a quiet repository, waited to begin; of the whole time. */
  readonly othersWaited: number;
  readonly quietWaited: number;
  /** Longest wait of one of those who ask little, over that of the median one of them. */
  readonly unevenness: number;
}

/** `workers` runners with heart-beats and claims of their own on one log. They share one set of views, so that they fit into one process. */
const run = async (workers: number): Promise<Run> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  const store = openSqliteStore({ file: join(folder, 'log.db') });
  const slots = workers * SLOTS_PER_WORKER;
  const filed = filedBy(slots * TASKS_PER_SLOT);
  await Promise.all(
    filed.map(({ number, person, repo }) => {
      const history = [taskCreated({ repo }, { actor: person }), requestPrepared(), taskApproved()];
      return store.append(taskStream(taskIdOf(number)), storyOf(taskIdOf(number), history), 'no_stream');
    }),
  );
  const file = join(folder, 'views.db');
  const views = await openViews(file, await openKeeper({ file, auditFile: join(folder, 'audit.jsonl'), store }));
  await views.waitFor((await store.head()) ?? '', 60_000);

  const streams = createStreams(store);
  const kinds: readonly Kind[] = [taskKind as Kind, personKind as Kind];
  const dispatch = createDispatch({ store, streams, people: createPeople(streams), kinds });
  const started = performance.now();
  const clock: Clock = {
    now: () => new Date(Date.parse(NOON) + (performance.now() - started) * SCALE).toISOString(),
    uuid: () => crypto.randomUUID(),
  };
  const began = new Map<string, number>();
  const stages = simulatedStages((stage, taskId, signal) => {
    if (stage === 'agent') began.set(taskId, performance.now() - started);
    return pause((secondsOf(stage, taskId) * 1_000) / SCALE, undefined, { signal });
  });
  const log = { info: () => undefined, error: (fields: object) => console.error(fields) };
  const members = await Promise.all(
    Array.from({ length: workers }, async (_, index) => {
      const worker = `worker-${index}`;
      const heartbeats = createHeartbeats({ store, worker, log, intervalMs: 1_000, takeoverAfterMs: 10_000 });
      await heartbeats.start();
      const runner = createRunner({
        worker,
        processes: [stages],
        dispatch,
        streams,
        work: views.work,
        liveness: heartbeats,
        admission: { runningMax: slots, runningPerRepositoryMax: 2, runningHereMax: SLOTS_PER_WORKER, lightMax: 16 },
        clock,
        log,
        onProgress: () => undefined,
        retryDelaysMs: [1_000],
      });
      return { heartbeats, runner };
    }),
  );
  for (const { runner } of members) runner.start();
  let atOnce = 0;
  const isDone = (): boolean => {
    atOnce = Math.max(atOnce, views.work.claimed().length);
    return (
      views.queries.listTasks({ status: 'COMPLETED', limit: 1 }).tasks.length > 0 &&
      views.work.nextAt('') === undefined &&
      views.work.claimed().length === 0 &&
      began.size === filed.length
    );
  };
  while (!isDone()) await pause(20);
  const took = performance.now() - started;
  for (const { runner, heartbeats } of members) {
    await runner.stop();
    heartbeats.stop();
  }
  await views.close();
  await store.close();
  await rm(folder, { recursive: true });

  const longestWait = (some: readonly Filed[]): number =>
    Math.max(...some.map(({ number }) => began.get(taskIdOf(number)) ?? took)) / took;
  const others = filed.filter(({ person }) => person !== personOf('flood'));
  const longestWaits = [...Map.groupBy(others, ({ person }) => person).values()].map(longestWait);
  return {
    // When the last one begins, all but those that then run are done.
    perHour: (filed.length - slots) / ((Math.max(...began.values()) * SCALE) / 3_600_000),
    atOnce,
    othersWaited: longestWait(others),
    quietWaited: longestWait(others.filter(({ repo }) => repo.startsWith('acme/quiet'))),
    unevenness: Math.max(...longestWaits) / median(longestWaits),
  };
};

/** Throughput and turns with 1 to 16 workers; stages take as long as in life, on a clock that runs faster. */
export const manyWorkers = async (): Promise<Figure[]> => {
  const alone = await run(1);
  const figures = [absolute('tasks an hour, 1 worker', alone.perHour, 'tasks', '>= 20')];
  for (const workers of [2, 4, 8, 16]) {
    const { perHour, atOnce, othersWaited, quietWaited, unevenness } = await run(workers);
    figures.push(
      against(`tasks an hour, ${workers} workers, of 1 worker's`, perHour, 'tasks', alone.perHour, `>= ${0.75 * workers}`),
      absolute(
        `${workers} workers: most that ran at once, of ${workers * SLOTS_PER_WORKER} slots`,
        atOnce,
        'tasks',
        `<= ${workers * (SLOTS_PER_WORKER + 1)}`,
      ),
      absolute(`${workers} workers: longest wait of those who ask little`, othersWaited, 'of the run', '<= 0.75'),
      absolute(`${workers} workers: longest wait on a quiet repository`, quietWaited, 'of the run', '<= 0.75'),
      absolute(`${workers} workers: longest wait of one who asks little`, unevenness, "of the median one's", '<= 1.5'),
    );
  }
  return figures;
};
