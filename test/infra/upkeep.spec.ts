import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startUpkeep } from '../../src/infra/upkeep.ts';

const open = (works: readonly (() => Promise<void>)[]) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const log = { info: vi.fn(), error: vi.fn() };
  return { log, ...startUpkeep(works, log, 100) };
};

describe('Upkeep', () => {
  it('does each piece of work at every look, whatever became of the others', async () => {
    const failing = vi.fn(() => Promise.reject(new Error('the engine is away')));
    const working = vi.fn(async () => {});
    const { log, stop } = open([failing, working]);
    await vi.advanceTimersByTimeAsync(250);
    expect([failing.mock.calls.length, working.mock.calls.length, log.info.mock.calls.length]).toEqual([2, 2, 2]);
    await stop();
    await vi.advanceTimersByTimeAsync(500);
    expect(working).toHaveBeenCalledTimes(2);
  });

  it('never looks twice at the same time, and a stop waits for the work under way alone', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = vi.fn(() => gate.promise);
    const next = vi.fn(async () => {});
    const { stop } = open([slow, next]);
    await vi.advanceTimersByTimeAsync(350);
    expect(slow).toHaveBeenCalledTimes(1);
    const stopped = stop();
    gate.resolve();
    await stopped;
    expect(next).not.toHaveBeenCalled();
  });
});
