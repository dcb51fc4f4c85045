import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type Effect, type Execution, StageFailure } from '../../src/commands/effect.ts';
import { soleOwner } from '../../src/commands/ports/liveness.ts';
import { OutsideFailure } from '../../src/commands/ports/repositories.ts';
import { taskStream } from '../../src/domain/ids.ts';
import type { Task } from '../../src/domain/task/state.ts';
import { requestPrepared, stageClaimed, taskApproved, taskCreated, untilJudged } from '../domain/task/events.ts';
import { text } from '../domain/task/samples.ts';
import { aFolder, aStore, theViews } from '../views/places.ts';
import { taskIdOf, tell, tellMany } from '../views/stories.ts';
import { clock, dispatchOn, stage, startRunner, untilAborted } from './runner-rig.ts';

const APPROVED = [taskCreated(), requestPrepared(), taskApproved()];

const open = async () => {
  const store = aStore(aFolder());
  const views = await theViews(aFolder(), store);
  const factsOf = (number: number) => Array.fromAsync(store.readStream(taskStream(taskIdOf(number))));
  return { store, views, factsOf };
};

describe('A stage that fails while its log cannot be kept', () => {
  it('is handed back with its reason and what is away, and not begun again before its time', async () => {
    const { store, views, factsOf } = await open();
    const run = vi.fn(() => Promise.reject(new StageFailure('AGENT_TIMEOUT', 'The agent took too long.', Buffer.from('log'))));
    const put = () => Promise.reject(new OutsideFailure('A disk is full.'));
    const runner = startRunner(store, views.work, { agent: stage(run, { put }) });
    await views.waitFor(await tell(store, 1, APPROVED), 5_000);
    await expect.poll(async () => (await factsOf(1)).at(-1)?.type).toBe('StageReleased');
    const released = (await factsOf(1)).at(-1);
    const sentence = { text: 'The agent took too long. A disk is full.' };
    expect(released?.data).toMatchObject({ reason: 'outside_failure', sentence });
    await pause(100); // Some looks later.
    expect(run).toHaveBeenCalledTimes(1);
    await runner.stop();
  });
});

describe('A task that is cancelled while its view is built anew', () => {
  it('is ended as soon as the new one answers', async () => {
    const { store, views, factsOf } = await open();
    await views.waitFor(await tell(store, 1, APPROVED), 5_000);
    const listeners = new Set<(streams: ReadonlySet<string>) => void>();
    // The work as a build of another version goes on showing it.
    const work = {
      ...views.work,
      onChange: (listener: (streams: ReadonlySet<string>) => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const ended = vi.fn();
    const runner = startRunner(store, work, { agent: stage((_, __, execution) => untilAborted(execution).then(ended)) });
    await expect.poll(async () => (await factsOf(1)).at(-1)?.type).toBe('StageClaimed');
    await dispatchOn(store).dispatch({
      id: crypto.randomUUID(),
      type: 'Cancel',
      data: { taskId: taskIdOf(1), attempt: 1, reason: null },
      actor: 'system:test',
      channel: 'system',
      at: clock.now(),
      correlationId: 'test',
    });
    expect(ended).not.toHaveBeenCalled();
    for (const listener of listeners) listener(new Set());
    await expect.poll(() => ended).toHaveBeenCalledTimes(1);
    await runner.stop();
  });
});

describe('A repository that is full', () => {
  it('hides no other, however many tasks wait for it', async () => {
    const { store, views } = await open();
    const on = (repo: string) => [taskCreated({ repo }), requestPrepared(), taskApproved()];
    await tellMany(store, 520, () => on('acme/busy'));
    await views.waitFor(await tell(store, 600, on('acme/quiet')), 10_000);
    const began: string[] = [];
    const agent = stage((task, _, execution) => {
      if (task.status !== 'absent') began.push(task.repo);
      return untilAborted(execution);
    });
    const runner = startRunner(store, views.work, { agent });
    await expect.poll(() => began.length).toBe(3);
    expect(began.sort()).toEqual(['acme/busy', 'acme/busy', 'acme/quiet']);
    await runner.stop();
  });
});

describe('A worker whose stages are looked at by others', () => {
  const held = [taskCreated({ repo: 'acme/held' }), requestPrepared(), taskApproved(), stageClaimed('agent')];
  const sleeping = () => stage((_, __, execution) => untilAborted(execution));

  it('is asked after once a look, however many it holds', async () => {
    const { store, views } = await open();
    await tellMany(store, 20, () => held);
    await views.waitFor((await store.head()) ?? '', 5_000);
    const isHeard = vi.fn(async () => true);
    const dueByPair = vi.fn(views.work.dueByPair); // Called once a look.
    const runner = startRunner(
      store,
      { ...views.work, dueByPair },
      { agent: sleeping() },
      { liveness: { ...soleOwner, isHeard } },
    );
    await expect.poll(() => dueByPair.mock.calls.length).toBeGreaterThan(0);
    await runner.stop();
    expect(isHeard).toHaveBeenCalledTimes(dueByPair.mock.calls.length);
  });

  it('keeps nothing else from being done when it cannot be asked after, and keeps its stages', async () => {
    const { store, views, factsOf } = await open();
    await tell(store, 1, held);
    await views.waitFor(await tell(store, 2, APPROVED), 5_000);
    const liveness = { ...soleOwner, isHeard: () => Promise.reject(new Error('unreadable')) };
    const runner = startRunner(store, views.work, { agent: sleeping() }, { liveness });
    await expect.poll(async () => (await factsOf(2)).at(-1)?.type).toBe('StageClaimed');
    expect(await factsOf(1)).toHaveLength(held.length);
    await runner.stop();
  });
});

describe('A worker that the others do not hear', () => {
  it('claims nothing until they hear it again', async () => {
    const { store, views, factsOf } = await open();
    await views.waitFor(await tell(store, 1, APPROVED), 5_000);
    let isHeardByOthers = false;
    const mayClaim = vi.fn(() => isHeardByOthers);
    const liveness = { ...soleOwner, mayClaim };
    const runner = startRunner(store, views.work, { agent: stage((_, __, execution) => untilAborted(execution)) }, { liveness });
    await expect.poll(() => mayClaim.mock.calls.length).toBeGreaterThan(0);
    expect(await factsOf(1)).toHaveLength(APPROVED.length);
    isHeardByOthers = true;
    await expect.poll(async () => (await factsOf(1)).at(-1)?.type, { timeout: 5_000 }).toBe('StageClaimed');
    await runner.stop();
  });
});

describe('Workers that do not see what the others begin', () => {
  it('run no more together than each of them may', async () => {
    const { store, views } = await open();
    await tellMany(store, 6, (n) => [taskCreated({ repo: `acme/${n}` }), requestPrepared(), taskApproved()]);
    await views.waitFor((await store.head()) ?? '', 5_000);
    let running = 0;
    const agent = stage(async (_, __, execution) => {
      running += 1;
      await untilAborted(execution);
      return undefined;
    });
    const work = { ...views.work, claimed: () => [] };
    const more = {
      admission: { runningMax: 2, runningPerRepositoryMax: 2, runningHereMax: 2, lightMax: 1 },
      liveness: { ...soleOwner, isHeard: async () => true },
    };
    const runners = ['one', 'two'].map((worker) => startRunner(store, work, { agent }, { ...more, worker }));
    await expect.poll(() => running, { timeout: 5_000 }).toBe(4);
    await pause(100); // Some looks later.
    expect(running).toBe(4);
    await Promise.all(runners.map((runner) => runner.stop()));
  });
});

describe('Many requests that several workers prepare', () => {
  it('are mostly shared out, and none is left', async () => {
    const { store, views } = await open();
    await tellMany(store, 100, () => [taskCreated()]);
    await views.waitFor((await store.head()) ?? '', 5_000);
    let looks = 0;
    const prepare: Effect<Task> = {
      weight: 'light',
      run: async (task) => {
        if (task.status === 'absent') return undefined;
        looks += 1;
        await pause(50);
        const { taskId } = task;
        return {
          type: 'AskForClarification',
          data: { taskId, attempt: 1, preparation: 1, reason: 'BASE_MISSING', sentence: text('There is none.') },
        };
      },
    };
    const liveness = { ...soleOwner, isHeard: async () => true };
    const runners = ['a', 'b', 'c', 'd'].map((worker) => startRunner(store, views.work, { prepare }, { worker, liveness }));
    await expect.poll(() => views.queries.countByStatus().WAIT_CLARIFY, { timeout: 10_000 }).toBe(100);
    await Promise.all(runners.map((runner) => runner.stop()));
    expect(looks).toBeLessThan(300);
  });
});

describe('A stage that was handed back by a machine whose clock is an hour ahead', () => {
  const ahead = { ...clock, now: () => new Date(Date.parse(clock.now()) + 3_600_000).toISOString() };
  const liveness = { ...soleOwner, isHeard: async () => true };

  it.each([
    ['begins', 'agent', APPROVED],
    ['goes on with', 'sandbox', untilJudged],
  ] as const)('is due for another that %s tasks', async (_, name, history) => {
    const { store, views, factsOf } = await open();
    await views.waitFor(await tell(store, 1, history), 5_000);
    const away = stage(() => Promise.reject(new OutsideFailure('GitHub is away.')));
    const first = startRunner(store, views.work, { [name]: away }, { worker: 'ahead', clock: ahead, liveness });
    await expect.poll(async () => (await factsOf(1)).at(-1)?.type).toBe('StageReleased');
    await first.stop();
    const began = vi.fn((_: unknown, __: unknown, execution: Execution) => untilAborted(execution));
    const second = startRunner(store, views.work, { [name]: stage(began) }, { worker: 'right', liveness });
    await expect.poll(() => began.mock.calls.length).toBe(1);
    await second.stop();
  });
});
