import { describe, expect, it } from 'vitest';
import type { Dispatch } from '../../src/commands/dispatch.ts';
import type { Effect } from '../../src/commands/effect.ts';
import { createExecutor } from '../../src/commands/execution.ts';
import type { Liveness } from '../../src/commands/ports/liveness.ts';
import { OutsideFailure } from '../../src/commands/ports/repositories.ts';
import type { Streams } from '../../src/commands/streams.ts';
import type { Kind } from '../../src/domain/decider.ts';
import { StoreUnavailable } from '../../src/domain/event-store.ts';

interface Work {
  readonly execution: number;
  readonly isHeld: boolean;
  readonly isDone: boolean;
}

const STREAM = 'work-1';

/** A stream with one stage, whose first claim is stored without an answer. `run` is what each execution comes to. */
const open = (run: (key: string) => void) => {
  let work: Work = { execution: 0, isHeld: false, isDone: false };
  const seen = new Set<string>();
  let lost = 0;

  const kind = {
    name: 'work',
    nextStep: ({ execution, isHeld, isDone }: Work) =>
      isDone ? undefined : { kind: 'stage', key: `stage-1-${execution + 1}`, ...(isHeld && { claimedBy: 'me' }) },
  } as Partial<Kind<Work>> as Kind<Work>; // Nothing else of it is asked.

  const dispatch = (async ({ id, type }: { readonly id: string; readonly type: string }) => {
    if (seen.has(id)) return { events: [] };
    seen.add(id);
    if (type === 'Claim') work = { ...work, execution: work.execution + 1, isHeld: true };
    if (type === 'Release') work = { ...work, isHeld: false };
    if (type === 'Finish') work = { ...work, isHeld: false, isDone: true };
    if (type === 'Claim' && lost++ === 0) throw new StoreUnavailable('the answer was lost');
    return { events: [{ type, data: null }] };
  }) as unknown as Dispatch; // As above.

  const effect: Effect<Work> = {
    weight: 'continues',
    claim: {
      take: () => ({ type: 'Claim', data: null }),
      release: () => ({ type: 'Release', data: null }),
      fail: async () => ({ type: 'Fail', data: null }),
      counted: ({ execution }) => execution,
    },
    run: async (_, __, { key }) => {
      run(key);
      return { type: 'Finish', data: null };
    },
  };

  const executor = createExecutor({
    worker: 'me',
    dispatch,
    streams: {
      load: async () => ({ state: work, revision: 0, lastHash: '', seen: new Map(), first: 'first' }),
    } as unknown as Streams, // As above.
    liveness: { isHeard: async () => false, mayClaim: () => true } as Liveness,
    clock: { now: () => '2026-11-21T12:00:00.000Z', uuid: () => crypto.randomUUID() },
    log: { info: () => {}, error: () => {} },
    onProgress: () => {},
    retryDelaysMs: [0],
  });
  return {
    execute: () => executor.execute({ kind, effects: { stage: effect } }, STREAM, true, () => {}),
    work: () => work,
  };
};

describe('An execution under a claim whose answer was lost', () => {
  it('goes by another name than the next one, so that the outcome of both is recorded', async () => {
    const keys: string[] = [];
    const { execute, work } = open((key) => {
      if (keys.push(key) === 1) throw new OutsideFailure('GitHub is away.');
    });
    await expect(execute()).rejects.toThrow(StoreUnavailable);
    await execute();
    expect(work()).toEqual({ execution: 1, isHeld: false, isDone: false });
    await execute();
    expect(work()).toEqual({ execution: 2, isHeld: false, isDone: true });
    expect(new Set(keys).size).toBe(2);
  });
});
