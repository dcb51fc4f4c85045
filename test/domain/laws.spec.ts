import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command, Fact, Happened } from '../../src/domain/event.ts';
import { EXECUTIONS_MAX } from '../../src/domain/limits.ts';
import { DomainError } from '../../src/domain/refusals.ts';
import type { TaskEvent } from '../../src/domain/task/events.ts';
import { taskKind } from '../../src/domain/task/index.ts';
import { isOver, type Task } from '../../src/domain/task/state.ts';
import { happened } from '../../src/domain/upcasters.ts';
import { happenedBy } from './given.ts';
import { MAY_BECOME } from './may-become.ts';
import { randomCommand, STEP_MAX } from './random-history.ts';
import { createTask } from './task/commands.ts';
import * as events from './task/events.ts';
import { NOON } from './task/samples.ts';

/** Commands that are answered with "it is so already" when they come again under another id. Erasing has no state to know it by. */
const ALREADY_SO = ['CreateTask', 'Approve', 'Reject', 'Cancel', 'RequestDelivery'];

interface Moment {
  readonly command: Command;
  readonly before: Task;
  readonly facts: readonly Fact[];
  readonly after: Task;
}

/** Facts, or why not. Anything thrown but a refusal is a fault. */
const decided = (command: Command, task: Task): readonly Fact[] | DomainError => {
  try {
    return taskKind.decide(command, task);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
};

/** The moments at which something became true. */
const lived = (seeds: readonly number[]): readonly Moment[] => {
  const moments: Moment[] = [];
  let before = taskKind.initialState;
  let at = NOON;
  for (const [step, seed] of seeds.entries()) {
    const command = randomCommand(before, seed, step, at);
    at = command.at;
    const facts = decided(command, before);
    if (facts instanceof DomainError || facts.length === 0) continue;
    const after = happenedBy(facts, command).reduce(taskKind.evolve, before);
    moments.push({ command, before, facts, after });
    before = after;
  }
  return moments;
};

const seeds = fc.array(fc.noBias(fc.integer({ min: 0, max: STEP_MAX })), { minLength: 10, maxLength: 70, size: 'max' });

/** For the law that no state is outside of the table, and of each other one. */
const HISTORIES = 10_000;
const HISTORIES_EACH = 1_250;

const forHistories = (check: (moments: readonly Moment[]) => void, numRuns = HISTORIES_EACH): void => {
  fc.assert(
    fc.property(seeds, (history) => check(lived(history))),
    { numRuns },
  );
};

const factsOf = (moments: readonly Moment[]) => moments.flatMap(({ facts }) => facts as readonly TaskEvent[]);

/** Generous: two cores may be shared with much else. */
const TIMEOUT = { timeout: 60_000 };

describe('For any history of a task', TIMEOUT, () => {
  it('the command just accepted makes nothing true when it arrives again', () => {
    forHistories((moments) => {
      for (const { command, after } of moments) {
        if (command.type === 'RedactText') continue;
        const again = decided({ ...command, id: 'another id' }, after);
        if (ALREADY_SO.includes(command.type)) expect(again).toEqual([]);
        else expect(again).toBeInstanceOf(DomainError);
      }
    });
  });

  it('nothing runs, and nothing is delivered, before a person allowed exactly that', () => {
    forHistories((moments) => {
      const seen: TaskEvent[] = [];
      for (const fact of factsOf(moments)) {
        const last = <Name extends TaskEvent['type']>(type: Name) => {
          const found = seen.findLast(
            (event) => event.type === type && 'attempt' in event.data && event.data.attempt === attempt,
          );
          return found?.data as Extract<TaskEvent, { type: Name }>['data'] | undefined; // Selected by the very type.
        };
        const attempt = 'attempt' in fact.data ? fact.data.attempt : undefined;
        if (fact.type === 'StageClaimed')
          expect(last('TaskApproved')?.approvalDigest).toBe(last('RequestPrepared')?.approvalDigest);
        if (fact.type === 'DeliveryRequested') {
          const judged = last('PolicyJudged');
          expect(last('TaskApproved')?.approvalDigest).toBe(last('RequestPrepared')?.approvalDigest);
          expect(last('TestsFinished')).toMatchObject({ passed: true, tree: fact.data.tree });
          expect(last('ChangeCollected')).toMatchObject({ tree: fact.data.tree });
          expect(judged).toMatchObject({ tree: fact.data.tree });
          expect(judged?.report.verdict).not.toBe('violation');
          if (judged?.gate === 'required') {
            const asked = last('PatchApprovalRequested');
            expect(last('PatchApproved')).toMatchObject({ tree: fact.data.tree, approvalDigest: asked?.approvalDigest });
          }
        }
        if (fact.type === 'PullRequestOpened' || fact.type === 'PullRequestUpdated') {
          const { branch, commit, tree } = last('DeliveryRequested') ?? {};
          expect(fact.data).toMatchObject({ branch, head: commit, tree });
        }
        seen.push(fact);
      }
    });
  });

  it('it is over, waits for a person, or has a next step', () => {
    forHistories((moments) => {
      for (const { after } of moments) {
        const step = taskKind.nextStep(after);
        if (isOver(after) || after.status === 'WAIT_CLARIFY') expect(step).toBeUndefined();
        else if (after.status.startsWith('WAIT')) expect(step).toMatchObject({ kind: 'expire', notBefore: expect.any(String) });
        else expect(step).toBeDefined();
      }
    });
  });

  it('what was left behind never becomes the next step again', () => {
    forHistories((moments) => {
      const left = new Set<string>();
      for (const { before, after } of moments) {
        const [was, is] = [taskKind.nextStep(before)?.key, taskKind.nextStep(after)?.key];
        if (was !== undefined && was !== is) left.add(was);
        expect(is !== undefined && left.has(is)).toBe(false);
      }
    });
  });

  it('its status moves inside the table', () => {
    forHistories((moments) => {
      for (const { before, after } of moments) {
        if (before.status !== after.status && !MAY_BECOME[before.status].includes(after.status))
          expect.unreachable(`${before.status} became ${after.status}`);
      }
    }, HISTORIES);
  });

  it(`a stage is executed at most ${EXECUTIONS_MAX} times that count, each under a fence of its own`, () => {
    forHistories((moments) => {
      const counted = new Map<string, number>();
      const fences = new Set<string>();
      for (const { type, data } of factsOf(moments)) {
        if (type !== 'StageClaimed' && type !== 'StageReleased') continue;
        const { attempt, stage, execution } = data;
        const key = `${attempt} ${stage}`;
        if (type === 'StageReleased') {
          if (data.reason === 'shutdown') counted.set(key, (counted.get(key) ?? 0) - 1);
          continue;
        }
        counted.set(key, (counted.get(key) ?? 0) + 1);
        expect(counted.get(key)).toBeLessThanOrEqual(EXECUTIONS_MAX);
        expect(fences.has(`${key} ${execution}`)).toBe(false);
        fences.add(`${key} ${execution}`);
      }
    });
  });

  it('there are never two unfinished deliveries, nor a cancelled one', () => {
    forHistories((moments) => {
      const open = new Map<number, number>();
      for (const { type, data } of factsOf(moments)) {
        if (type === 'DeliveryRequested') {
          open.set(data.attempt, (open.get(data.attempt) ?? 0) + 1);
          expect(open.size).toBe(1);
          expect(open.get(data.attempt)).toBeLessThanOrEqual(2);
        }
        if (type === 'TaskCancelled' || type === 'ApprovalExpired' || type === 'TaskRejected') expect(open.size).toBe(0);
        if (type === 'PullRequestOpened' || type === 'PullRequestUpdated' || type === 'TaskFailed') open.delete(data.attempt);
      }
    });
  });

  it('what is stored reads back as what was decided, and leads to the same state', () => {
    forHistories((moments) => {
      const metadata = { $correlationId: '', $causationId: '', commandId: '', channel: '', schema: '1', prevHash: '', hash: '' };
      const read = moments.flatMap(({ command: { actor, at }, facts }) =>
        facts.map(({ type, data }) =>
          happened(taskKind, { type, data: JSON.parse(JSON.stringify(data)), metadata: { ...metadata, actor, at } }),
        ),
      );
      expect(read.map(({ type, data }) => ({ type, data }))).toEqual(factsOf(moments));
      expect(read.reduce(taskKind.evolve, taskKind.initialState)).toEqual(moments.at(-1)?.after ?? taskKind.initialState);
    });
  });
});

describe('For any events in any order', TIMEOUT, () => {
  const builders = Object.values(events).filter((value) => typeof value === 'function') as readonly ((
    over: object,
  ) => Happened)[];
  const anyEvent = fc
    .tuple(fc.constantFrom(...builders), fc.integer({ min: 1, max: 3 }))
    .map(([build, attempt]) => (build.length === 0 ? build({}) : build({ attempt })));

  it('folding them, and asking what comes next, never throws', () => {
    fc.assert(
      fc.property(
        fc.array(anyEvent, { maxLength: 30, size: 'max' }),
        fc.noBias(fc.integer({ min: 0, max: STEP_MAX })),
        (history, seed) => {
          const task = history.reduce(taskKind.evolve, taskKind.initialState);
          taskKind.nextStep(task);
          decided(randomCommand(task, seed, 0, NOON), task);
          if (task.status !== 'absent') taskKind.needs(createTask(), task);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
