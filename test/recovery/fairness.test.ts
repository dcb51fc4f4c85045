import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AdmissionLimits } from '../../src/commands/admission.ts';
import type { Effect } from '../../src/commands/effect.ts';
import type { RecordedEvent } from '../../src/domain/event-store.ts';
import { taskStream } from '../../src/domain/ids.ts';
import type { Task } from '../../src/domain/task/state.ts';
import { createHeartbeats } from '../../src/infra/heartbeats.ts';
import { startRunner, untilAborted } from '../commands/runner-rig.ts';
import { requestPrepared, taskApproved, taskCreated } from '../domain/task/events.ts';
import { ANNA, BERT } from '../domain/task/samples.ts';
import { simulatedStages } from '../support/simulated-stages.ts';
import { aFolder, aStore, theViews } from '../views/places.ts';
import { storyOf, taskIdOf, tellMany } from '../views/stories.ts';

const STAGES = 4;
const PROCESSES = 3;
/** Some looks of a runner, in milliseconds: the first comes at its start. */
const LOOKS_MS = 500;

interface Wish {
  readonly person: string;
  readonly repo: string;
}

const many = (count: number, wishOf: (n: number) => Wish): readonly Wish[] => Array.from({ length: count }, (_, n) => wishOf(n));

/**
 * Processes with a runner, heart-beats and views of their own, which share a log and nothing else. What they are held to is read in that log, in
 * its order; an agent takes as long as `agent`.
 */
const openFleet = (agent: () => Promise<unknown>) => {
  const store = aStore(aFolder());
  let filed = 0;
  let workers = 0;
  let executions = 0;
  const stages = simulatedStages((stage) => {
    executions += 1;
    return stage === 'agent' ? agent() : pause(5);
  });
  const faults: object[] = [];
  const log = { info: () => undefined, error: (fault: object) => faults.push(fault) };
  const open = async (worker: string, admission: AdmissionLimits) => {
    const views = await theViews(aFolder(), store);
    await views.waitFor((await store.head()) ?? '', 5_000);
    const liveness = createHeartbeats({ store, worker, log, intervalMs: 500, takeoverAfterMs: 10_000 });
    await liveness.start();
    onTestFinished(() => liveness.stop());
    return () => startRunner(store, views.work, {}, { worker, liveness, log, processes: [stages], admission });
  };
  const story = async (): Promise<readonly RecordedEvent[]> =>
    (await Array.fromAsync(store.readAll())).filter(({ stream }) => stream.startsWith('task-'));
  const until = async (isThere: (story: readonly RecordedEvent[]) => boolean): Promise<readonly RecordedEvent[]> => {
    await expect.poll(async () => isThere(await story()), { interval: 50, timeout: 20_000 }).toBe(true);
    expect(faults).toEqual([]);
    return story();
  };

  return {
    until,
    /** Files approved requests; resolves to their streams. */
    ask: (wishes: readonly Wish[]): Promise<readonly string[]> =>
      Promise.all(
        wishes.map(async ({ person, repo }) => {
          const taskId = taskIdOf(filed++);
          const approved = [taskCreated({ repo }, { actor: person }), requestPrepared(), taskApproved()];
          await store.append(taskStream(taskId), storyOf(taskId, approved), 'no_stream');
          return taskStream(taskId);
        }),
      ),
    /** Each process may run the same. All look for work in the same moment. */
    start: async (processes: number, admission: AdmissionLimits): Promise<void> => {
      const members = await Promise.all(Array.from({ length: processes }, () => open(`worker-${workers++}`, admission)));
      for (const start of members) start();
    },
    /** Waits until everything is done, each stage of it once. */
    untilDone: async (): Promise<readonly RecordedEvent[]> => {
      const done = await until((events) => events.filter(({ type }) => type === 'TaskCompleted').length === filed);
      const claims = done.filter(({ type }) => type === 'StageClaimed').length;
      expect({ claims, executions }).toEqual({ claims: filed * STAGES, executions: filed * STAGES });
      return done;
    },
  };
};

/** A task that takes a place. */
const isBegin = ({ type, data }: RecordedEvent): boolean =>
  type === 'StageClaimed' && (data as { readonly stage: string }).stage === 'agent';

/** How many others began between the filing of the first of `streams` and the beginning of the last. */
const turnsWaited = (story: readonly RecordedEvent[], streams: readonly string[]): number => {
  const begins = story.slice(story.findIndex(({ stream }) => streams.includes(stream))).filter(isBegin);
  return begins.findLastIndex(({ stream }) => streams.includes(stream)) + 1 - streams.length;
};

/** Most tasks under way at once, from the first claim to the end: of one worker, on one repository, and together. */
const peaks = (story: readonly RecordedEvent[]) => {
  const repos = new Map<string, string>();
  const running = new Map<string, { readonly worker: string; readonly repo: string }>();
  const most = { ofOneWorker: 0, onOneRepository: 0, together: 0 };
  const countOf = (key: 'worker' | 'repo', value: string): number =>
    [...running.values()].filter((each) => each[key] === value).length;
  for (const { stream, type, data } of story) {
    const { worker, repo } = data as { readonly worker?: string; readonly repo?: string };
    if (type === 'TaskCreated' && repo) repos.set(stream, repo);
    if (type === 'TaskCompleted') running.delete(stream);
    if (type !== 'StageClaimed' || !worker) continue;
    const begun = { worker, repo: repos.get(stream) ?? '' };
    running.set(stream, begun);
    most.ofOneWorker = Math.max(most.ofOneWorker, countOf('worker', worker));
    most.onOneRepository = Math.max(most.onOneRepository, countOf('repo', begun.repo));
    most.together = Math.max(most.together, running.size);
  }
  return most;
};

describe('Processes that share a log and nothing else', () => {
  it.for([
    { whose: 'of another person', wish: { person: BERT, repo: 'acme/busy' }, places: 6 },
    { whose: 'of another person', wish: { person: BERT, repo: 'acme/busy' }, places: 1 },
    { whose: 'on another repository', wish: { person: ANNA, repo: 'acme/quiet' }, places: 6 },
    { whose: 'on another repository', wish: { person: ANNA, repo: 'acme/quiet' }, places: 1 },
  ])('begin two requests $whose before many of fifty that waited earlier, with room for $places', async ({ wish, places }) => {
    const fleet = openFleet(() => pause(60));
    const runningHereMax = Math.ceil(places / PROCESSES);
    await fleet.ask(many(50, () => ({ person: ANNA, repo: 'acme/busy' })));
    await fleet.start(PROCESSES, { runningMax: places, runningPerRepositoryMax: places, runningHereMax, lightMax: 4 });
    await fleet.until((story) => story.filter(isBegin).length > places);
    const two = await fleet.ask([wish, wish]);
    const isOfTwo = ({ stream }: RecordedEvent): boolean => two.includes(stream);
    const story = await fleet.until((events) => events.filter(isBegin).filter(isOfTwo).length === 2);
    // Each place at most once: what it took up next may have been chosen before the two were seen.
    expect(turnsWaited(story, two)).toBeLessThanOrEqual(PROCESSES * runningHereMax);
  });

  it('run no more each than each may, together no more than that, and each stage once', async () => {
    const fleet = openFleet(() => pause(30));
    await fleet.ask(many(16, (n) => ({ person: ANNA, repo: `acme/${n % 8}` })));
    await fleet.start(PROCESSES, { runningMax: 3, runningPerRepositoryMax: 1, runningHereMax: 2, lightMax: 4 });
    const most = peaks(await fleet.untilDone());
    expect(most.ofOneWorker).toBeLessThanOrEqual(2);
    expect(most.together).toBeLessThanOrEqual(PROCESSES * 2);
    expect(most.onOneRepository).toBeLessThanOrEqual(PROCESSES * 1);
  });

  it.for([
    { limit: 'together', limits: { runningMax: 2, runningPerRepositoryMax: 8 }, repos: 4 },
    { limit: 'on one repository', limits: { runningMax: 8, runningPerRepositoryMax: 2 }, repos: 1 },
  ])('begin nothing where others run as many as may $limit, until one of those is done', async (row) => {
    const working: (() => void)[] = [];
    const fleet = openFleet(() => new Promise<void>((resolve) => working.push(resolve)));
    const admission = { ...row.limits, runningHereMax: 2, lightMax: 4 };
    await fleet.ask(many(4, (n) => ({ person: ANNA, repo: `acme/${n % row.repos}` })));
    await fleet.start(1, admission);
    await fleet.until((story) => story.filter(isBegin).length === 2);
    await fleet.start(1, admission);
    await pause(LOOKS_MS);
    const begun = working.length;
    const finishing = setInterval(() => working.shift()?.(), 50);
    await fleet.untilDone();
    clearInterval(finishing);
    expect(begun).toBe(2);
  });

  it.for([
    { processes: 1, rounds: 4 },
    { processes: 2, rounds: 2 },
    { processes: 4, rounds: 1 },
  ])('take eight tasks to their end in the time of $rounds agents, where $processes have two places each', async (expected) => {
    const { processes, rounds } = expected;
    const working: (() => void)[] = [];
    const fleet = openFleet(() => new Promise<void>((resolve) => working.push(resolve)));
    await fleet.ask(many(8, (n) => ({ person: ANNA, repo: `acme/${n}` })));
    await fleet.start(processes, { runningMax: 8, runningPerRepositoryMax: 2, runningHereMax: 2, lightMax: 4 });
    for (let round = 0; round < rounds; round++) {
      await expect.poll(() => working.length, { timeout: 10_000 }).toBe(2 * processes);
      for (const finish of working.splice(0)) finish();
    }
    expect(peaks(await fleet.untilDone())).toMatchObject({ ofOneWorker: 2, together: 2 * processes });
  });
});

describe('Requests on a repository whose remote hangs', () => {
  it('leave room for preparing those on others, however many they are', async () => {
    const store = aStore(aFolder());
    await tellMany(store, 61, (n) => [taskCreated({ repo: n < 60 ? 'acme/hangs' : 'acme/answers' })]);
    const views = await theViews(aFolder(), store);
    await views.waitFor((await store.head()) ?? '', 5_000);
    const begun: string[] = [];
    const prepare: Effect<Task> = {
      weight: 'light',
      run: async (task, _, { signal }) => {
        if (task.status === 'absent') return undefined;
        begun.push(task.repo);
        return untilAborted({ signal });
      },
    };
    startRunner(store, views.work, { prepare });
    await expect.poll(() => begun, { timeout: 5_000 }).toContain('acme/answers');
  });
});
