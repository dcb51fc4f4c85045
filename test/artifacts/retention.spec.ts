import { describe, expect, it } from 'vitest';
import type { Position, RecordedEvent } from '../../src/domain/event-store.ts';
import { namedByOpenTasks } from '../../src/infra/artifact-retention.ts';
import type { TaskFilter } from '../../src/infra/views/task-queries.ts';
import type { Views } from '../../src/infra/views/views.ts';

const refOf = (digit: string) => ({ digest: digit.repeat(64), bytes: 3 });

/** What each open task stores, in pages of one. */
const logOf = (tasks: Readonly<Record<string, readonly unknown[]>>, isFresh = true) => {
  const ids = Object.keys(tasks);
  const asked: TaskFilter[] = [];
  async function* readStream(stream: string): AsyncIterable<RecordedEvent> {
    for (const [revision, data] of (tasks[stream.slice('task-'.length)] ?? []).entries())
      yield { stream, revision, position: '1' as Position, id: '', type: 'Whatever', data, metadata: {} }; // Nobody looks at it.
  }
  const listTasks = (filter: TaskFilter) => {
    asked.push(filter);
    const at = Number(filter.cursor ?? 0);
    const taskId = ids[at];
    return {
      tasks: taskId === undefined ? [] : [JSON.stringify({ taskId })],
      next: at + 1 < ids.length ? String(at + 1) : null,
    };
  };
  return {
    asked,
    store: { head: async () => null, readStream },
    views: { waitFor: async () => isFresh, queries: { listTasks } as Partial<Views['queries']> as Views['queries'] }, // The one query that is made.
  };
};

describe('What open tasks need', () => {
  it('is every artifact that any event of theirs names', async () => {
    const { store, views, asked } = logOf({
      one: [{ intent: { text: 'x', salt: 'y' } }, { patch: refOf('a'), changes: refOf('b'), log: null }, { log: refOf('c') }],
      other: [{ patch: null, log: refOf('d') }, null],
    });
    const named = [...(await namedByOpenTasks(store, views))].map(([digest, taskId]) => [digest[0], taskId]);
    expect(Object.fromEntries(named)).toEqual({ a: 'one', b: 'one', c: 'one', d: 'other' });
    expect(asked[0]?.statuses).not.toContain('COMPLETED');
    expect(asked[0]?.statuses).not.toContain('FAILED');
  });

  it('is not known while the views are behind the log', async () => {
    const { store, views } = logOf({ one: [{ log: refOf('a') }] }, false);
    await expect(namedByOpenTasks(store, views)).rejects.toThrow('behind');
  });
});
